"""Between what bounds numbers can be trained with: the engines compute in float32."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal._validation import PerClass, check_gamma

__all__ = [
    "LARGEST_GAMMA",
    "LARGEST_RAW",
    "check_alpha_range",
    "check_offset_range",
    "check_trainable_gamma",
    "check_weight_range",
]

FloatArray = npt.NDArray[np.floating]

# By experiment: at 25 the fits of the softmax step don't converge, and from about 20 on
# the engines' penalties outweigh the gradients of all rows, so that no tree is grown.
LARGEST_GAMMA = 20.0
# The squares of sums of gradients must not overflow in float32.
_LARGEST_TOTAL = 1e18
_ALPHAS = (1e-30, 1e30)
LARGEST_RAW = 1e30


def check_trainable_gamma(gamma: Any, name: str) -> PerClass:
    """Return gamma as a float or a tuple of floats that a model can be boosted with."""
    values = check_gamma(gamma, name)
    if max(np.atleast_1d(values)) > LARGEST_GAMMA:
        raise ValueError(f"{name} must be <= {LARGEST_GAMMA:g}, got {gamma!r}")
    return values


def check_alpha_range(alpha: PerClass | None) -> None:
    """Raise if float32 can't hold gradients of all classes."""
    low, high = _ALPHAS
    if alpha is not None and not all(low <= a <= high for a in np.atleast_1d(alpha)):
        raise ValueError(
            f"focal_alpha must be from {low} to {high} for each class, got {alpha!r}"
        )


def check_weight_range(weight: FloatArray | None) -> None:
    """Raise if weighted gradients would be 0 or infinite in float32."""
    if weight is None:
        return
    with np.errstate(over="ignore"):
        total = float(weight.sum())
    least = float(np.finfo(np.float32).tiny)
    if not least <= total <= _LARGEST_TOTAL:
        raise ValueError(
            "sample_weight, times the classes' weights, must have a sum from "
            f"{least:.3g} to {_LARGEST_TOTAL:g}, got {total:g}"
        )


def check_offset_range(offset: FloatArray, name: str) -> None:
    """Raise unless raw predictions can be added to and compared."""
    finite = np.isfinite(offset)
    if not finite.all():
        raise ValueError(f"{name} must be finite, got {offset[~finite][0]}")
    largest = np.abs(offset).max(initial=0.0)
    if largest > LARGEST_RAW:
        raise ValueError(
            f"{name} must be at most {LARGEST_RAW:g} in size, got {largest:g}"
        )
