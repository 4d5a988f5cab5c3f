"""Focal loss on a Dask cluster: the classifiers over dask collections."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skfocal.dask._lightgbm import DaskFocalLGBMClassifier
    from skfocal.dask._linear import DaskFocalLogisticRegression
    from skfocal.dask._xgboost import DaskFocalXGBClassifier

__all__ = [
    "DaskFocalLGBMClassifier",
    "DaskFocalLogisticRegression",
    "DaskFocalXGBClassifier",
]

try:
    import distributed as _distributed  # noqa: F401
except ImportError as error:
    raise ImportError(
        "skfocal.dask needs dask and distributed: pip install 'skfocal[dask]'"
    ) from error

# Loaded at first use, as each needs another engine.
_HOMES = {
    "DaskFocalLGBMClassifier": "skfocal.dask._lightgbm",
    "DaskFocalLogisticRegression": "skfocal.dask._linear",
    "DaskFocalXGBClassifier": "skfocal.dask._xgboost",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
