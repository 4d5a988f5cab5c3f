"""Linear classifiers with the focal loss."""

from skfocal.linear_model._logistic import FocalLogisticRegression
from skfocal.linear_model._logistic_cv import FocalLogisticRegressionCV

__all__ = ["FocalLogisticRegression", "FocalLogisticRegressionCV"]
