import copy
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from skfocal.xgboost import FocalMetric, FocalObjective

ROUNDS = 20


def table(n_classes, n=1500):
    X, y = make_classification(
        n, 8, n_informative=5, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    return X.astype(np.float32), y, np.random.default_rng(0).uniform(0.2, 3.0, n)


def params(n_classes, **words):
    binary, more = {"objective": "binary:logistic"}, {"objective": "multi:softprob"}
    link = binary if n_classes == 2 else more | {"num_class": n_classes}
    start = 0.5 if n_classes == 2 else [0.0] * n_classes
    return {"nthread": 1, "base_score": start, **link, **words}


def train(objective, n_classes, weight=None, **words):
    X, y, _ = table(n_classes)
    data = xgb.DMatrix(X, y, weight=weight, nthread=1)
    booster = xgb.train(params(n_classes, **words), data, ROUNDS, obj=objective)
    return booster.predict(data, output_margin=True)


def fit(objective, n_classes, weight=None, **words):
    X, y, _ = table(n_classes)
    start = params(n_classes)["base_score"]
    model = xgb.XGBClassifier(
        objective=objective,
        n_estimators=ROUNDS,
        n_jobs=1,
        base_score=start,
        tree_method="approx",
        **words,
    )
    return model.fit(X, y, sample_weight=weight).predict(X, output_margin=True)


@pytest.mark.parametrize("tree_method", ["hist", "approx", "exact"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_gamma_zero_grows_the_built_in_trees(n_classes, weighted, tree_method):
    weight = table(n_classes)[2] if weighted else None
    objective = FocalObjective(gamma=0.0, hessian="absolute")
    got = train(objective, n_classes, weight, tree_method=tree_method)
    expected = train(None, n_classes, weight, tree_method=tree_method)
    # XGBoost computes its own gradients and sums in float32.
    assert_allclose(got, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_both_interfaces_agree_and_weights_count(n_classes, weighted):
    weight = table(n_classes)[2] if weighted else None
    objective = FocalObjective(2.0, hessian="bounded")
    raw = train(objective, n_classes, weight, tree_method="approx")
    assert_array_equal(fit(objective, n_classes, weight), raw)
    if weighted:
        assert not np.allclose(raw, train(objective, n_classes, tree_method="approx"))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_recovered_probabilities_are_as_good_as_those_of_the_log_loss(n_classes):
    _, y, _ = table(n_classes)
    objective = FocalObjective(2.0)
    proba = objective.loss.predict_proba(train(objective, n_classes))
    expected = FocalLoss(0.0).predict_proba(train(None, n_classes))
    assert log_loss(y, proba) < 1.15 * log_loss(y, expected)


def test_bounded_hessian_bounds_the_first_leaf_from_a_bad_start():
    X, y, _ = table(2)
    start = float(logit(1e-6))
    for hessian, bounded in [("bounded", True), ("absolute", False)]:
        objective = FocalObjective(2.0, hessian=hessian)
        words = params(2, base_score=1e-6, learning_rate=1.0, min_child_weight=0)
        words |= {"reg_lambda": 0.0}
        data = xgb.DMatrix(X, y)
        booster = xgb.train(words, data, 1, obj=objective)
        leaf = booster.predict(data, output_margin=True) - start
        assert (abs(leaf).max() <= 2.0 + 1e-5) == bounded


@pytest.mark.parametrize("n_classes", [2, 3])
def test_output_is_float32_in_c_order(n_classes):
    raw = np.zeros(7 if n_classes == 2 else (7, n_classes), dtype=np.float32)
    gradient, hessian = FocalObjective()(np.zeros(7), raw)
    for values in (gradient, hessian):
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
        assert values.shape == raw.shape


@pytest.mark.parametrize("n_classes", [2, 3])
def test_derivatives_are_those_of_the_loss(n_classes):
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, 50).astype(np.float32)
    raw = rng.normal(size=50 if n_classes == 2 else (50, n_classes), scale=3)
    raw, weight = raw.astype(np.float32), rng.uniform(size=50)
    objective = FocalObjective(1.5, hessian="absolute")
    g, h = objective.loss.gradient_hessian(y, raw.astype(float), weight)
    factor = 1.0 if n_classes == 2 else 2.0
    gradient, hessian = objective(y, raw, sample_weight=weight)
    assert_allclose(gradient, g, rtol=1e-5, atol=1e-12)
    assert_allclose(hessian, factor * abs(h), rtol=1e-5, atol=1e-12)
    data = xgb.DMatrix(np.zeros((50, 1)), y, weight=weight)
    gradient, hessian = objective(raw, data)
    assert_allclose(gradient, g, rtol=1e-5, atol=1e-12)
    assert_allclose(hessian, factor * abs(h), rtol=1e-5, atol=1e-12)


def test_results_of_a_direct_call_are_not_overwritten():
    objective = FocalObjective()
    first, _ = objective([0, 1], [0.0, 1.0])
    kept = first.copy()
    objective([0, 1], [3.0, -3.0])
    assert_array_equal(first, kept)


def test_buffers_are_reused_during_a_training():
    X, y, _ = table(2)
    data = xgb.DMatrix(X, y)
    objective = FocalObjective()
    raw = np.zeros(len(y), dtype=np.float32)
    first, second = objective(raw, data), objective(raw + 1, data)
    assert all(a is b for a, b in zip(first, second, strict=True))


def test_labels_are_checked_before_the_first_tree():
    X, y, _ = table(2)
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 1, got 2"):
        # The built-in link is left out: XGBoost would refuse the labels first.
        xgb.train({"base_score": 0.0}, xgb.DMatrix(X, y + 1), 1, obj=FocalObjective())


def test_labels_of_a_matrix_are_checked_once_and_when_they_change(monkeypatch):
    X, y, _ = table(2)
    data, raw = xgb.DMatrix(X, y), np.zeros(len(y), dtype=np.float32)
    calls = []
    monkeypatch.setattr(
        "skfocal.xgboost._objective.check_labels", lambda *a: calls.append(a)
    )
    objective = FocalObjective()
    first = objective(raw, data)[0].copy()
    objective(raw, data)
    assert len(calls) == 1
    data.set_label(1 - y)
    assert_array_equal(objective(raw, data)[0], -first)
    assert len(calls) == 2
    objective(np.zeros((len(y), 3), dtype=np.float32), data)
    assert len(calls) == 3


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_metric_in_both_interfaces(n_classes, weighted):
    X, y, weight = table(n_classes)
    weight = weight if weighted else None
    metric, objective = FocalMetric(1.0), FocalObjective(2.0)
    seen = {}
    data = xgb.DMatrix(X, y, weight=weight, nthread=1)
    words = params(n_classes, disable_default_eval_metric=True)
    booster = xgb.train(
        words,
        data,
        5,
        evals=[(data, "validation_0")],
        obj=objective,
        custom_metric=metric,
        evals_result=seen,
        verbose_eval=False,
    )
    model = xgb.XGBClassifier(
        objective=objective, n_estimators=5, n_jobs=1, eval_metric=metric
    )
    model.set_params(base_score=words["base_score"])
    model.fit(
        X,
        y,
        sample_weight=weight,
        eval_set=[(X, y)],
        sample_weight_eval_set=None if weight is None else [weight],
        verbose=False,
    )
    raw = booster.predict(data, output_margin=True).astype(float)
    start = metric.loss.fit_intercept_only(y, weight)
    constant = np.full(raw.shape, start)
    expected = metric.loss(y, raw, weight) / metric.loss(y, constant, weight)
    assert seen["validation_0"]["focal_loss"][-1] == pytest.approx(expected, abs=1e-6)
    raw = model.predict(X, output_margin=True).astype(float)
    expected = metric.loss(y, raw, weight) / metric.loss(y, constant, weight)
    got = model.evals_result()["validation_0"]["focal_loss"][-1]
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 2.0, (1.0, 2.0, 3.0)])
def test_metric_is_one_for_the_best_constant(gamma):
    y = np.repeat([0, 1, 2], [70, 5, 25])
    metric = FocalMetric(gamma, (1.0, 4.0, 2.0))
    start = metric.loss.fit_intercept_only(y)
    assert metric(y, np.tile(start, (100, 1))) == pytest.approx(1.0)
    worse = [metric(y, np.tile(start, (100, 1)) + step) for step in np.eye(3)]
    assert min(worse) > 1.0


def test_metric_of_data_that_lack_a_class():
    metric = FocalMetric(2.0, (1.0, 4.0, 2.0))
    two = np.repeat([0, 2], [7, 3])
    pair = FocalLoss(2.0, (1.0, 2.0))
    z = pair.fit_intercept_only(two // 2)
    raw = np.tile([0.0, -800.0, z], (10, 1))
    assert metric(two, raw) == pytest.approx(1.0)
    one = np.zeros(4, dtype=int)
    assert metric(one, np.zeros((4, 3))) == pytest.approx(1.0)
    assert metric(one, np.tile([3.0, 0.0, 0.0], (4, 1))) < 0.1
    assert FocalMetric(2.0)(one, np.zeros(4)) == pytest.approx(1.0)


def test_metric_can_be_copied():
    metric = pickle.loads(pickle.dumps(copy.deepcopy(FocalMetric(0.5, 0.3))))
    expected = FocalMetric(0.5, 0.3)([0, 1], [0.0, 1.0], [1.0, 2.0])
    assert metric([0, 1], [0.0, 1.0], [1.0, 2.0]) == expected
    assert metric.__name__ == "focal_loss"
    assert repr(metric) == "FocalMetric(0.5, 0.3)"


def test_metric_checks_labels_and_weights():
    X, y, _ = table(2)
    raw = np.zeros(len(y), dtype=np.float32)
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 1, got 2"):
        FocalMetric()(raw, xgb.DMatrix(X, y + 1))
    with pytest.raises(ValueError, match="y_true must have one entry per sample"):
        FocalMetric()(y[1:], raw)


def test_signature_is_the_one_that_both_wrappers_read():
    for function in (FocalObjective(), FocalMetric()):
        parameters = inspect.signature(function).parameters
        assert list(parameters) == ["y_true", "y_pred", "sample_weight"]


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))]
)
def test_copies_train_alike(clone):
    objective = FocalObjective(1.5, (0.3, 0.7), hessian="absolute")
    expected = train(objective, 2)
    assert_array_equal(train(clone(objective), 2), expected)
    assert repr(clone(objective)) == repr(objective)


def test_fitted_wrapper_can_be_pickled():
    X, y, _ = table(2)
    model = xgb.XGBClassifier(objective=FocalObjective(), n_estimators=3, n_jobs=1)
    restored = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


def test_concurrent_trainings_with_one_object():
    objective = FocalObjective(2.0)

    def boost(n_classes):
        return train(objective, n_classes)

    sizes = [2, 3, 4, 2, 3, 4]
    expected = {n_classes: boost(n_classes) for n_classes in set(sizes)}
    with ThreadPoolExecutor(6) as pool:
        for n_classes, raw in zip(sizes, pool.map(boost, sizes), strict=True):
            assert_array_equal(raw, expected[n_classes])


@pytest.mark.parametrize("booster", ["dart", "gblinear"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_other_boosters(n_classes, booster):
    _, y, _ = table(n_classes)
    objective = FocalObjective(2.0)
    words = {"booster": booster}
    if booster == "gblinear" and n_classes > 2:
        words["base_score"] = 0.0
    raw = train(objective, n_classes, **words)
    assert log_loss(y, objective.loss.predict_proba(raw)) < 0.9 * np.log(n_classes)


def test_trees_with_an_output_per_class():
    _, y, _ = table(4)
    objective = FocalObjective(2.0)
    raw = train(objective, 4, multi_strategy="multi_output_tree")
    assert log_loss(y, objective.loss.predict_proba(raw)) < 0.9 * np.log(4)


def test_start_through_the_link_of_the_named_objective():
    X, y, _ = table(2)
    objective = FocalObjective(2.0)
    start = objective.loss.fit_intercept_only(y)
    words = params(2, base_score=float(expit(start)), learning_rate=1e-9)
    data = xgb.DMatrix(X, y)
    booster = xgb.train(words, data, 1, obj=objective)
    assert_allclose(booster.predict(data, output_margin=True), start, atol=1e-6)
