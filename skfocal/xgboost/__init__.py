"""Focal loss for XGBoost: objective, metric and classifier."""

try:
    import xgboost  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skfocal.xgboost needs XGBoost: pip install 'skfocal[xgboost]'"
    ) from error

from skfocal.xgboost._classifier import FocalXGBClassifier
from skfocal.xgboost._objective import FocalMetric, FocalObjective

__all__ = ["FocalMetric", "FocalObjective", "FocalXGBClassifier"]
