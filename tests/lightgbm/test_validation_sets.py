"""Validation data by LightGBM's words for them."""

import numpy as np
import pytest

from skfocal import FocalLoss
from skfocal.lightgbm import FocalMetric
from tests._boosting.data import split
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
    assert scores["focal_loss"][-1] == pytest.approx(FocalLoss(0.0)(y_val, raw))
    assert set(seen) == {None}
