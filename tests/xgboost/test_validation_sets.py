"""Validation data, metrics and early stopping by XGBoost's own words for them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from skfocal.xgboost import FocalMetric
from tests._boosting.data import split
from tests._boosting.engines import XGBOOST

pytestmark = XGBOOST.marks
classifier = XGBOOST.classifier


@pytest.mark.parametrize("n_classes", [2, 3])
def test_results_under_xgboosts_name(n_classes):
    X, X_val, y, y_val = split(n_classes)
    model = classifier().fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    assert model.evals_result() is model.evals_result_


@pytest.mark.parametrize(
    "metrics", [["relative_focal_loss", "auc"], ["auc", "relative_focal_loss"]]
)
def test_early_stopping_watches_the_last_metric(metrics):
    X, X_val, y, y_val = split()
    words = {"n_estimators": 200, "early_stopping_rounds": 5, "eval_metric": metrics}
    model = classifier(**words).fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    scores = model.evals_result_["validation_0"]
    best = np.argmax(scores["auc"]), np.argmin(scores["relative_focal_loss"])
    assert best[0] != best[1]
    assert model.best_iteration_ == best[metrics[-1] == "relative_focal_loss"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_linear_model_is_what_the_last_round_made_of_it(n_classes):
    X, X_val, y, y_val = split(n_classes)
    words = {"booster": "gblinear", "n_estimators": 200, "learning_rate": 1.0}
    model = classifier(early_stopping_rounds=3, **words)
    model.fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    assert model.best_iteration_ is not None
    assert model.booster_.attr("best_iteration") is None
    assert np.all(model.initial_score_ == 0.0) == (n_classes == 3)
    more = classifier(booster="gblinear", n_estimators=2).fit(X, y, xgb_model=model)
    assert more.best_iteration_ is None


def test_several_validation_sets():
    X, X_val, y, y_val = split()
    weight = np.where(y == 1, 9.0, 1.0)
    sets = [(X, y), (X_val, y_val), (X, y)]
    model = classifier().fit(
        X,
        y,
        weight,
        X_val=X_val,
        y_val=y_val,
        eval_set=sets,
        sample_weight_eval_set=[weight, None, None],
        verbose=False,
    )
    results = [
        model.evals_result_[f"validation_{i}"]["relative_focal_loss"] for i in range(4)
    ]
    assert results[1] == results[3]
    for (X_, y_), w, scores in zip(sets, (weight, None, None), results, strict=False):
        expected = XGBOOST.score(model.loss_, y_, XGBOOST.watched_raw(model, X_), w)
        assert scores[-1] == pytest.approx(expected, abs=2e-6)


def test_metric_of_the_users_own_gets_probabilities():
    X, X_val, y, y_val = split()
    words = {"X_val": X_val, "y_val": y_val, "verbose": False}
    seen = []

    def brier(y_true, y_proba, **more):
        seen.append(more)
        return np.average((y_true - y_proba) ** 2, weights=more.get("sample_weight"))

    model = classifier(eval_metric=[brier, FocalMetric(0.0)]).fit(X, y, **words)
    scores = model.evals_result_["validation_0"]
    raw = XGBOOST.watched_raw(model, X_val)
    proba = model.loss_.predict_proba(raw)[:, 1]
    assert scores["brier"][-1] == pytest.approx(np.mean((y_val - proba) ** 2), abs=2e-6)
    expected = XGBOOST.score(FocalLoss(0.0), y_val, raw)
    assert scores["relative_focal_loss"][-1] == pytest.approx(expected, abs=2e-6)
    assert all(more == {} for more in seen)
    weight = np.random.default_rng(0).uniform(size=len(y_val))
    model.fit(X, y, sample_weight_val=weight, **words)
    assert_allclose(seen[-1]["sample_weight"], weight, rtol=1e-6)
    model.set_params(eval_metric=log_loss, early_stopping_rounds=3).fit(X, y, **words)
    assert list(model.evals_result_["validation_0"]) == ["log_loss"]
