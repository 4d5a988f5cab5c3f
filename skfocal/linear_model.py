"""Linear classifiers with the focal loss."""

from skfocal._logistic import FocalLogisticRegression
from skfocal._logistic_cv import FocalLogisticRegressionCV

__all__ = ["FocalLogisticRegression", "FocalLogisticRegressionCV"]
