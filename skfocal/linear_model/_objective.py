"""The objective of a linear model as a function of its coefficients.

With S the total weight, l1 and l2 the penalties divided by C S, w without the
intercepts b, and omega the loss's scale,

    F(w, b) = omega/S sum_i weight_i FL(y_i, x_i w + b) + l2/2 |w|**2 + l1 |w|_1 .

Solvers don't see w and b but theta: the coefficients of the features divided by their
standard deviation and, where there is an intercept, after their mean was taken off. It
is a change of variables in F, whose penalty stays that of w, and no feature is touched.
The l1 term, which has no gradient, is left to the solvers.
"""

from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from skfocal.linear_model._sums import Sums
from skfocal.loss import FocalLoss

__all__ = ["LinearObjective", "Penalty", "RowSums", "Scaling"]

# Next to the mean curvature: above the rounding of the Hessian, and no more.
_FILLING = 1e-10

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Penalty:
    """Factors of |w|_1 and of |w|**2 / 2 next to the mean loss."""

    l1: float
    l2: float


@dataclass(frozen=True)
class Scaling:
    """The change of variables: what is taken off each feature, and its unit.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
        Mean, or 0 without an intercept.
    deviation : ndarray of shape (n_features,)
        Root of the mean square deviation from the center.
    varies : ndarray of bool of shape (n_features,)
        False for features that are 0 but for rounding once the center is taken off;
        their deviation is 1.
    unit : ndarray of shape (n_features,)
        At least the deviation.
    """

    center: FloatArray
    deviation: FloatArray
    varies: npt.NDArray[np.bool_]
    unit: FloatArray

    @classmethod
    def of(cls, mean: FloatArray, variance: FloatArray, fit_intercept: bool) -> Self:
        """Return that of features of these weighted moments."""
        if not np.isfinite(variance).all():
            column = int(np.flatnonzero(~np.isfinite(variance))[0])
            raise ValueError(
                "X must have features whose weighted squares are finite, got an "
                f"overflow in column {column}"
            )
        if not fit_intercept:
            deviation, rounding = np.sqrt(variance + mean**2), np.zeros_like(mean)
            mean = rounding
        else:
            # What the rounding of a constant feature and of its mean leaves.
            rounding = 8.0 * np.finfo(np.float64).eps * np.abs(mean)
            deviation = np.sqrt(variance)
        varies = deviation > rounding
        deviation = np.where(varies, deviation, 1.0)
        return cls(mean, deviation, varies, deviation)

    def with_penalty(self, ratio: float) -> Self:
        """Return that with units in which the whole objective is curved alike.

        Parameters
        ----------
        ratio : float
            The l2 penalty next to the loss's curvature by a feature of deviation 1. By
            a rare feature, as a word in texts, the penalty is the steeper of the two.
        """
        unit = np.where(self.varies, np.hypot(self.deviation, np.sqrt(ratio)), 1.0)
        return replace(self, unit=unit)


def scale_of(loss: FocalLoss, n_classes: int) -> float:
    """Return omega, by which the loss is multiplied next to the penalty.

    In the posterior link the curvature of a confident row is 1 / (1 + gamma) of the log
    loss's. A softmax gains by the same penalty at the same C, two classes do not.
    """
    if n_classes == 2 or loss.link == "focal":
        return 1.0
    return 1.0 + float(np.mean(loss.gamma))


class RowSums(Protocol):
    """What the objective asks of the rows: see LossSums."""

    n_features: int
    work: int
    total: float
    loss: FocalLoss
    n_classes: int

    def evaluate(self, coef: FloatArray, intercept: Any) -> Sums: ...

    def product(self, coef: FloatArray, intercept: Any) -> tuple[FloatArray, Any]: ...

    def grams(self, center: FloatArray) -> FloatArray: ...


class LinearObjective:
    """Loss and l2 penalty of theta, with gradient, Hessian and Hessian products.

    Parameters
    ----------
    sums : RowSums
        Sums over the rows, wherever these are.
    penalty : Penalty
        Penalties relative to the mean loss.
    scaling : Scaling
        The change of variables.
    fit_intercept : bool
        Whether theta ends with an intercept (one per class), which isn't penalised.
    """

    def __init__(
        self, sums: RowSums, penalty: Penalty, scaling: Scaling, fit_intercept: bool
    ) -> None:
        self.sums, self.penalty = sums, penalty
        self.scaling, self.fit_intercept = scaling, fit_intercept
        # What the sums of losses and of their derivatives are divided by.
        self.total = sums.total / scale_of(sums.loss, sums.n_classes)
        # Derivatives by theta from sums over the rows and from coefficients.
        self._factor = np.where(scaling.varies, 1.0 / scaling.unit / self.total, 0.0)
        self._l2_factor = penalty.l2 / scaling.unit
        outputs = () if sums.n_classes == 2 else (sums.n_classes,)
        self.shape = (*outputs, sums.n_features + fit_intercept)
        self.size = int(np.prod(self.shape))
        self._theta: FloatArray | None = None
        self._value_gradient: tuple[float, FloatArray] = (np.inf, np.empty(0))

    # -- theta and the coefficients ----------------------------------------------------

    def coefficients(self, theta: FloatArray) -> tuple[FloatArray, Any]:
        """Return w and b."""
        theta = theta.reshape(self.shape)
        coef = theta[..., : self.sums.n_features] / self.scaling.unit
        if not self.fit_intercept:
            return coef, np.zeros(self.shape[:-1])
        return coef, theta[..., -1] - coef @ self.scaling.center

    def theta_of(self, coef: FloatArray, intercept: Any) -> FloatArray:
        """Return the theta of w and b."""
        parts = [coef * self.scaling.unit]
        if self.fit_intercept:
            parts.append(np.asarray(intercept + coef @ self.scaling.center)[..., None])
        return np.concatenate(parts, axis=-1).ravel()

    def l1_of_theta(self) -> FloatArray:
        """Factor of the absolute value of each entry of theta."""
        factors = np.zeros(self.shape)
        factors[..., : self.sums.n_features] = self.penalty.l1 / self.scaling.unit
        return factors.ravel()

    def deviations_per_unit(self) -> FloatArray:
        """Factor that turns a derivative by theta into one by deviations."""
        factors = np.ones(self.shape)
        ratio = self.scaling.unit / self.scaling.deviation
        factors[..., : self.sums.n_features] = ratio
        return factors.ravel()

    def _by_theta(self, by_coef: FloatArray, by_intercept: Any) -> FloatArray:
        """Turn a derivative by w and b into one by theta."""
        derivative = np.empty(self.shape)
        by_features = derivative[..., : self.sums.n_features]
        np.multiply.outer(by_intercept, self.scaling.center, out=by_features)
        np.subtract(by_coef, by_features, out=by_features)
        by_features *= self._factor
        if self.fit_intercept:
            derivative[..., -1] = by_intercept / self.total
        return derivative

    # -- value and derivatives ---------------------------------------------------------

    def value_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective without its l1 term, and its gradient."""
        if self._theta is None or not np.array_equal(theta, self._theta):
            self._theta = None
            self._value_gradient = self._evaluate(theta)
            self._theta = theta.copy()
        return self._value_gradient

    def _evaluate(self, theta: FloatArray) -> tuple[float, FloatArray]:
        coef, intercept = self.coefficients(theta)
        loss, *derivatives = self.sums.evaluate(coef, intercept)
        gradient = self._by_theta(*derivatives)
        gradient[..., : self.sums.n_features] += self._l2_factor * coef
        # A sum over all columns of coef is one over the classes as well.
        square = float(np.vdot(coef, coef))
        value = loss / self.total + 0.5 * self.penalty.l2 * square
        return float(value), gradient.ravel()

    def hessian_product(self, theta: FloatArray, vector: FloatArray) -> FloatArray:
        """Return the Hessian at theta times a vector."""
        self.value_gradient(theta)
        coef, intercept = self.coefficients(vector)
        product = self._by_theta(*self.sums.product(coef, intercept))
        product[..., : self.sums.n_features] += self._l2_factor * coef
        return product.ravel()

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return the Hessian at theta, with the directions filled that change nothing.

        The gradient is orthogonal to them, and so is every step if the matrix has some
        curvature there: solutions stay as short as they can be.
        """
        self.value_gradient(theta)
        l2 = self._l2_of_theta()
        blocks = self._reduced(self.sums.grams(self.scaling.center))
        if len(self.shape) == 1:
            hessian = blocks[0]
        else:
            hessian = self._class_hessian(blocks, l2 == 0.0)
            l2 = np.tile(l2, self.sums.n_classes)
        filling = _FILLING * np.trace(hessian) / self.size if (l2 == 0.0).all() else 0.0
        return hessian + np.diag(l2 + filling)

    def _reduced(self, grams: FloatArray) -> FloatArray:
        """Turn Gram matrices of the centred features into Hessians by theta."""
        unit = np.append(self.scaling.unit, 1.0)
        reduced = grams / (np.multiply.outer(unit, unit) * self.total)
        return reduced[:, : self.shape[-1], : self.shape[-1]]

    def _class_hessian(
        self, blocks: FloatArray, free: npt.NDArray[np.bool_]
    ) -> FloatArray:
        """Return the Hessian of the loss, filled where all classes may move as one.

        ``blocks`` are those of each pair of classes. ``free`` tells of each entry of a
        class whether it has no penalty.
        """
        n_classes, width = self.shape
        hessian = np.zeros((n_classes, width, n_classes, width))
        pairs = zip(*np.triu_indices(n_classes, 1), strict=True)
        for (k, m), block in zip(pairs, blocks, strict=True):
            hessian[k, :, m, :] = hessian[m, :, k, :] = block
            # The rows of a sample's Hessian sum to 0.
            hessian[k, :, k, :] -= block
            hessian[m, :, m, :] -= block
        filling = np.diag(free * np.trace(hessian[0, :, 0, :]) / width)
        hessian += filling[:, None, :]
        return hessian.reshape(self.size, self.size)

    def _l2_of_theta(self) -> FloatArray:
        l2 = np.zeros(self.shape[-1])
        l2[: self.sums.n_features] = self.penalty.l2 / self.scaling.unit**2
        return l2
