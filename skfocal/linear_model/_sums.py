"""Sums over rows of the loss and of its derivatives, which an objective needs."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal._compute.threads import run_kernel
from skfocal.linear_model._design import Design
from skfocal.loss import FocalLoss
from skfocal.loss._batch import Batch
from skfocal.loss._curvature_kernels import (
    softmax_curvature_pairs,
    softmax_curvature_product,
)

__all__ = ["LossSums", "Sums"]

FloatArray = npt.NDArray[np.floating]
# Of the losses, and of their derivatives by coefficients and intercept.
Sums = tuple[float, FloatArray, Any]


class LossSums:
    """The sums over the rows of a matrix.

    Coefficients are (n_features,) for two classes and (n_classes, n_features) for more,
    intercepts () and (n_classes,).

    Parameters
    ----------
    design : Design
        Features of shape (n_rows, n_features).
    codes : ndarray of int32 of shape (n_rows,)
        Class of each row.
    weight : ndarray of float64 of shape (n_rows,) or None
        Weights > 0.
    loss : FocalLoss
        Loss of a row.
    n_classes : int
        Number of classes, at least 2.

    Attributes
    ----------
    n_features : int
        Number of features.
    work : int
        Number of multiplications of one product with one vector.
    total : float
        Sum of the weights.
    curvature : list of ndarray
        Of each row h; or, for more than two classes, what softmax_curvature_product
        takes: those of the point that was evaluated last.
    """

    def __init__(
        self,
        design: Design,
        codes: npt.NDArray[np.int32],
        weight: FloatArray | None,
        loss: FocalLoss,
        n_classes: int,
    ) -> None:
        self.design, self.codes, self.weight = design, codes, weight
        self.loss, self.n_classes = loss, n_classes
        self.n_features, self.work = design.n_features, design.work
        self.total = float(design.n_rows if weight is None else weight.sum())
        outputs = () if n_classes == 2 else (n_classes,)
        self._losses = np.empty(design.n_rows)
        self.curvature = [np.empty((design.n_rows, *outputs))]
        if outputs:
            self.curvature.append(np.empty(design.n_rows))
            self.curvature.append(np.empty((design.n_rows, *outputs)))

    def evaluate(self, coef: FloatArray, intercept: Any) -> Sums:
        """Return the sums at a point, whose curvature is kept."""
        respond = self._respond_binary if coef.ndim == 1 else self._respond_softmax
        by_coef, by_intercept = self.design.accumulate(coef, intercept, respond)
        return float(self._losses.sum()), by_coef, by_intercept

    def _batch(self, raw: FloatArray, rows: slice) -> Batch:
        weight = None if self.weight is None else self.weight[rows]
        return Batch(self.loss, self.codes[rows], raw, weight)

    def _respond_binary(self, raw: FloatArray, start: int, stop: int) -> FloatArray:
        rows = slice(start, stop)
        batch, gradient = self._batch(raw, rows), np.empty_like(raw)
        hessian = self.curvature[0][rows]
        batch.run(loss=self._losses[rows], gradient=gradient, hessian=hessian)
        return gradient

    def _respond_softmax(self, raw: FloatArray, start: int, stop: int) -> FloatArray:
        rows = slice(start, stop)
        slope = np.empty(len(raw))
        deviation, bend, spread = (array[rows] for array in self.curvature)
        batch = self._batch(raw, rows)
        batch.run_curvature(self._losses[rows], deviation, slope, bend, spread)
        return deviation * slope[:, None]

    def product(self, coef: FloatArray, intercept: Any) -> tuple[FloatArray, Any]:
        """Return the second derivative times a vector, by coefficients and intercept.

        It is that at the point evaluated last.
        """
        if coef.ndim == 1:
            return self.design.normal_product(coef, intercept, self.curvature[0])
        return self.design.accumulate(coef, intercept, self._softmax_product)

    def _softmax_product(self, vector: FloatArray, start: int, stop: int) -> FloatArray:
        rows, product = slice(start, stop), np.empty_like(vector)
        curvature = [array[rows] for array in self.curvature]
        args = (self.codes[rows], *curvature, vector, product)
        run_kernel(softmax_curvature_product, vector.shape, *args)
        return product

    def grams(self, center: FloatArray) -> FloatArray:
        """Return Z' diag(curvature) Z of Z = [X - center, 1] at the last point.

        Of shape (1, n_features + 1, n_features + 1); for more than two classes one for
        each pair k < l of them.
        """
        if self.n_classes == 2:
            return self.design.gram(self.curvature[0], center)[None]

        def fill_pairs(pairs: FloatArray, start: int, stop: int) -> None:
            rows = slice(start, stop)
            curvature = [array[rows] for array in self.curvature]
            args = (self.codes[rows], *curvature, pairs)
            run_kernel(softmax_curvature_pairs, pairs.shape[::-1], *args)

        return self.design.class_grams(self.n_classes, fill_pairs, center)
