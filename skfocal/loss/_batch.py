"""Valid arrays, and which kernel works on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skfocal._compute.threads import run_kernel
from skfocal.loss._binary_kernels import binary_focal
from skfocal.loss._curvature_kernels import softmax_curvature_product
from skfocal.loss._kernel_terms import MAX_INTEGER_GAMMA
from skfocal.loss._posterior_binary_kernels import binary_posterior
from skfocal.loss._posterior_softmax_kernels import (
    softmax_posterior,
    softmax_posterior_curvature,
)
from skfocal.loss._softmax_kernels import softmax_focal, softmax_focal_curvature

if TYPE_CHECKING:
    from skfocal.loss._loss import FocalLoss

__all__ = ["Batch", "count_classes"]

FloatArray = npt.NDArray[np.floating]

_KERNELS = {
    ("binary", "focal"): binary_focal,
    ("binary", "posterior"): binary_posterior,
    ("softmax", "focal"): softmax_focal,
    ("softmax", "posterior"): softmax_posterior,
}
_CURVATURE_KERNELS = {
    ("softmax", "focal"): softmax_focal_curvature,
    ("softmax", "posterior"): softmax_posterior_curvature,
}


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
        # Without focus and weights the links are one.
        same = not gamma.any() and (alpha == 1.0).all()
        self.link = "focal" if same else loss.link
        self.binary = raw.ndim == 1
        no_weight = None if self.binary else np.empty(0)
        self.weight = no_weight if weight is None else weight
        self.alpha = tuple(alpha.tolist()) if self.binary else alpha
        self.gamma: Any = tuple(gamma.tolist()) if self.binary else gamma
        if (gamma == gamma[0]).all() and _is_small_integer(gamma[0]):
            self.gamma = int(gamma[0])

    def run(
        self,
        *,
        loss: FloatArray | None = None,
        gradient: FloatArray | None = None,
        hessian: FloatArray | None = None,
        factor: float = 1.0,
        floor: float | None = None,
    ) -> None:
        r"""Fill the arrays that are given.

        Parameters
        ----------
        loss : ndarray of shape (n_samples,)
            Loss of each sample.
        gradient : ndarray of the shape of ``raw``
            First derivatives.
        hessian : ndarray of the shape of ``raw``
            Exact second derivatives h, if ``floor`` is None, for softmax the diagonal.
            Else Newton weights, at least ``floor`` times the size of the gradient: at
            least ``factor`` times \|h\| in the focal link, the expected h in the other.
        factor, floor : float
            See above.
        """
        self._run(_KERNELS, factor, floor, loss, gradient, hessian)

    def hessian_product(self, vector: FloatArray) -> FloatArray:
        """Return the product of each row's softmax Hessian with its vector."""
        n_rows = len(self.raw)
        rows = [np.empty(n_rows) for _ in range(3)]
        by_class = [np.empty(self.raw.shape) for _ in range(2)]
        (loss, slope, bend), (deviation, spread) = rows, by_class
        self.run_curvature(loss, deviation, slope, bend, spread)
        product = np.empty_like(self.raw)
        args = (self.y, deviation, bend, spread, vector, product)
        run_kernel(softmax_curvature_product, self.raw.shape, *args)
        return product

    def run_curvature(
        self,
        loss: FloatArray,
        deviation: FloatArray,
        slope: FloatArray,
        bend: FloatArray,
        spread: FloatArray,
    ) -> None:
        """Fill what ``_curvature_kernels`` takes; softmax only."""
        self._run(_CURVATURE_KERNELS, loss, deviation, slope, bend, spread)

    def _run(self, kernels: dict[Any, Any], *args: Any) -> None:
        kernel = kernels["binary" if self.binary else "softmax", self.link]
        common = (self.y, self.raw, self.weight, self.gamma, self.alpha)
        run_kernel(kernel, self.raw.shape, *common, *args)


def _is_small_integer(gamma: float) -> bool:
    return gamma.is_integer() and gamma <= MAX_INTEGER_GAMMA


def count_classes(raw: FloatArray) -> int:
    return 2 if raw.ndim == 1 else raw.shape[1]
