"""Checks of single parameters of the linear classifiers."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["check_bool", "check_grid", "check_max_iter", "check_range"]


def check_range(
    name: str, value: Any, low: float, high: float = np.inf, *, above: bool = False
) -> float:
    """Return a number in [low, high], or in (low, high] if it must be above."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not (low < value if above else low <= value) or not value <= high:
        bounds = f"{'>' if above else '>='} {low:g}"
        bounds = f"in [{low:g}, {high:g}]" if high < np.inf else bounds
        raise ValueError(f"{name} must be {bounds}, got {value!r}")
    return float(value)


def check_bool(name: str, value: Any) -> None:
    """Raise if a value is neither True nor False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def check_max_iter(max_iter: Any) -> None:
    """Raise if it isn't a number of iterations."""
    if not isinstance(max_iter, Integral) or max_iter < 0:
        raise ValueError(f"max_iter must be an int >= 0, got {max_iter!r}")


def check_grid(name: str, values: Any) -> list[Any]:
    """Return a list of one value to try or more."""
    is_sequence = isinstance(values, (Sequence, np.ndarray))
    if not is_sequence or isinstance(values, str) or not len(values):
        raise ValueError(f"{name} must be a sequence of values to try, got {values!r}")
    return list(values)
