"""FocalMetric of each engine."""

import copy
import pickle

import numpy as np
import pytest

from skfocal import FocalLoss
from tests._boosting.data import weighted_table


# LightGBM 4.7 renames the words of its own fit.
@pytest.mark.filterwarnings("ignore:.*eval_set.*")
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_metric_in_both_interfaces(engine, n_classes, weighted, focal_link):
    X, y, weight = weighted_table(n_classes)
    weight = weight if weighted else None
    metric = engine.Metric(1.0, link=focal_link)
    objective = engine.Objective(2.0, link=focal_link)
    tolerance = engine.pick(lightgbm={}, xgboost={"abs": 1e-6})
    for train in (engine.train_watched, engine.fit_watched):
        raw, scores = train(objective, metric, X, y, weight)
        expected = engine.score(metric.loss, y, raw, weight)
        assert len(scores) == 5
        assert scores[-1] == pytest.approx(expected, **tolerance)


def test_metric_can_be_copied(engine, focal_link):
    metric = engine.Metric(0.5, 0.3, link=focal_link)
    copied = pickle.loads(pickle.dumps(copy.deepcopy(metric)))
    data = [0, 1], [0.0, 1.0], [1.0, 2.0]
    assert copied(*data) == metric(*data)
    assert repr(copied) == f"FocalMetric(0.5, 0.3, link={focal_link!r})"
    assert copied.loss == FocalLoss(0.5, 0.3, link=focal_link)


def test_metric_is_in_the_posterior_link_unless_told_otherwise(engine):
    assert engine.Metric().loss == FocalLoss(2.0, link="posterior")
    assert engine.Objective().loss == FocalLoss(2.0, link="posterior")


def test_metric_checks_labels(engine):
    X, y, _ = weighted_table(2)
    raw = np.zeros(len(y), engine.raw_type)
    with pytest.raises(ValueError, match=r"y_true must hold integers 0 \.\. 1, got 2"):
        engine.Metric()(raw, engine.data(X, y + 1))
    with pytest.raises(ValueError, match="y_true must have one entry per sample"):
        engine.Metric()(y[1:], raw)
