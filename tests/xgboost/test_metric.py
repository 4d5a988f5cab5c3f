"""XGBoost's metric is the loss relative to that of the best constant."""

import numpy as np
import pytest

from skfocal import FocalLoss
from skfocal.xgboost import FocalMetric

LINKS = pytest.mark.parametrize("link", ["posterior", "focal"])


def test_metric_has_the_name_that_the_wrapper_shows():
    assert FocalMetric(0.5, 0.3).__name__ == "relative_focal_loss"


@LINKS
@pytest.mark.parametrize("gamma", [0.0, 2.0, (1.0, 2.0, 3.0)])
def test_metric_is_one_for_the_best_constant(gamma, link):
    y = np.repeat([0, 1, 2], [70, 5, 25])
    metric = FocalMetric(gamma, (1.0, 4.0, 2.0), link=link)
    start = metric.loss.fit_intercept_only(y)
    assert metric(y, np.tile(start, (100, 1))) == pytest.approx(1.0)
    worse = [metric(y, np.tile(start, (100, 1)) + step) for step in np.eye(3)]
    assert min(worse) > 1.0


@LINKS
def test_metric_of_data_that_lack_a_class(link):
    metric = FocalMetric(2.0, (1.0, 4.0, 2.0), link=link)
    two = np.repeat([0, 2], [7, 3])
    pair = FocalLoss(2.0, (1.0, 2.0), link=link)
    z = pair.fit_intercept_only(two // 2)
    raw = np.tile([0.0, -800.0, z], (10, 1))
    assert metric(two, raw) == pytest.approx(1.0)
    one = np.zeros(4, dtype=int)
    assert metric(one, np.zeros((4, 3))) == pytest.approx(1.0)
    assert metric(one, np.tile([3.0, 0.0, 0.0], (4, 1))) < 0.1
    assert FocalMetric(2.0, link=link)(one, np.zeros(4)) == pytest.approx(1.0)
