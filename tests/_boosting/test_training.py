"""What the classifiers train: the trees of the objective, from the start they say."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import root
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from tests._boosting.data import link, rare_table, table, weighted_table
from tests._boosting.engines import by_engine
from tests._boosting.refusals import assert_refused


def test_gamma_zero_trains_like_the_built_in_loss(engine):
    X, y = table()
    words = {"focal_gamma": 0.0, "focal_link": "focal", "n_estimators": 50}
    model = engine.classifier(**words).fit(X, y)
    expected = engine.plain(n_estimators=50, max_delta_step=2).fit(X, y)
    losses = [log_loss(y, m.predict_proba(X)) for m in (model, expected)]
    assert abs(losses[0] / losses[1] - 1) < 0.15


@pytest.mark.parametrize("n_classes", [2, 3])
def test_gamma_zero_is_the_log_loss_with_bounded_steps(engine, n_classes):
    X, y = rare_table(n_classes)
    # Small trees: rounding decides no split. Nor whether a badly missed sample, which
    # weighs 1, reaches XGBoost's least weight of a leaf, 1 as well.
    words = {"learning_rate": 0.5, "max_depth": 2}
    words |= engine.pick(lightgbm={}, xgboost={"min_child_weight": 0.5})
    bound = 1 if n_classes == 2 else engine.softmax_bound
    start = FocalLoss(0.0).fit_intercept_only(y)

    def objective(raw, data):
        labels = data.get_label().astype(int)
        p = link(raw.astype(float))
        g = p - (labels if n_classes == 2 else np.eye(n_classes)[labels])
        h = np.maximum(p * (1 - p), abs(g) / bound)
        return g, h * engine.hessian_factor(n_classes)

    raw = engine.train(objective, X, y, rounds=15, start=start, **words) + start
    model = engine.classifier(focal_gamma=0.0, **words).fit(X, y)
    atol = engine.pick(lightgbm=1e-5, xgboost=1e-4)
    got = model.decision_function(X) - model.calibration_shift_
    assert_allclose(got, raw, rtol=0, atol=atol)


@pytest.mark.parametrize("alpha", [None, "balanced"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_training_by_hand(engine, n_classes, weighted, alpha, focal_link):
    X, y = rare_table(n_classes)
    weight = np.random.default_rng(0).uniform(0.2, 5.0, len(y)) if weighted else None
    words = {"focal_alpha": alpha, "focal_link": focal_link}
    model = engine.classifier(**words).fit(X, y, weight)
    share = np.bincount(y, weight) / (len(y) if weight is None else weight.sum())
    costs = None if alpha is None else 1 / (n_classes * share)
    loss = FocalLoss(2.0, costs, link=focal_link)
    objective = engine.Objective._of(loss, "bounded", scale_of(loss, share))
    start = loss.fit_intercept_only(y, weight)
    if focal_link == "posterior":
        prior = np.log(share)
        log_odds = prior[1] - prior[0] if n_classes == 2 else prior - prior.mean()
        assert_allclose(start, log_odds, atol=1e-12)
    expected = engine.train(objective, X, y, weight, rounds=15, start=start) + start
    got = model.decision_function(X)
    assert got.dtype == np.float64
    shift, atol = model.calibration_shift_, engine.pick(lightgbm=1e-12, xgboost=1e-4)
    assert_allclose(got - shift, expected, rtol=0, atol=atol)
    expected = balancing(expected, y, weight, focal_link)
    # Where the search ends.
    assert_allclose(shift, expected, rtol=0, atol=max(atol, 1e-8))


def scale_of(loss, share):
    """Return by what alpha lets the mean expected Hessian of the start shrink."""
    if loss.alpha is None or loss.link == "focal":
        return 1.0
    u = np.log(share[1:] / share[:1]) if len(share) == 2 else np.log(share)[None]
    plain = FocalLoss(loss.gamma, link="posterior")
    return plain.expected_hessian(u).sum() / loss.expected_hessian(u).sum()


def balancing(raw, y, weight, focal_link):
    """Return the constants of the log loss's optimum."""
    if focal_link == "focal":
        return 0.0
    weight = np.ones(len(y)) if weight is None else weight
    raw = raw.astype(float)

    def excess(shift):
        p = link(raw + (shift[0] if raw.ndim == 1 else np.r_[shift, 0.0]))
        p = p if raw.ndim == 1 else p[:, :-1]
        hit = y == 1 if raw.ndim == 1 else y[:, None] == np.arange(raw.shape[1] - 1)
        return np.atleast_1d(weight @ (p - hit)) / weight.sum()

    n_constants = 1 if raw.ndim == 1 else raw.shape[1] - 1
    found = root(excess, np.zeros(n_constants), tol=1e-13)
    assert abs(excess(found.x)).max() < 1e-10
    if raw.ndim == 1:
        return found.x[0]
    shift = np.r_[found.x, 0.0]
    return shift - shift.mean()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_hosts_classifier_with_the_objective_and_the_start(engine, n_classes):
    X, y, weight = weighted_table(n_classes)
    words = engine.same_bins | {"n_estimators": 20}
    ours = engine.classifier(**words).fit(X, y, weight)
    objective = engine.Objective(2.0)
    start = objective.loss.fit_intercept_only(y, weight)
    raw, proba = engine.fit_wrapper_from(start, objective, X, y, weight)
    expected = ours.decision_function(X) - ours.calibration_shift_
    tolerance = engine.pick(lightgbm=1e-12, xgboost=2e-6)
    assert_allclose(raw, expected, rtol=0, atol=tolerance)
    linked = np.c_[link(-raw), link(raw)] if n_classes == 2 else link(raw)
    assert_allclose(objective.loss.predict_proba(raw), linked, rtol=0, atol=tolerance)
    assert_allclose(proba, linked, rtol=0, atol=tolerance)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_size_of_alpha_does_not_matter(engine, n_classes):
    X, y = rare_table(n_classes)
    alpha = np.array([1.0, 4.0, 2.0][:n_classes])
    words = engine.pick(lightgbm={"reg_lambda": 1.0}, xgboost={})

    def fit(alpha, **more):
        return engine.classifier(focal_alpha=alpha, **words, **more).fit(X, y)

    models = fit(alpha), fit(7 * alpha)
    raw = [model.decision_function(X) for model in models]
    assert_allclose(*raw, rtol=0, atol=engine.pick(lightgbm=1e-6, xgboost=1e-5))
    assert_array_equal(*(model.predict(X) for model in models))
    tilted = fit(alpha[::-1].copy())
    assert abs(tilted.decision_function(X) - raw[0]).max() > 0.01
    # In the focal link it does, beside the engine's penalties.
    models = [fit(a, focal_link="focal") for a in (alpha, 7 * alpha)]
    assert models[0].initial_score_ == pytest.approx(models[1].initial_score_)
    raw = [model.decision_function(X) for model in models]
    assert abs(raw[0] - raw[1]).max() > 1e-3


@by_engine(
    "words", lightgbm=[{}], xgboost=[{"tree_method": m} for m in ("hist", "exact")]
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_starts_at_the_optimum(engine, words, n_classes, focal_link):
    X, y = rare_table(n_classes)
    words = {"learning_rate": 1e-12, "n_estimators": 1, **words}
    words["focal_link"] = focal_link
    model = engine.classifier(**words).fit(X, y)
    raw = model.decision_function(X)
    loss = FocalLoss(2.0, link=focal_link)
    expected = np.broadcast_to(loss.fit_intercept_only(y), raw.shape)
    assert_allclose(raw, expected, atol=engine.pick(lightgbm=1e-10, xgboost=1e-6))
    assert_allclose(model.initial_score_, expected[0], atol=1e-12)
    prior = np.tile(np.bincount(y) / len(y), (len(y), 1))
    atol = engine.pick(lightgbm=1e-9, xgboost=1e-6)
    assert_allclose(model.predict_proba(X), prior, atol=atol)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_offset_is_a_start_that_the_model_does_not_hold(
    engine, n_classes, focal_link
):
    X, y = table(n_classes)
    first, longer = (
        engine.classifier(n_estimators=n, focal_link=focal_link).fit(X, y)
        for n in (5, 15)
    )
    offset, expected = (engine.watched_raw(m, X) for m in (first, longer))
    model = engine.classifier(n_estimators=10, focal_link=focal_link)
    model.fit(X, y, **{engine.offset: offset})
    assert np.all(model.initial_score_ == 0.0)
    assert np.all(model.calibration_shift_ == 0.0)
    assert np.any(longer.calibration_shift_ != 0.0) == (focal_link == "posterior")
    atol = engine.pick(lightgbm=1e-10, xgboost=1e-4)
    assert_allclose(model.decision_function(X) + offset, expected, atol=atol)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n", [4, 30])
@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_constant_missing_and_tiny_data_train(engine, n_classes, n, fill, focal_link):
    y = np.arange(n) % n_classes
    X = np.full((n, 2), fill)
    words = {"focal_link": focal_link}
    model = engine.classifier(**words).fit(X, y)
    prior = np.tile(np.bincount(y) / n, (n, 1))
    atol = engine.pick(lightgbm=1e-9, xgboost=1e-5)
    assert_allclose(model.predict_proba(X), prior, atol=atol)
    linked = engine.linked(model.booster_, X)
    rtol = engine.pick(lightgbm=1e-7, xgboost=1e-5)
    assert_allclose(linked, link(model.decision_function(X)), rtol=rtol)
    X = np.arange(2.0 * n).reshape(n, 2)
    assert np.isfinite(engine.classifier(**words).fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_goes_on_from_a_model(engine, tmp_path, n_classes, focal_link):
    X, y = table(n_classes)
    words = {"n_estimators": 10, "focal_link": focal_link}
    first = engine.classifier(**words).fit(X, y)
    before = first.decision_function(X)
    path = tmp_path / f"model.{engine.endings[-1]}"
    first.booster_.save_model(path)
    if focal_link == "focal":
        expected = engine.classifier(**words | {"n_estimators": 20}).fit(X, y)
        expected = expected.decision_function(X)
    else:
        # It starts at the first model's balanced predictions.
        more = engine.classifier(**words).fit(X, y, **{engine.offset: before})
        expected = more.decision_function(X) + before
    atol = engine.pick(lightgbm=1e-10, xgboost=1e-4)
    for start in (first, first.booster_, path):
        model = engine.classifier(**words).fit(X, y, **{engine.go_on: start})
        assert_allclose(engine.watched_raw(model, X), expected, atol=atol)
        assert model.n_iter_ == 20
        assert np.all(model.initial_score_ == 0.0)
        head = model.decision_function(X, **engine.first_rounds(10))
        if focal_link == "focal":
            assert_array_equal(head, before)
        head = head - model.calibration_shift_
        assert_allclose(head, before, atol=engine.pick(lightgbm=1e-12, xgboost=2e-6))
    assert_array_equal(first.decision_function(X), before)


def test_going_on_from_a_model_of_other_classes(engine):
    X, y = table()
    words = {engine.go_on: engine.classifier().fit(X, y)}
    message = rf"{engine.go_on} must have the classes \['a', 'b'\] of y, got \[0, 1\]"
    with pytest.raises(ValueError, match=message):
        engine.classifier().fit(X, np.array(["a", "b"])[y], **words)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"focal_link": "focal"}, {}),
        ({}, {"focal_link": "focal"}),
        ({"focal_link": "focal"}, {"focal_link": "focal", "focal_gamma": 1.0}),
        ({"focal_link": "focal"}, {"focal_link": "focal", "focal_alpha": 0.25}),
        ({"focal_link": "focal", "focal_gamma": 0.0, "focal_alpha": 0.25}, {}),
    ],
)
def test_going_on_from_raw_predictions_of_another_scale(engine, before, after):
    X, y = table()
    words = {engine.go_on: engine.classifier(**before).fit(X, y)}
    message = f"{engine.go_on} must have raw predictions of FocalLoss("
    assert_refused(engine.classifier(**after), message, X, y, **words)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"focal_gamma": 0.5}, {"focal_alpha": "balanced"}),
        ({"focal_gamma": 0.0, "focal_link": "focal"}, {}),
        ({"focal_gamma": 1.0}, {"focal_gamma": 0.0, "focal_link": "focal"}),
        ({"focal_link": "focal"}, {"focal_link": "focal", "n_estimators": 3}),
    ],
)
def test_going_on_from_raw_predictions_of_one_scale(engine, n_classes, before, after):
    X, y = table(n_classes)
    first = engine.classifier(**before).fit(X, y)
    more = engine.classifier(**after).fit(X, y, **{engine.go_on: first})
    assert more.n_iter_ > first.n_iter_
    got = more.decision_function(X, **engine.first_rounds(first.n_iter_))
    expected = first.decision_function(X) + more.calibration_shift_
    assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_going_on_from_the_engines_own_log_loss(engine, n_classes):
    X, y = table(n_classes)
    first = engine.plain().fit(X, y)
    more = engine.classifier().fit(X, y, **{engine.go_on: first})
    got = more.decision_function(X, **engine.first_rounds(15))
    expected = engine.plain_raw(first, X) + more.calibration_shift_
    assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    words = {engine.go_on: first}
    message = f"{engine.go_on} must have raw predictions of FocalLoss("
    assert_refused(engine.classifier(focal_link="focal"), message, X, y, **words)


def test_going_on_from_a_model_that_does_not_say_what_it_predicts(engine):
    X, y = table()
    words = {engine.go_on: engine.regression(X, y)}
    message = f"{engine.go_on} must say what its raw predictions are"
    assert_refused(engine.classifier(), message, X, y, **words)


def test_going_on_from_the_engines_own_model_of_other_classes(engine):
    words = {engine.go_on: engine.plain().fit(*table(3))}
    message = f"{engine.go_on} must have the classes [0, 1] of y, got [0, 1, 2]"
    assert_refused(engine.classifier(), message, *table(), **words)


def test_going_on_from_what_is_no_model(engine):
    X, y = table()
    message = f"{engine.go_on} must be a path, a Booster or a"
    with pytest.raises(TypeError, match=message):
        engine.classifier().fit(X, y, **{engine.go_on: 3})
    with pytest.raises(NotFittedError):
        engine.classifier().fit(X, y, **{engine.go_on: engine.classifier()})


def test_a_failed_fit_leaves_an_unfitted_estimator_unfitted(engine):
    X, y = table()
    model = engine.classifier()
    with pytest.raises(RuntimeError, match="in a callback"):
        engine.fit_with(engine.failing_callback(), model, X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_iterations_can_be_chosen(engine, focal_link):
    X, y = table()
    model = engine.classifier(focal_link=focal_link).fit(X, y)
    rounds = engine.first_rounds(1)
    raw = model.decision_function(X, **rounds)
    assert not np.allclose(raw, model.decision_function(X))
    proba = model.predict_proba(X, **rounds)
    assert_array_equal(proba, model.loss_.predict_proba(raw))
    assert_allclose(model.predict_log_proba(X, **rounds), np.log(proba))
    labels = model.predict(X, **rounds)
    assert_array_equal(labels, (raw > 0).astype(int))
    assert (labels != model.predict(X)).any()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_training_needs_few_arrays_as_long_as_the_data(engine, n_classes):
    """Bytes per row of NumPy's arrays; what the engine itself allocates isn't seen.

    LightGBM's raw predictions have 8 per class, XGBoost's 4, a gradient and a Newton
    weight 4 each, labels 8 in all.
    """
    n = 200_000
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 2)), rng.integers(0, n_classes, n)
    model = engine.classifier(n_estimators=2).fit(X[:1000], y[:1000])  # compiles
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A helping thread may hold the raw predictions of XGBoost's last round.
    bounds = engine.pick(lightgbm={2: 28, 3: 65}, xgboost={2: 21, 3: 50})
    assert peak / n < bounds[n_classes]
