"""The Newton steps of a boosting round: gradient and positive Newton weight, float32.

The exact kernels find the focal probabilities by Newton's method, to 13 digits. Of the
7 that float32 holds, polynomials are right, fitted once per gamma, and they are several
times faster.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev
from scipy.special import expit

from skfocal._compute.threads import run_kernel
from skfocal.loss._batch import Batch
from skfocal.loss._loss import FocalLoss
from skfocal.loss._step_kernels import LinkFit, binary_step, finish

__all__ = ["NewtonStep"]

FloatArray = npt.NDArray[np.floating]

# Relative error of a polynomial; rounding to float32 adds 6e-8.
_TOLERANCE = 1e-7
# Each degree compiles a kernel of its own.
_DEGREES = (4, 16, 20, 24, 32)
# W is a polynomial in t / (t + _POLE), t = (v / (1 + gamma))**2, and constant from
# _LAST: that it is even in v saves a third of the degrees.
_POLE, _LAST = 20.0, 22.0**2
# Enough to see every wave of the error.
_N_CHECKED = 2001


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
        gamma, alpha = loss._class_values(n_classes)
        self.alpha = alpha
        fits = loss.link == "posterior" and (gamma == gamma[0]).all()
        self.gamma = float(gamma[0]) if fits else None

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
            Finite raw predictions, C- or F-contiguous.
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
        newton = (float(factor), float(floor))
        fit = _binary_fit(self.gamma) if raw.ndim == 1 else None
        if fit is None:
            self._fill_exactly(
                y, raw, weight, gradient, hessian, *newton, float(scale), mask
            )
            return
        fit, alpha = _tilted(fit, self.alpha, float(scale))
        common = (y, raw, weight, fit, alpha, *newton, mask, gradient, hessian)
        run_kernel(binary_step, raw.shape, *common)

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
                columns = values.reshape(len(values), -1)
                run_kernel(finish, columns.shape, columns, weight, scale, mask)


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


@lru_cache(maxsize=128)
def _binary_fit(gamma: float | None) -> LinkFit | None:
    """Return the polynomial of least degree that is good enough, if there is one."""
    if gamma is None:
        return None
    loss = FocalLoss(gamma, link="posterior")
    ratio = 2.0 * (_LAST + _POLE) / _LAST

    def W(x: FloatArray) -> FloatArray:
        t = _POLE * ratio / (ratio - 1.0 - x) - _POLE
        u = (1.0 + gamma) * np.sqrt(np.clip(t, 0.0, _LAST))
        return loss.gradient(np.zeros(len(u)), u) / expit(u)

    coefficients = _fit(W)
    if coefficients is None:
        return None
    even, odd = coefficients
    slope = _POLE * ratio
    return LinkFit(even, odd, 1.0 / (1.0 + gamma), _POLE, _LAST, ratio - 1.0, slope)


def _fit(function: Any) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return the even and odd coefficients of a polynomial on [-1, 1]."""
    grid = np.linspace(-1.0, 1.0, _N_CHECKED)
    expected = function(grid)
    for degree in _DEGREES:
        powers = chebyshev.cheb2poly(chebyshev.chebinterpolate(function, degree))
        powers = np.pad(powers, (0, degree + 1 - len(powers)))
        fitted = np.polynomial.polynomial.polyval(grid, powers)
        if np.all(abs(fitted - expected) <= _TOLERANCE * abs(expected)):
            return tuple(powers[::2].tolist()), tuple(powers[1::2].tolist())
    return None
