"""FocalObjective of each engine. The derivatives themselves: tests/loss."""

import copy
import inspect
import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from tests._boosting.data import weighted_table
from tests._boosting.engines import by_engine

# Newton weights without the bound, by link.
UNBOUNDED = {"posterior": "expected", "focal": "absolute"}
STEPS = [(link, word) for link in UNBOUNDED for word in ("bounded", UNBOUNDED[link])]


def data_of(engine, n_classes, *, weighted=True):
    X, y, weight = weighted_table(n_classes)
    return engine.data(X, y, weight if weighted else None), y


@by_engine(
    "words",
    lightgbm=[{}],
    xgboost=[{"tree_method": method} for method in ("hist", "approx", "exact")],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_gamma_zero_grows_the_built_in_trees(
    engine, words, n_classes, weighted, focal_link
):
    X, y, weight = weighted_table(n_classes)
    weight = weight if weighted else None
    hessian = UNBOUNDED[focal_link]
    objective = engine.Objective(gamma=0.0, link=focal_link, hessian=hessian)
    expected = engine.train(None, X, y, weight, **words)
    atol = engine.pick(lightgbm=1e-10, xgboost=2e-5)
    got = engine.train(objective, X, y, weight, **words)
    assert_allclose(got, expected, rtol=0, atol=atol)
    model = engine.wrapper(objective, y, **words).fit(X, y, sample_weight=weight)
    assert_allclose(engine.raw(model, X), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_both_interfaces_agree_and_weights_count(
    engine, n_classes, weighted, focal_link
):
    X, y, weight = weighted_table(n_classes)
    weight = weight if weighted else None
    objective = engine.Objective(2.0, link=focal_link, hessian="bounded")
    raw = engine.train(objective, X, y, weight, **engine.same_bins)
    model = engine.wrapper(objective, y, **engine.same_bins).fit(
        X, y, sample_weight=weight
    )
    assert_array_equal(engine.raw(model, X), raw)
    if weighted:
        unweighted = engine.train(objective, X, y, **engine.same_bins)
        assert not np.allclose(raw, unweighted)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_recovered_probabilities_are_as_good_as_those_of_the_log_loss(
    engine, n_classes
):
    X, y, _ = weighted_table(n_classes)
    objective = engine.Objective(2.0, link="focal")
    proba = objective.loss.predict_proba(engine.train(objective, X, y))
    expected = FocalLoss(0.0).predict_proba(engine.train(None, X, y))
    factor = engine.pick(lightgbm=1.1, xgboost=1.15)
    assert log_loss(y, proba) < factor * log_loss(y, expected)


# LightGBM says that it returns raw predictions instead.
@pytest.mark.filterwarnings("ignore:Cannot compute class probabilities")
@pytest.mark.parametrize("n_classes", [2, 4])
def test_bounded_steps_are_as_good_as_the_log_loss_on_new_data(engine, n_classes):
    X, y, _ = weighted_table(n_classes, n=3000)
    train, test = slice(1500), slice(1500, None)
    objective = engine.Objective(2.0)
    words = {"n_estimators": 60}
    model = engine.plain(objective=objective, **words).fit(X[train], y[train])
    proba = objective.loss.predict_proba(engine.raw(model, X[test]))
    expected = engine.plain(**words).fit(X[train], y[train]).predict_proba(X[test])
    assert log_loss(y[test], proba) < 1.02 * log_loss(y[test], expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_links_are_the_same_at_gamma_zero(engine, n_classes):
    X, y, weight = weighted_table(n_classes)
    raw = [
        engine.train(engine.Objective(0.0, link=link, hessian=word), X, y, weight)
        for link, word in UNBOUNDED.items()
    ]
    assert_allclose(*raw, rtol=0, atol=engine.pick(lightgbm=1e-10, xgboost=2e-5))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"hessian": "absolute"},
            "hessian must be one of ['bounded', 'expected'], got 'absolute'",
        ),
        (
            {"link": "focal", "hessian": "expected"},
            "hessian must be one of ['bounded', 'absolute'], got 'expected'",
        ),
        ({"link": "logit"}, "link must be one of ['focal', 'posterior'], got 'logit'"),
    ],
)
def test_words_of_each_link(engine, words, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        engine.Objective(**words)


@pytest.mark.parametrize(("link", "hessian"), STEPS)
def test_bounded_hessian_bounds_the_first_leaf_from_a_bad_start(engine, link, hessian):
    X, y, _ = weighted_table(2)
    objective = engine.Objective(2.0, link=link, hessian=hessian)
    # Where LightGBM still finds the least sum of Newton weights that a leaf needs.
    start = logit({"posterior": 1e-5, "focal": 1e-6}[link])
    words = {"learning_rate": 1.0, "rounds": 1, "start": start}
    leaf = engine.train(objective, X, y, **words, **engine.free_leaves)
    rounding = engine.pick(lightgbm=0.0, xgboost=1e-5)
    bound = {"posterior": 1.0, "focal": 2.0}[link]
    assert (abs(leaf).max() <= bound + rounding) == (hessian == "bounded")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_output_is_float32_in_the_order_of_the_predictions(
    engine, n_classes, dtype, order
):
    raw = np.zeros(7 if n_classes == 2 else (7, n_classes), dtype=dtype, order=order)
    gradient, hessian = engine.Objective()(np.zeros(7), raw)
    for values in (gradient, hessian):
        assert values.dtype == np.float32
        assert values.flags[f"{order}_CONTIGUOUS"]
        assert values.shape == raw.shape


@pytest.mark.parametrize(("link", "hessian"), STEPS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_derivatives_are_those_of_the_loss(engine, n_classes, link, hessian):
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, 50).astype(np.float32)
    raw = rng.normal(size=50 if n_classes == 2 else (50, n_classes), scale=3)
    raw = raw.astype(engine.raw_type, order=engine.raw_order)
    weight = rng.uniform(size=50)
    alpha = [0.5, 2.0, 1.5][:n_classes]
    objective = engine.Objective(1.5, alpha, link=link, hessian=hessian)
    g, h = newton_step(engine, objective, y, raw.astype(float), weight)
    data = engine.data(np.zeros((50, 1)), y, weight)
    for gradient, hessian in (objective(y, raw, weight), objective(raw, data)):
        assert_allclose(gradient, g, rtol=1e-5, atol=1e-12)
        assert_allclose(hessian, h, rtol=1e-5, atol=1e-12)


def newton_step(engine, objective, y, raw, weight):
    """Return gradient and Newton weight by what the docstrings say."""
    loss, n_classes = objective.loss, 2 if raw.ndim == 1 else raw.shape[1]
    factor, bounded = engine.hessian_factor(n_classes), objective.hessian == "bounded"
    g, h = loss.gradient_hessian(y, raw, weight)
    if loss.link == "focal":
        h, floor = factor * abs(h), abs(g) / 2
        return g, np.maximum(h, floor) if bounded else h
    bound = 1 if n_classes == 2 else engine.softmax_bound
    h, floor = loss.expected_hessian(raw, weight), abs(g) / bound
    h = factor * (np.maximum(h, floor) if bounded else h)
    scale = 1 if n_classes == 2 else engine.softmax_scale(loss, y, raw, weight)
    return scale * g, scale * h


def test_results_of_a_direct_call_are_not_overwritten(engine):
    objective = engine.Objective()
    first, _ = objective([0, 1], [0.0, 1.0])
    kept = first.copy()
    objective([0, 1], [3.0, -3.0])
    assert_array_equal(first, kept)


def test_buffers_are_reused_during_a_training(engine):
    data, y = data_of(engine, 2)
    objective, raw = engine.Objective(), np.zeros(len(y), engine.raw_type)
    first, second = objective(raw, data), objective(raw + 1, data)
    assert all(a is b for a, b in zip(first, second, strict=True))


def test_labels_are_checked_before_the_first_tree(engine):
    X, y, _ = weighted_table(2)
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 1, got 2"):
        engine.train(engine.Objective(), X, y + 1, rounds=1, **engine.any_labels)


def test_labels_of_a_training_are_checked_once_and_when_they_change(
    engine, monkeypatch
):
    calls = []
    name = "skfocal._boosting.objective.check_labels"
    monkeypatch.setattr(name, lambda *a: calls.append(a))
    data, y = data_of(engine, 2, weighted=False)
    objective, raw = engine.Objective(), np.zeros(len(y), engine.raw_type)
    first = objective(raw, data)[0].copy()
    for _ in range(2):
        objective(raw, data)
    assert len(calls) == 1
    data.set_label(1 - y)
    assert_array_equal(objective(raw, data)[0], -first)
    assert len(calls) == 2
    objective(np.zeros((len(y), 3), engine.raw_type, engine.raw_order), data)
    assert len(calls) == 3


def test_labels_are_checked_again_for_another_number_of_classes(engine):
    data, y = data_of(engine, 4)
    objective = engine.Objective()
    kind = engine.raw_type, engine.raw_order
    objective(np.zeros((len(y), 4), *kind), data)
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 2, got 3"):
        objective(np.zeros((len(y), 3), *kind), data)


def test_signature_is_the_one_that_every_wrapper_counts_or_reads(engine):
    for function in (engine.Objective(), engine.Metric()):
        parameters = inspect.signature(function).parameters
        assert list(parameters) == ["y_true", "y_pred", "sample_weight"]


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))]
)
def test_copies_train_alike(engine, clone, focal_link):
    X, y, _ = weighted_table(2)
    hessian = UNBOUNDED[focal_link]
    objective = engine.Objective(1.5, (0.3, 0.7), link=focal_link, hessian=hessian)
    expected = engine.train(objective, X, y)
    assert_array_equal(engine.train(clone(objective), X, y), expected)
    assert repr(clone(objective)) == repr(objective)
    words = f"link={focal_link!r}, hessian={hessian!r}"
    assert repr(objective) == f"FocalObjective(1.5, (0.3, 0.7), {words})"
    scaled = engine.Objective._of(FocalLoss(2.0, link=focal_link), "bounded", 3.0)
    for copied in (scaled, clone(scaled)):
        got = copied([0, 1], [0.5, 0.5])
        plain = engine.Objective(2.0, link=focal_link)([0, 1], [0.5, 0.5])
        assert_allclose(got, 3.0 * np.array(plain), rtol=1e-6)


# LightGBM says that it returns raw predictions instead.
@pytest.mark.filterwarnings("ignore:Cannot compute class probabilities")
def test_fitted_wrapper_can_be_pickled(engine):
    X, y, _ = weighted_table(2)
    model = engine.plain(objective=engine.Objective(), n_estimators=3).fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(engine.raw(restored, X), engine.raw(model, X))
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


def test_concurrent_trainings_with_one_object(engine):
    objective = engine.Objective(2.0)

    def boost(n_classes):
        return engine.train_uncopied(objective, *weighted_table(n_classes))

    sizes = [2, 3, 4, 2, 3, 4]
    expected = {n_classes: boost(n_classes) for n_classes in set(sizes)}
    with ThreadPoolExecutor(6) as pool:
        for n_classes, raw in zip(sizes, pool.map(boost, sizes), strict=True):
            assert_array_equal(raw, expected[n_classes])
