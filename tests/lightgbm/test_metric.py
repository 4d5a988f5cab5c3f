"""What LightGBM asks of a metric."""

import numpy as np
import pytest

from skfocal import FocalLoss
from skfocal.lightgbm import FocalMetric
from tests._boosting.data import weighted_table
from tests._boosting.engines import LIGHTGBM


@pytest.mark.parametrize("link", ["posterior", "focal"])
def test_metric_is_name_loss_and_that_less_is_better(link):
    metric = FocalMetric(0.5, 0.3, link=link)
    name, value, higher_is_better = metric([0, 1], [0.0, 1.0], [1.0, 2.0])
    assert (name, higher_is_better) == ("focal_loss", False)
    loss = FocalLoss(0.5, 0.3, link=link)
    assert value == loss([0, 1], [0.0, 1.0], [1.0, 2.0])


def test_metric_checks_weights_of_a_dataset():
    X, y, _ = weighted_table(2)
    data = LIGHTGBM.data(X, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match="sample_weight must not be all zero"):
        FocalMetric()(np.zeros(len(y)), data)
