"""What is to be minimised: rows, loss and penalties of a linear model."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from skfocal.linear_model._design import Design
from skfocal.linear_model._objective import (
    LinearObjective,
    Penalty,
    RowSums,
    Scaling,
)
from skfocal.linear_model._sums import LossSums
from skfocal.loss import FocalLoss

__all__ = ["AnyLinearProblem", "LinearProblem", "places_in_sample"]

FloatArray = npt.NDArray[np.floating]


class AnyLinearProblem(ABC):
    """The problem of a linear model, wherever its rows are.

    Attributes
    ----------
    loss : FocalLoss
        Loss of a row.
    n_classes : int
        Number of classes, at least 2.
    C : float
        Inverse of the penalty's strength relative to the sum of the losses.
    l1_ratio : float
        Share of the l1 norm in the penalty.
    fit_intercept : bool
        Whether there is an intercept.
    """

    loss: FocalLoss
    n_classes: int
    C: float
    l1_ratio: float
    fit_intercept: bool

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    def max_sample_rows(self) -> int:
        """Size of a sample from which on a larger one costs more than it brings."""
        return self.n_rows

    @abstractmethod
    def total(self) -> float:
        """Return the sum of the weights."""

    @abstractmethod
    def counts(self) -> FloatArray:
        """Return the sum of the weights of each class."""

    @abstractmethod
    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Return weighted mean and variance of each feature."""

    @abstractmethod
    def sums(self) -> RowSums:
        """Return the sums over the rows."""

    @abstractmethod
    def sample(self, n_rows: int, random_state: Any) -> "LinearProblem":
        """Return about n_rows rows, as many of each class, and weights that undo that.

        What is known of a rare class is in its few rows: most of them are taken.
        """

    def penalty(self) -> Penalty:
        strength = 1.0 / self.C / self.total()
        return Penalty(self.l1_ratio * strength, (1.0 - self.l1_ratio) * strength)

    def scaling(self) -> Scaling:
        # Squares of huge features overflow: Scaling tells of it.
        with np.errstate(over="ignore", invalid="ignore"):
            mean, variance = self.moments()
        return Scaling.of(mean, variance, self.fit_intercept)

    def objective(self, penalty: Penalty, scaling: Scaling) -> LinearObjective:
        return LinearObjective(self.sums(), penalty, scaling, self.fit_intercept)


@dataclass(frozen=True)
class LinearProblem(AnyLinearProblem):
    """The problem of rows that are here.

    Attributes
    ----------
    design : Design
        Features.
    codes : ndarray of int32 of shape (n_rows,)
        Class of each row.
    weight : ndarray of float64 of shape (n_rows,) or None
        Weights > 0.
    loss, n_classes, C, l1_ratio, fit_intercept
        See AnyLinearProblem.
    """

    design: Design
    codes: npt.NDArray[np.int32]
    weight: FloatArray | None
    loss: FocalLoss
    n_classes: int
    C: float
    l1_ratio: float
    fit_intercept: bool

    @property
    def n_rows(self) -> int:
        return len(self.codes)

    def total(self) -> float:
        return float(self.n_rows if self.weight is None else self.weight.sum())

    def counts(self) -> FloatArray:
        counts = np.bincount(self.codes, self.weight, minlength=self.n_classes)
        return counts.astype(np.float64)

    def moments(self) -> tuple[FloatArray, FloatArray]:
        return self.design.moments(self.weight)

    def sums(self) -> LossSums:
        words = (self.design, self.codes, self.weight, self.loss, self.n_classes)
        return LossSums(*words)

    def sample(self, n_rows: int, random_state: Any) -> "LinearProblem":
        n_of_class = np.bincount(self.codes, minlength=self.n_classes)
        places = places_in_sample(n_of_class, n_rows, random_state)
        kept = [
            np.flatnonzero(self.codes == k)[of_class]
            for k, of_class in enumerate(places)
        ]
        factors = [
            np.full(len(of_class), n / max(1, len(of_class)))
            for n, of_class in zip(n_of_class, places, strict=True)
        ]
        rows, weight = np.concatenate(kept), np.concatenate(factors)
        order = np.argsort(rows)
        rows, weight = rows[order], weight[order]
        if self.weight is not None:
            weight = weight * self.weight[rows]
        design, codes = self.design.take(rows), self.codes[rows]
        return replace(self, design=design, codes=codes, weight=weight)


def places_in_sample(
    n_of_class: npt.NDArray[np.integer], n_rows: int, random_state: Any
) -> list[npt.NDArray[np.intp]]:
    """Return which rows of each class, among those of that class, are in a sample.

    Parameters
    ----------
    n_of_class : ndarray of int of shape (n_classes,)
        Number of rows of each class.
    n_rows : int
        Size of the sample.
    random_state : int, RandomState instance or None
        Chooses the rows; with None they are equally spaced.
    """
    share = -(-n_rows // len(n_of_class))
    shuffle = None if random_state is None else check_random_state(random_state)
    places = []
    for n in n_of_class.tolist():
        n_kept = min(n, share)
        equally_spaced = np.arange(n_kept) * n // max(1, n_kept)
        order = None if shuffle is None else shuffle.permutation(n)
        places.append(equally_spaced if order is None else order[equally_spaced])
    return places
