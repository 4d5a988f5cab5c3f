"""Focal loss for tabular classifiers: exact, fast, and with true probabilities."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skfocal.lightgbm import FocalLGBMClassifier
    from skfocal.linear_model import FocalLogisticRegression, FocalLogisticRegressionCV
    from skfocal.loss import FocalLoss
    from skfocal.xgboost import FocalXGBClassifier

__all__ = [
    "FocalLGBMClassifier",
    "FocalLogisticRegression",
    "FocalLogisticRegressionCV",
    "FocalLoss",
    "FocalXGBClassifier",
    "__version__",
]

__version__ = "0.1.0"

# Loaded at first use: `import skfocal` imports neither numba nor an engine.
_HOMES = {
    "FocalLGBMClassifier": "skfocal.lightgbm",
    "FocalLogisticRegression": "skfocal.linear_model",
    "FocalLogisticRegressionCV": "skfocal.linear_model",
    "FocalLoss": "skfocal.loss",
    "FocalXGBClassifier": "skfocal.xgboost",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
