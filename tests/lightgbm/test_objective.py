import copy
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from skfocal.lightgbm import FocalMetric, FocalObjective

ROUNDS = 20
pytestmark = [
    # LightGBM before 4.6 calls scikit-learn by a word that 1.6 renamed.
    pytest.mark.filterwarnings("ignore:'force_all_finite' was renamed"),
    # LightGBM 4.7 renames the words of its own fit.
    pytest.mark.filterwarnings("ignore:.*eval_set.*"),
    # LightGBM 4.6 names the columns of an array, which scikit-learn then misses.
    pytest.mark.filterwarnings("ignore:X does not have valid feature names, but LGBM"),
]


def table(n_classes, n=1500):
    X, y = make_classification(
        n, 8, n_informative=5, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    return X, y, np.random.default_rng(0).uniform(0.2, 3.0, n)


def params(n_classes, **words):
    classes = {} if n_classes == 2 else {"num_class": n_classes}
    return {"verbosity": -1, "num_threads": 1, **classes, **words}


def train(objective, n_classes, weight=None, **words):
    X, y, _ = table(n_classes)
    data = lgb.Dataset(X, y, weight=weight)
    words = params(n_classes, objective=objective, **words)
    return lgb.train(words, data, ROUNDS).predict(X, raw_score=True)


def fit(objective, n_classes, weight=None):
    X, y, _ = table(n_classes)
    words = params(n_classes)
    words["n_jobs"] = words.pop("num_threads")
    model = lgb.LGBMClassifier(objective=objective, n_estimators=ROUNDS, **words)
    return model.fit(X, y, sample_weight=weight).predict(X, raw_score=True)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n_classes", "name"), [(2, "binary"), (4, "multiclass")])
def test_gamma_zero_grows_the_built_in_trees(n_classes, name, weighted):
    weight = table(n_classes)[2] if weighted else None
    expected = train(name, n_classes, weight, boost_from_average=False)
    objective = FocalObjective(gamma=0.0, hessian="absolute")
    assert_allclose(train(objective, n_classes, weight), expected, rtol=0, atol=1e-10)
    assert_allclose(fit(objective, n_classes, weight), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_both_interfaces_agree_and_weights_count(n_classes, weighted):
    weight = table(n_classes)[2] if weighted else None
    objective = FocalObjective(2.0, hessian="bounded")
    raw = train(objective, n_classes, weight)
    assert_array_equal(fit(objective, n_classes, weight), raw)
    if weighted:
        assert not np.allclose(raw, train(objective, n_classes))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_recovered_probabilities_are_as_good_as_those_of_the_log_loss(n_classes):
    _, y, _ = table(n_classes)
    objective = FocalObjective(2.0)
    proba = objective.loss.predict_proba(train(objective, n_classes))
    built_in = FocalObjective(0.0, hessian="absolute")
    expected = built_in.loss.predict_proba(train(built_in, n_classes))
    assert log_loss(y, proba) < 1.1 * log_loss(y, expected)


def test_bounded_hessian_bounds_the_first_leaf_from_a_bad_start():
    X, y, _ = table(2)
    start = np.full(len(y), logit(1e-6))
    for hessian, bounded in [("bounded", True), ("absolute", False)]:
        objective = FocalObjective(2.0, hessian=hessian)
        words = params(2, objective=objective, learning_rate=1.0, min_data_in_leaf=1)
        booster = lgb.train(words, lgb.Dataset(X, y, init_score=start), 1)
        assert (abs(booster.predict(X)).max() <= 2.0) == bounded


@pytest.mark.parametrize("n_classes", [2, 3])
def test_output_is_float32_in_f_order(n_classes):
    shape = 7 if n_classes == 2 else (7, n_classes)
    raw = np.zeros(shape, order="F")
    gradient, hessian = FocalObjective()(np.zeros(7), raw)
    for values in (gradient, hessian):
        assert values.dtype == np.float32
        assert values.flags.f_contiguous
        assert values.shape == raw.shape


def test_results_of_a_direct_call_are_not_overwritten():
    objective = FocalObjective()
    first, _ = objective([0, 1], [0.0, 1.0])
    kept = first.copy()
    objective([0, 1], [3.0, -3.0])
    assert_array_equal(first, kept)


def test_buffers_are_reused_during_a_training():
    X, y, _ = table(2)
    data = lgb.Dataset(X, y).construct()
    objective = FocalObjective()
    first = objective(np.zeros(len(y)), data)
    second = objective(np.ones(len(y)), data)
    assert all(a is b for a, b in zip(first, second, strict=True))


def test_labels_are_checked_before_the_first_tree():
    X, y, _ = table(2)
    words = params(2, objective=FocalObjective())
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 1, got 2"):
        lgb.train(words, lgb.Dataset(X, y + 1), 1)


def test_labels_of_a_dataset_are_checked_once(monkeypatch):
    X, y, _ = table(2)
    data = lgb.Dataset(X, y).construct()
    calls = []
    monkeypatch.setattr(
        "skfocal.lightgbm._objective.check_labels", lambda *a: calls.append(a)
    )
    objective = FocalObjective()
    for _ in range(3):
        objective(np.zeros(len(y)), data)
    assert len(calls) == 1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_metric_in_both_interfaces(n_classes, weighted):
    X, y, weight = table(n_classes)
    weight = weight if weighted else None
    metric, objective = FocalMetric(1.0), FocalObjective(2.0)
    seen = {}
    words = params(n_classes, objective=objective, metric="None")
    lgb.train(
        words,
        data := lgb.Dataset(X, y, weight=weight),
        5,
        valid_sets=[lgb.Dataset(X, y, weight=weight, reference=data)],
        feval=metric,
        callbacks=[lgb.record_evaluation(seen)],
    )
    model = lgb.LGBMClassifier(
        n_estimators=5, n_jobs=1, **params(n_classes, objective=objective)
    )
    model.set_params(num_threads=None, metric="None")
    model.fit(
        X,
        y,
        sample_weight=weight,
        eval_set=[(X + 0, y)],
        eval_sample_weight=None if weight is None else [weight],
        eval_metric=metric,
    )
    expected = metric.loss(y, model.predict(X, raw_score=True), weight)
    for result in (seen, model.evals_result_):
        assert result["valid_0"]["focal_loss"][-1] == pytest.approx(expected)


def test_metric_is_less_is_better_and_can_be_copied():
    metric = pickle.loads(pickle.dumps(copy.deepcopy(FocalMetric(0.5, 0.3))))
    name, value, higher_is_better = metric([0, 1], [0.0, 1.0], [1.0, 2.0])
    assert (name, higher_is_better) == ("focal_loss", False)
    assert value == FocalLoss(0.5, 0.3)([0, 1], [0.0, 1.0], [1.0, 2.0])
    assert repr(metric) == "FocalMetric(0.5, 0.3)"


def test_metric_checks_labels_and_weights_of_a_dataset():
    X, y, _ = table(2)
    data = lgb.Dataset(X, y + 1).construct()
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 1, got 2"):
        FocalMetric()(np.zeros(len(y)), data)
    data = lgb.Dataset(X, y, weight=np.zeros(len(y))).construct()
    with pytest.raises(ValueError, match="sample_weight must not be all zero"):
        FocalMetric()(np.zeros(len(y)), data)


def test_labels_are_checked_again_for_another_number_of_classes():
    X, y, _ = table(4)
    data = lgb.Dataset(X, y).construct()
    objective = FocalObjective()
    objective(np.zeros((len(y), 4), order="F"), data)
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 2, got 3"):
        objective(np.zeros((len(y), 3), order="F"), data)


def test_signature_is_the_one_that_both_wrappers_count():
    parameters = inspect.signature(FocalObjective()).parameters
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
    model = lgb.LGBMClassifier(objective=FocalObjective(), n_estimators=3, verbosity=-1)
    model.fit(X, y)
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(
        restored.predict(X, raw_score=True), model.predict(X, raw_score=True)
    )


def test_concurrent_trainings_with_one_object():
    objective = FocalObjective(2.0)

    def boost(n_classes):
        X, y, weight = table(n_classes)
        data = lgb.Dataset(X, y, weight=weight)
        booster = lgb.Booster(params(n_classes, objective="custom"), data)
        for _ in range(ROUNDS):
            # Unlike lgb.train, update doesn't copy the objective.
            booster.update(fobj=objective)
        return booster.predict(X, raw_score=True)

    sizes = [2, 3, 4, 2, 3, 4]
    expected = {n_classes: boost(n_classes) for n_classes in set(sizes)}
    with ThreadPoolExecutor(6) as pool:
        for n_classes, raw in zip(sizes, pool.map(boost, sizes), strict=True):
            assert_array_equal(raw, expected[n_classes])
