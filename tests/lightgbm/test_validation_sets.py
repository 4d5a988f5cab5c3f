"""Validation data by LightGBM's words for them."""

import lightgbm as lgb
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    mean_absolute_error,
)

from skfocal import FocalLoss
from skfocal.lightgbm import FocalMetric
from tests._boosting.data import split, table
from tests._boosting.engines import LIGHTGBM

pytestmark = LIGHTGBM.marks
classifier = LIGHTGBM.classifier


def test_all_ways_of_giving_validation_data_agree():
    X, X_val, y, y_val = split()
    weight = np.random.default_rng(0).uniform(size=len(y_val))
    names = np.array(["no", "yes"])
    y, y_val = names[y], names[y_val]
    words = [
        {"eval_set": [(X_val, y_val)]},
        {"eval_set": (X_val, y_val)},
        {"eval_X": X_val, "eval_y": y_val},
        {"eval_X": (X_val,), "eval_y": (y_val,)},
    ]
    results = [
        classifier().fit(X, y, eval_sample_weight=[weight], **given).evals_result_
        for given in words
    ]
    assert all(result == results[0] for result in results)


def test_several_validation_sets():
    X, X_val, y, y_val = split()
    sets = [(X, y), (X_val, y_val)]
    model = classifier().fit(X, y, X_val=X_val, y_val=y_val, eval_set=sets)
    assert sorted(model.evals_result_) == ["training", "valid_0", "valid_2"]
    assert model.evals_result_["valid_0"] == model.evals_result_["valid_2"]
    model.fit(X, y, eval_set=sets, eval_names=["seen", "unseen"])
    assert sorted(model.evals_result_) == ["seen", "unseen"]
    model.fit(X, y, X_val=X_val, y_val=y_val, eval_set=sets[1], eval_names="other")
    assert sorted(model.evals_result_) == ["other", "valid_0"]
    model.fit(X, y, eval_set=sets)
    model.fit(X, y, eval_set=sets, eval_class_weight=[None, {0: 1.0, 1: 9.0}])
    weighted = model.evals_result_["valid_1"]["focal_loss"][-1]
    weight = np.where(y_val == 1, 9.0, 1.0)
    expected = model.loss_(y_val, LIGHTGBM.watched_raw(model, X_val), weight)
    assert weighted == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_metrics_may_be_given_in_fit(n_classes):
    X, X_val, y, y_val = split(n_classes)
    metrics, found = LIGHTGBM.metric_names(n_classes)
    model = classifier().fit(X, y, X_val=X_val, y_val=y_val, eval_metric=metrics)
    assert set(model.evals_result_["valid_0"]) == set(found)
    same = classifier(metric=metrics).fit(X, y, X_val=X_val, y_val=y_val)
    assert same.evals_result_ == model.evals_result_
    silent = classifier(metric="None").fit(X, y, X_val=X_val, y_val=y_val)
    assert silent.evals_result_ == {}


def test_metric_of_the_users_own_gets_probabilities():
    X, X_val, y, y_val = split()
    seen = []

    def brier(y_true, y_proba, weight):
        seen.append(weight)
        return "brier", float(np.mean((y_true - y_proba) ** 2)), False

    model = classifier().fit(
        X, y, X_val=X_val, y_val=y_val, eval_metric=[brier, FocalMetric(0.0)]
    )
    scores = model.evals_result_["valid_0"]
    raw = LIGHTGBM.watched_raw(model, X_val)
    proba = model.loss_.predict_proba(raw)[:, 1]
    assert scores["brier"][-1] == pytest.approx(np.mean((y_val - proba) ** 2))
    assert scores["focal_loss"][-1] == pytest.approx(model.loss_(y_val, raw))
    assert scores["focal_loss_1"][-1] == pytest.approx(FocalLoss(0.0)(y_val, raw))
    assert set(seen) == {None}


def test_metrics_of_fit_come_on_top_of_the_default():
    X, X_val, y, y_val = split()
    words = {"X_val": X_val, "y_val": y_val}
    for given in ("auc", ["auc", None], ["AUC"]):
        model = classifier().fit(X, y, eval_metric=given, **words)
        assert list(model.evals_result_["valid_0"]) == ["auc", "focal_loss"]
    model = classifier(metric="l2").fit(X, y, eval_metric="auc", **words)
    assert list(model.evals_result_["valid_0"]) == ["auc", "l2"]


@pytest.mark.parametrize(
    ("name", "canonical", "expected", "n_classes"),
    [
        ("l1", "l1", lambda y, p: mean_absolute_error(y, p[:, 1]), 2),
        ("mse", "l2", lambda y, p: brier_score_loss(y, p[:, 1]), 2),
        ("rmse", "rmse", lambda y, p: brier_score_loss(y, p[:, 1]) ** 0.5, 2),
        ("xentropy", "cross_entropy", log_loss, 2),
        ("binary", "binary_logloss", log_loss, 2),
        (
            "multi_error",
            "binary_error",
            lambda y, p: 1 - accuracy_score(y, p.argmax(1)),
            2,
        ),
        ("softmax", "multi_logloss", log_loss, 3),
        (
            "binary_error",
            "multi_error",
            lambda y, p: 1 - accuracy_score(y, p.argmax(1)),
            3,
        ),
    ],
)
def test_metrics_of_the_probabilities(name, canonical, expected, n_classes):
    X, X_val, y, y_val = split(n_classes)
    words = {"X_val": X_val, "y_val": y_val, "eval_metric": name}
    model = classifier().fit(X, y, **words)
    raw = LIGHTGBM.watched_raw(model, X_val)
    got = model.evals_result_["valid_0"][canonical][-1]
    assert got == pytest.approx(expected(y_val, model.loss_.predict_proba(raw)))


def test_metrics_of_one_name_keep_apart():
    X, X_val, y, y_val = split()

    def first(y_true, y_proba):
        return "auc", 1.0, True

    def second(y_true, y_proba):
        return [("auc", 2.0, True), ("other", 3.0, True)]

    words = {"X_val": X_val, "y_val": y_val, "eval_metric": [first, second, "auc"]}
    scores = classifier().fit(X, y, **words).evals_result_["valid_0"]
    assert all(len(values) == 15 for values in scores.values())
    assert scores["auc"][-1] < 1.0
    assert [scores[name][-1] for name in ("auc_1", "auc_2", "other")] == [1, 2, 3]


@pytest.mark.parametrize("given", [{"class_weight": "balanced"}, {"weighted": True}])
def test_scores_do_not_depend_on_whether_the_arrays_are_the_training_arrays(given):
    X, y = table()
    weight = np.linspace(0.0, 2.0, len(y)) if given.pop("weighted", False) else None
    model = classifier(**given)
    scores = []
    for data in ((X, y), (X.copy(), y.copy())):
        model.fit(X, y, sample_weight=weight, eval_set=[data])
        scores += model.evals_result_.values()
    assert scores[0] == scores[1]
    expected = model.loss_(y, LIGHTGBM.watched_raw(model, X))
    assert scores[0]["focal_loss"][-1] == pytest.approx(expected)


def test_class_weights_of_a_set_of_the_training_arrays():
    X, y = table()
    weights = {0: 1.0, 1: 9.0}
    for data in ((X, y), (X.copy(), y.copy())):
        model = classifier().fit(X, y, eval_set=[data], eval_class_weight=[weights])
        (scores,) = model.evals_result_.values()
        raw = LIGHTGBM.watched_raw(model, X)
        expected = model.loss_(y, raw, np.where(y == 1, 9.0, 1.0))
        assert scores["focal_loss"][-1] == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_callbacks_run_on_data_without_a_usable_feature(n_classes):
    y = np.arange(60) % n_classes
    rounds, seen = [], {}
    callbacks = [
        lambda env: rounds.append(env.iteration),
        lgb.record_evaluation(seen),
    ]
    words = {"eval_set": [(np.ones((60, 2)), y)], "callbacks": callbacks}
    words["eval_metric"] = "logloss"
    model = classifier(n_estimators=4).fit(np.ones((60, 2)), y, **words)
    assert rounds == [0, 1, 2, 3]
    assert seen == model.evals_result_
    scores = seen["valid_0"]
    proba = np.full((60, n_classes), 1 / n_classes)
    assert_allclose(model.predict_proba(np.ones((60, 2))), proba)
    expected = [model.loss_(y, np.zeros(60) if n_classes == 2 else np.log(proba))] * 4
    assert scores["focal_loss"] == pytest.approx(expected)
    (log_losses,) = (scores[name] for name in scores if name.endswith("logloss"))
    assert log_losses == pytest.approx([np.log(n_classes)] * 4)
