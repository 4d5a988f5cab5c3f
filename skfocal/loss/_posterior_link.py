"""Raw prediction <-> class probability where the raw prediction is the log-odds itself.

The functions are those of ``_focal_link``; gamma and alpha have no part in this link.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit, log_softmax, softmax

__all__ = [
    "binary_log_proba",
    "binary_proba",
    "raw_from_log_proba",
    "softmax_log_proba",
    "softmax_proba",
]

FloatArray = npt.NDArray[np.floating]


def binary_proba(u: FloatArray, *_: Any) -> FloatArray:
    """Probabilities (n, 2) of log-odds (n,)."""
    return np.column_stack([expit(-u), expit(u)])


def binary_log_proba(u: FloatArray, *_: Any) -> FloatArray:
    """Logarithm of the probabilities (n, 2) of log-odds (n,)."""
    return np.column_stack([log_expit(-u), log_expit(u)])


def softmax_proba(u: FloatArray, *_: Any) -> FloatArray:
    """Probabilities (n, K) of raw predictions (n, K)."""
    return softmax(u, axis=1)


def softmax_log_proba(u: FloatArray, *_: Any) -> FloatArray:
    """Logarithm of the probabilities (n, K) of raw predictions (n, K)."""
    return log_softmax(u, axis=1)


def raw_from_log_proba(log_eta: FloatArray, *_: Any) -> FloatArray:
    """Log-odds (n,) of two classes, or centred logarithms (n, K) of more."""
    if log_eta.shape[1] == 2:
        return log_eta[:, 1] - log_eta[:, 0]
    return log_eta - log_eta.mean(axis=1, keepdims=True)
