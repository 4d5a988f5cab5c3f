"""Checks of arguments: each error names the argument, the constraint and the value."""

from collections.abc import Sequence
from numbers import Integral, Number, Real
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
PerClass = float | tuple[float, ...]
_MISSING = ("NAType", "NaTType")


def _as_floats(name: str, value: Any) -> PerClass:
    """Turn a number into a float and a one-dimensional sequence into a tuple."""
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        values = np.asarray(value)
        if values.ndim == 1 and values.size and values.dtype.kind in "fiu":
            return tuple(values.astype(np.float64).tolist())
    raise ValueError(
        f"{name} must be a number or a sequence of one number per class, got {value!r}"
    )


def check_gamma(gamma: Any, name: str = "gamma") -> PerClass:
    """Return gamma as a float or a tuple of floats."""
    values = _as_floats(name, gamma)
    if not all(0.0 <= g < np.inf for g in np.atleast_1d(values)):
        raise ValueError(f"{name} must be >= 0 and finite, got {gamma!r}")
    return values


def check_alpha(alpha: Any, name: str = "alpha") -> PerClass | None:
    """Return alpha as None, a float or a tuple of floats."""
    if alpha is None:
        return None
    values = _as_floats(name, alpha)
    if isinstance(values, float) and not 0.0 < values < 1.0:
        raise ValueError(f"{name} must be in (0, 1) if it is a float, got {alpha!r}")
    if not all(0.0 < a < np.inf for a in np.atleast_1d(values)):
        raise ValueError(f"{name} must be > 0 and finite for each class, got {alpha!r}")
    return values


def check_whole(name: str, value: Any, least: int | None = None) -> None:
    """Raise if a value is no whole number, or one that is too small."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or (least is not None and value < least):
        limit = "" if least is None else f" >= {least}"
        raise ValueError(f"{name} must be a whole number{limit}, got {value!r}")


def check_one_kind(y: Any, name: str) -> None:
    """Raise for missing labels, and for labels that can't be sorted."""
    if isinstance(y, (list, tuple)):
        labels = np.fromiter(y, dtype=object, count=len(y))
    else:
        labels = np.asarray(y)
    if labels.dtype != object or labels.ndim == 0:
        return
    labels = labels.ravel()
    kinds = {type(label) for label in labels}
    for label in labels if kinds & {float, type(None)} or len(kinds) > 1 else ():
        is_nan = isinstance(label, (float, np.floating)) and label != label
        # pandas' own mark of a missing value isn't unequal to itself.
        if label is None or is_nan or type(label).__name__ in _MISSING:
            raise ValueError(f"{name} must hold no missing labels, got {label!r}")
    numbers = all(issubclass(k, Number) and not issubclass(k, bool) for k in kinds)
    if len(kinds) > 1 and not numbers and not all(issubclass(k, str) for k in kinds):
        found = sorted(kind.__name__ for kind in kinds)
        raise ValueError(f"{name} must hold labels of one kind, got {found}")


def check_option(name: str, value: Any, options: Sequence[str]) -> None:
    """Raise if a value is none of the words it may be."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {list(options)}, got {value!r}")


def check_raw(raw_prediction: npt.ArrayLike) -> FloatArray:
    """Return finite raw predictions, contiguous, as float32 or float64."""
    raw = np.asarray(raw_prediction)
    if raw.dtype != np.float32:
        raw = np.asarray(raw, dtype=np.float64)
    if raw.ndim not in (1, 2) or (raw.ndim == 2 and raw.shape[1] < 2):
        raise ValueError(
            "raw_prediction must have shape (n_samples,) or (n_samples, n_classes) "
            f"with n_classes >= 2, got {raw.shape}"
        )
    # A finite sum has finite terms only: most arrays need no array of flags.
    with np.errstate(over="ignore", invalid="ignore"):
        total = raw.sum()
    if not np.isfinite(total) and not (finite := np.isfinite(raw)).all():
        raise ValueError(f"raw_prediction must be finite, got {raw[~finite][0]}")
    contiguous = raw.flags.c_contiguous or raw.flags.f_contiguous
    return raw if contiguous else np.ascontiguousarray(raw)


def check_labels(y_true: npt.ArrayLike, n_classes: int | None) -> npt.NDArray[np.int32]:
    """Return class labels 0 .. n_classes - 1 as int32."""
    y = np.asarray(y_true)
    if y.ndim != 1:
        raise ValueError(f"y_true must have shape (n_samples,), got {y.shape}")
    largest = np.iinfo(np.int32).max if n_classes is None else n_classes - 1
    limit = "0 .. n_classes - 1" if n_classes is None else f"0 .. {largest}"
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y_true must hold integers {limit}, got dtype {y.dtype}")
    if y.size:
        low, high = y.min(), y.max()
        # A NaN is both the least and the largest, and fails the first comparison.
        if not low >= 0 or high > largest:
            wrong = high if low >= 0 else low
            raise ValueError(f"y_true must hold integers {limit}, got {wrong}")
    labels = np.asarray(y, dtype=np.int32, order="C")
    if y.dtype.kind == "f" and not np.array_equal(labels, y):
        wrong = y[labels != y][0]
        raise ValueError(f"y_true must hold integers {limit}, got {wrong}")
    return labels


def check_class_count(name: str, values: PerClass | None, n_classes: int) -> None:
    """Raise if gamma or alpha doesn't fit the number of classes."""
    if name.endswith("alpha") and isinstance(values, float) and n_classes != 2:
        raise ValueError(
            f"{name} must have one entry per class for {n_classes} classes, "
            f"got the float {values}"
        )
    if isinstance(values, tuple) and len(values) != n_classes:
        raise ValueError(
            f"{name} must have one entry per class ({n_classes}), "
            f"got {len(values)} entries"
        )


def check_weight(
    sample_weight: npt.ArrayLike | None, n_samples: int, name: str = "sample_weight"
) -> FloatArray | None:
    """Return sample weights as float64, or None."""
    if sample_weight is None:
        return None
    weight = np.ascontiguousarray(sample_weight, dtype=np.float64)
    if weight.ndim != 1:
        raise ValueError(f"{name} must have shape (n_samples,), got {weight.shape}")
    check_length(name, len(weight), n_samples)
    valid = (weight >= 0) & (weight < np.inf)
    if not valid.all():
        raise ValueError(f"{name} must be >= 0 and finite, got {weight[~valid][0]}")
    return weight


def positive_total(weight: FloatArray, name: str = "sample_weight") -> float:
    """Return the sum of the weights."""
    with np.errstate(over="ignore"):
        total = float(weight.sum(dtype=np.float64))
    if total == np.inf:
        raise ValueError(f"{name} must have a finite sum, got a sum of {total}")
    if total <= 0.0:
        raise ValueError(f"{name} must not be all zero, got a sum of {total}")
    return total


def check_length(name: str, length: int, n_samples: int) -> None:
    """Raise if an argument has not one entry per sample."""
    if length != n_samples:
        raise ValueError(
            f"{name} must have one entry per sample ({n_samples}), got {length}"
        )


def check_proba(proba: npt.ArrayLike) -> FloatArray:
    """Return class probabilities as float64."""
    values = np.asarray(proba, dtype=np.float64)
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] < 2):
        raise ValueError(
            "proba must have shape (n_samples,) or (n_samples, n_classes) with "
            f"n_classes >= 2, got {values.shape}"
        )
    # With a column per class, a rounded 1.0 is fine: the others hold its digits.
    inside = (values > 0.0) & ((values < 1.0) | (values.ndim == 2))
    if not inside.all():
        raise ValueError(f"proba must be inside (0, 1), got {values[~inside][0]}")
    if values.ndim == 2:
        sums = values.sum(axis=1)
        wrong = np.abs(sums - 1.0) > 1e-6
        if wrong.any():
            raise ValueError(
                f"proba must have rows that sum to 1, got {sums[wrong][0]}"
            )
    return values
