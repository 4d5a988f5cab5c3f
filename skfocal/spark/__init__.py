"""Focal loss for XGBoost on Spark: the estimator and its model."""

try:
    import pyspark.ml  # noqa: F401
    import xgboost.spark  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skfocal.spark needs PySpark and XGBoost: pip install 'skfocal[spark]'"
    ) from error

from skfocal.spark._estimator import SparkFocalXGBClassifier
from skfocal.spark._model import SparkFocalXGBClassifierModel

__all__ = ["SparkFocalXGBClassifier", "SparkFocalXGBClassifierModel"]
