"""The Newton steps of a boosting round: gradient and positive Newton weight, float32.

The exact kernels of the posterior link find the focal probabilities by Newton's method,
to 13 digits. For the 7 that float32 holds, functions fitted once per gamma are enough,
and several times faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal._compute.threads import run_kernel
from skfocal.loss._batch import Batch, count_classes
from skfocal.loss._loss import FocalLoss
from skfocal.loss._softmax_step_kernels import softmax_step
from skfocal.loss._step_fits import binary_fit, softmax_fit
from skfocal.loss._step_kernels import LinkFit, binary_step, finish

__all__ = ["NewtonStep", "may_overwrite"]

FloatArray = npt.NDArray[np.floating]


class NewtonStep:
    r"""Gradients g and positive Newton weights of one loss, in float32.

    The Newton weight is the larger of ``floor`` :math:`|g|` and ``factor`` times the
    expected Hessian in the posterior link, the size of the Hessian in the focal link.
    Relative errors are below 1e-6.

    Parameters
    ----------
    loss : FocalLoss
        Its gamma and alpha must fit the number of classes.
    n_classes : int
        Number of classes; two of them may have one or two raw predictions per row.
    """

    def __init__(self, loss: FocalLoss, n_classes: int) -> None:
        self.loss = loss
        gamma, self.alpha = loss._class_values(n_classes)
        shared = loss.link == "posterior" and (gamma == gamma[0]).all()
        self.gamma = float(gamma[0]) if shared else None

    def fill(
        self,
        y: npt.NDArray[Any],
        raw: FloatArray,
        weight: FloatArray | None,
        gradient: npt.NDArray[np.float32],
        hessian: npt.NDArray[np.float32],
        *,
        factor: float = 1.0,
        floor: float = 1.0,
        scale: float = 1.0,
        free_bits: int = 0,
    ) -> None:
        """Overwrite gradient and hessian.

        Parameters
        ----------
        y : ndarray of int32 or float32 of shape (n_samples,)
            Labels, 0 .. n_classes - 1.
        raw : ndarray of float of shape (n_samples,) or (n_samples, n_classes)
            Finite raw predictions, C- or F-contiguous. It may be ``gradient`` itself,
            if :func:`may_overwrite` says so.
        weight : ndarray of float of shape (n_samples,) or None
            Sample weights.
        gradient, hessian : ndarray of float32 of shape and memory order of ``raw``
            To be filled.
        factor, floor : float
            See the class.
        scale : float
            Multiplies both results.
        free_bits : int
            So many low bits are cleared before a row is weighted, so that float32 holds
            its product with a small whole number exactly.
        """
        mask = np.int32(-1 << free_bits) if free_bits else None
        common, out = (y, raw, weight), (gradient, hessian)
        newton, scale = (float(factor), float(floor)), float(scale)
        fit = self._fit(raw)
        if fit is None:
            self._fill_exactly(*common, *out, *newton, scale, mask)
        elif raw.ndim == 1:
            fit, alpha = _tilted(fit, self.alpha, scale)
            run_kernel(binary_step, raw.shape, *common, fit, alpha, *newton, mask, *out)
        else:
            weight = np.empty(0, np.float32) if weight is None else weight
            every_bit = np.int32(-1) if mask is None else mask
            args = (y, raw, weight, fit, self.alpha, *newton, scale, every_bit, *out)
            run_kernel(softmax_step, raw.shape, *args)

    def _fit(self, raw: FloatArray) -> Any:
        """Return what the fast kernel takes, or None if it can't be used."""
        if self.gamma is None:
            return None
        if raw.ndim == 1:
            return binary_fit(self.gamma)
        return softmax_fit(self.gamma, raw.shape[1])

    def _fill_exactly(
        self,
        y: npt.NDArray[Any],
        raw: FloatArray,
        weight: FloatArray | None,
        gradient: npt.NDArray[np.float32],
        hessian: npt.NDArray[np.float32],
        factor: float,
        floor: float,
        scale: float,
        mask: np.int32 | None,
    ) -> None:
        plain = mask is None and scale == 1.0
        batch = Batch(self.loss, y, raw, weight if plain else None)
        batch.run(gradient=gradient, hessian=hessian, factor=factor, floor=floor)
        if not plain:
            for values in (gradient, hessian):
                columns = values if values.ndim == 2 else values[:, None]
                run_kernel(finish, columns.shape, columns, weight, scale, mask)


def may_overwrite(loss: FocalLoss, raw: FloatArray) -> bool:
    """Whether a step may put its gradient in the place of the raw predictions.

    The fast kernel of a softmax reads some rows before it writes them. That of two
    classes could, but LLVM then has it work row by row, which takes four times as long.
    """
    if raw.ndim == 1 or raw.dtype != np.float32:
        return False
    return NewtonStep(loss, count_classes(raw))._fit(raw) is not None


def _tilted(
    fit: LinkFit, alpha: FloatArray, scale: float
) -> tuple[LinkFit, tuple[float, ...] | None]:
    """Return the fit times all constant factors, and alpha with 1 as larger entry."""
    largest = float(alpha.max())
    relative = tuple((alpha / largest).tolist())
    factor = scale * largest * min(relative)
    even, odd = (tuple(factor * c for c in chain) for chain in (fit.even, fit.odd))
    fit = fit._replace(even=even, odd=odd)
    return fit, None if min(relative) == 1.0 else relative
