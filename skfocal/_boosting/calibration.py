"""The constants that keep a trained model's mean probability at the observed share.

In the posterior link the gradients that finite trees bring to balance are W (eta - y),
not eta - y. One constant per class, added to the raw predictions of the finished model,
balances the latter on the training data; it is the intercept that the log loss would
fit. Rankings of two classes don't change.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal.loss import FocalLoss

__all__ = [
    "alpha_scale",
    "balance_sums",
    "balancing_shift",
    "find_balance",
    "is_balanced",
]

FloatArray = npt.NDArray[np.floating]

_LOG_LOSS = FocalLoss(0.0)
_MAX_STEPS = 100
# A model that is sure of all of its training data has hardly any curvature left.
_LONGEST_STEP = 2.0
_TOLERANCE = 1e-9
# Rows that are balanced at a time: with all at once, this would be the peak of memory.
_PART = 2**15


def is_balanced(loss: FocalLoss, hessian: str) -> bool:
    """Whether a finished model is shifted to balance its errors.

    Not in the focal link, nor after a training that is the engine's own log loss, whose
    model it is to be.
    """
    is_log_loss = not np.any(loss.gamma) and loss.alpha is None
    return loss.link == "posterior" and (hessian == "bounded" or not is_log_loss)


def balancing_shift(
    raw: FloatArray, codes: npt.NDArray[np.integer], weight: FloatArray | None
) -> Any:
    """Return what to add to raw predictions so that their errors sum to 0.

    Parameters
    ----------
    raw : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Raw predictions of the training data, in log-odds.
    codes : ndarray of int of shape (n_samples,)
        Their classes, all of them present.
    weight : ndarray of shape (n_samples,) or None
        Their weights.

    Returns
    -------
    float or ndarray of shape (n_classes,)
        The c with sum_i w_i (eta(raw_i + c) - y_i) = 0, of sum 0 for n_classes > 2.
    """
    sums_at = partial(_sums_of_parts, raw, codes, weight)
    return find_balance(sums_at, raw.shape[1:])


def _sums_of_parts(
    raw: FloatArray,
    codes: npt.NDArray[np.integer],
    weight: FloatArray | None,
    shift: FloatArray,
) -> tuple[Any, Any]:
    """Return :func:`balance_sums`, whose arrays are never as long as all rows."""
    parts = [slice(begin, begin + _PART) for begin in range(0, len(raw), _PART)]
    sums = [
        balance_sums(
            raw[part].astype(np.float64),
            codes[part],
            None if weight is None else weight[part],
            shift,
        )
        for part in parts
    ]
    total, curvature = zip(*sums, strict=True)
    return sum(total), sum(curvature)


def find_balance(
    sums_at: Callable[[FloatArray], tuple[Any, Any]], shape: tuple[int, ...]
) -> Any:
    """Return the shift that balances rows of which only sums are at hand.

    Parameters
    ----------
    sums_at : callable
        Takes a shift of that shape, and returns :func:`balance_sums` of all rows: those
        of their parts, added up.
    shape : tuple of int
        () for two classes, else (n_classes,).
    """
    shift = np.zeros(shape)
    for _ in range(_MAX_STEPS):
        step = _newton_step(*sums_at(shift))
        size = np.abs(step).max()
        # All of it is shortened alike: in another direction it could go in circles.
        shift = shift + step * (_LONGEST_STEP / max(size, _LONGEST_STEP))
        if size <= _TOLERANCE:
            break
    return shift - shift.mean() if shape else float(shift)


def balance_sums(
    raw: FloatArray,
    codes: npt.NDArray[np.integer],
    weight: FloatArray | None,
    shift: FloatArray,
) -> tuple[Any, Any]:
    """Return the rows' sum of errors at a shift, and its derivative by the shift.

    Numbers for two classes, else an array of shape (n_classes,) and a matrix.
    """
    raw = raw + shift
    if raw.ndim == 1:
        gradient, hessian = _LOG_LOSS.gradient_hessian(codes, raw, weight)
        return gradient.sum(), hessian.sum()
    weight = np.ones(len(raw)) if weight is None else weight
    proba, errors = _proba_and_errors(np.ascontiguousarray(raw.T), codes)
    shared = (proba * weight) @ proba.T
    # Each row of the derivative sums to 0, which spares the difference of p and p**2.
    np.fill_diagonal(shared, 0.0)
    return errors @ weight, np.diag(shared.sum(axis=0)) - shared


def _proba_and_errors(
    raw: FloatArray, codes: npt.NDArray[np.integer]
) -> tuple[FloatArray, FloatArray]:
    """Return the softmax, and by how much it is too large; a row per class.

    In NumPy, for the kernel of the log loss takes seconds to compile.
    """
    proba = np.exp(raw - raw.max(axis=0))
    proba /= proba.sum(axis=0)
    true = codes, np.arange(len(codes))
    errors = proba.copy()
    errors[true] = 0.0
    # Not 1 - proba, of which nothing is left where the model is sure and right.
    errors[true] = -errors.sum(axis=0)
    return proba, errors


def _newton_step(total: Any, curvature: Any) -> FloatArray:
    if np.ndim(total) == 0:
        return -total / curvature
    step = -np.linalg.lstsq(curvature, total, rcond=None)[0]
    # The constant that all classes may share has no curvature but that of rounding.
    return step - step.mean()


def alpha_scale(
    loss: FocalLoss, codes: npt.NDArray[np.integer], weight: FloatArray | None
) -> float:
    """Return the factor that undoes the size of alpha, but not its ratios.

    The engines' penalties are absolute: at the classes' shares a balanced alpha makes
    the expected Hessian up to 18 times larger, and they stop to bite.
    """
    if loss.alpha is None or loss.link == "focal":
        return 1.0
    plain = FocalLoss(loss.gamma, link=loss.link)
    start = np.array([loss.fit_intercept_only(codes, weight)])
    expected = [each.expected_hessian(start).sum() for each in (plain, loss)]
    return float(expected[0] / expected[1])
