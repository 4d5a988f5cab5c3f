"""Native trainings of kinds that only XGBoost has."""

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from skfocal.xgboost import FocalMetric, FocalObjective
from tests._boosting.data import weighted_table
from tests._boosting.engines import XGBOOST

pytestmark = XGBOOST.marks
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
@pytest.mark.parametrize("shape", [(0,), (0, 0)])
def test_a_worker_without_rows(shape, link):
    # The second is that of XGBoost 3.4, for any number of classes.
    data = xgb.DMatrix(np.empty((0, 2)), label=np.empty(0))
    raw = np.empty(shape, np.float32)
    step = FocalObjective(link=link)(raw, data)
    assert [(values.size, values.dtype) for values in step] == [(0, np.float32)] * 2
    with pytest.raises(ValueError, match="must not be all zero"):
        FocalMetric(link=link)(raw, data)


@LINKS
def test_start_through_the_link_of_the_named_objective(link):
    X, y, _ = weighted_table(2)
    objective = FocalObjective(2.0, link=link)
    start = objective.loss.fit_intercept_only(y)
    words = {"base_score": float(expit(start)), "learning_rate": 1e-9}
    raw = XGBOOST.train(objective, X, y, rounds=1, **words)
    assert_allclose(raw, start, atol=1e-6)


def test_the_scale_of_a_softmax_follows_its_curvature():
    loss = FocalLoss(1.5, (0.5, 1.0, 3.0), link="posterior")
    rng = np.random.default_rng(0)
    y = rng.choice(3, 20_000, p=[0.7, 0.25, 0.05])
    raw = rng.normal(size=(len(y), 3)) + 4 * np.eye(3)[y]
    weight = rng.uniform(0.5, 2.0, len(y))
    objective = FocalObjective(1.5, loss.alpha)
    for w in (None, weight):
        # A sample of the rows is enough.
        expected = XGBOOST.softmax_scale(loss, y, raw, w)
        assert objective._softmax_scale(y, raw, w) == pytest.approx(expected, rel=0.02)
        assert expected > 1.3
    start = np.tile(np.log(np.bincount(y) / len(y)), (len(y), 1))
    assert objective._softmax_scale(y, start, None) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("y", [[1, 1, 1], [0, 2, 2]])
def test_the_scale_of_a_softmax_whose_rows_lack_classes(y):
    y, raw = np.array(y), np.zeros((3, 3))
    scale = FocalObjective(2.0)._softmax_scale(y, raw, None)
    if len(set(y)) == 1:
        assert scale == 1.0
    else:
        loss = FocalLoss(2.0, link="posterior")
        two = 2 * loss.expected_hessian(np.log([2.0]))[0]
        now = loss.expected_hessian(raw).sum() / 3
        assert scale == pytest.approx((two / now) ** 0.4, rel=1e-5)


def test_workers_scale_alike(monkeypatch):
    """XGBoost grows one tree from what all of them have."""
    y = np.arange(60) % 3
    raw = np.random.default_rng(0).normal(size=(60, 3))
    halves, objective, sent = (slice(0, 25), slice(25, 60)), FocalObjective(), []
    monkeypatch.setattr(xgb.collective, "is_distributed", lambda: True)
    monkeypatch.setattr(
        xgb.collective, "allreduce", lambda values, _: sent.append(values) or values
    )
    for half in halves:
        objective._softmax_scale(y[half], raw[half], None)
    monkeypatch.setattr(xgb.collective, "allreduce", lambda values, _: sum(sent))
    scales = [objective._softmax_scale(y[half], raw[half], None) for half in halves]
    monkeypatch.undo()
    expected = objective._softmax_scale(y, raw, None)
    assert scales == pytest.approx([expected] * 2, rel=1e-6)
