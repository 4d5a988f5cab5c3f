"""How much a softmax loss curves now, next to where its training starts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal.loss import FocalLoss
from skfocal.loss._step import NewtonStep

__all__ = ["curvature_ratio"]

FloatArray = npt.NDArray[np.floating]

# They decide a factor of all gradients of a round: its error moves no optimum.
_MOST_ROWS = 4096


def curvature_ratio(
    loss: FocalLoss,
    y: npt.NDArray[Any],
    raw: FloatArray,
    weight: FloatArray | None,
    sum_up: Callable[[FloatArray], FloatArray],
) -> float:
    """Return the mean expected Hessian of the best constant over that of now.

    Both are means over a sample of the rows, always the same.

    Parameters
    ----------
    loss : FocalLoss
        A loss of the posterior link.
    y : ndarray of shape (n_samples,)
        Labels, 0 .. n_classes - 1.
    raw : ndarray of shape (n_samples, n_classes)
        Raw predictions, in log-odds.
    weight : ndarray of shape (n_samples,) or None
        Sample weights.
    sum_up : callable
        Adds up arrays of the machines that train together.

    Returns
    -------
    float
        1 where one of the two is 0, as gradients then are as well.
    """
    if len(raw) > _MOST_ROWS:
        rows = np.random.default_rng(0).integers(len(raw), size=_MOST_ROWS)
        y, raw = y[rows], np.ascontiguousarray(raw[rows])
        weight = None if weight is None else weight[rows]
    weight = np.ones(len(y)) if weight is None else weight.astype(np.float64)
    shares = np.bincount(y.astype(np.intp), weight, minlength=raw.shape[1])
    total = weight @ _expected_hessians(loss, raw)
    sums = sum_up(np.array([*shares, total]))
    first = _expected_hessian_at(loss, sums[:-1])
    now = sums[-1] / sums[:-1].sum()
    return float(first / now) if first > 0.0 and now > 0.0 else 1.0


def _expected_hessians(loss: FocalLoss, raw: FloatArray) -> npt.NDArray[np.float64]:
    # By the kernel of the training, for the exact one takes long to compile. Labels
    # don't matter.
    y = np.zeros(len(raw), np.int32)
    gradient, hessian = (np.empty(raw.shape, np.float32) for _ in range(2))
    NewtonStep(loss, raw.shape[1]).fill(y, raw, None, gradient, hessian, floor=0.0)
    return hessian.sum(axis=1, dtype=np.float64)


def _expected_hessian_at(loss: FocalLoss, shares: FloatArray) -> float:
    """Return the expected Hessian at the shares of the classes that are there."""
    gamma, alpha = loss._class_values(len(shares))
    there = np.flatnonzero(shares)
    if len(there) < 2:
        return 0.0
    of_these = FocalLoss(gamma[there], alpha[there], link=loss.link)
    log_shares = np.log(shares[there] / shares.sum())[None]
    return float(_expected_hessians(of_these, log_shares)[0])
