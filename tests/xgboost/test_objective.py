"""Native trainings of kinds that only XGBoost has."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.metrics import log_loss

from skfocal.xgboost import FocalObjective
from tests._boosting.data import weighted_table
from tests._boosting.engines import XGBOOST

LINKS = pytest.mark.parametrize("link", ["posterior", "focal"])


@LINKS
@pytest.mark.parametrize("booster", ["dart", "gblinear"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_other_boosters(n_classes, booster, link):
    X, y, _ = weighted_table(n_classes)
    objective = FocalObjective(2.0, link=link)
    words = {"booster": booster}
    if booster == "gblinear" and n_classes > 2:
        words["base_score"] = 0.0
    raw = XGBOOST.train(objective, X, y, **words)
    assert log_loss(y, objective.loss.predict_proba(raw)) < 0.9 * np.log(n_classes)


@LINKS
def test_trees_with_an_output_per_class(link):
    X, y, _ = weighted_table(4)
    objective = FocalObjective(2.0, link=link)
    raw = XGBOOST.train(objective, X, y, multi_strategy="multi_output_tree")
    assert log_loss(y, objective.loss.predict_proba(raw)) < 0.9 * np.log(4)


@LINKS
def test_start_through_the_link_of_the_named_objective(link):
    X, y, _ = weighted_table(2)
    objective = FocalObjective(2.0, link=link)
    start = objective.loss.fit_intercept_only(y)
    words = {"base_score": float(expit(start)), "learning_rate": 1e-9}
    raw = XGBOOST.train(objective, X, y, rounds=1, **words)
    assert_allclose(raw, start, atol=1e-6)
