"""Valid arrays, and which kernel works on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skfocal._compute.threads import run_kernel
from skfocal.loss import _binary_kernels, _softmax_kernels
from skfocal.loss._kernel_terms import MAX_INTEGER_GAMMA

if TYPE_CHECKING:
    from skfocal.loss._loss import FocalLoss

__all__ = ["Batch", "count_classes"]

FloatArray = npt.NDArray[np.floating]


class Batch:
    """Valid arrays, and the kernels that the shape of the raw predictions selects.

    Parameters
    ----------
    loss : FocalLoss
        Its gamma and alpha must fit the number of classes.
    y : ndarray of int32 or float32 of shape (n_samples,)
        Labels, 0 .. n_classes - 1, contiguous.
    raw : ndarray of float of shape (n_samples,) or (n_samples, n_classes)
        Finite raw predictions, C- or F-contiguous.
    weight : ndarray of float of shape (n_samples,) or None
        Sample weights.
    """

    def __init__(
        self,
        loss: FocalLoss,
        y: npt.NDArray[Any],
        raw: FloatArray,
        weight: FloatArray | None,
    ) -> None:
        self.y, self.raw = y, raw
        gamma, alpha = loss._class_values(count_classes(raw))
        self.binary = raw.ndim == 1
        no_weight = None if self.binary else np.empty(0)
        self.weight = no_weight if weight is None else weight
        self.alpha = tuple(alpha.tolist()) if self.binary else alpha
        self.gamma: Any = tuple(gamma.tolist()) if self.binary else gamma
        if (gamma == gamma[0]).all() and _is_small_integer(gamma[0]):
            self.gamma = int(gamma[0])

    def run(self, task: str, *args: Any) -> None:
        """Run the kernel of a task on the batch and the task's own arguments."""
        kernels = _binary_kernels if self.binary else _softmax_kernels
        kernel = getattr(kernels, f"{'binary' if self.binary else 'softmax'}_{task}")
        common = (self.y, self.raw, self.weight, self.gamma, self.alpha)
        run_kernel(kernel, self.raw.shape, *common, *args)


def _is_small_integer(gamma: float) -> bool:
    return gamma.is_integer() and gamma <= MAX_INTEGER_GAMMA


def count_classes(raw: FloatArray) -> int:
    return 2 if raw.ndim == 1 else raw.shape[1]
