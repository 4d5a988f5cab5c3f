"""Focal loss for LightGBM: objective, metric and classifier."""

try:
    import lightgbm  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skfocal.lightgbm needs LightGBM: pip install 'skfocal[lightgbm]'"
    ) from error

from skfocal.lightgbm._classifier import FocalLGBMClassifier
from skfocal.lightgbm._objective import FocalMetric, FocalObjective

__all__ = ["FocalLGBMClassifier", "FocalMetric", "FocalObjective"]
