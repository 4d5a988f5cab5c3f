"""A linear model's problem whose rows lie in blocks at workers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skfocal.dask._errors import gather
from skfocal.dask._linear_blocks import BlockSummary, sample_block, summarise_block
from skfocal.dask._linear_sums import DaskLossSums, threads_per_block
from skfocal.dask._rows import DaskRows
from skfocal.linear_model._design import as_design
from skfocal.linear_model._problem import (
    AnyLinearProblem,
    LinearProblem,
    places_in_sample,
)
from skfocal.loss import FocalLoss

__all__ = ["ClassTotals", "DaskLinearProblem"]

FloatArray = npt.NDArray[np.floating]

# What the client gathers of the rows, unless it needs more to have enough of them.
_MAX_SAMPLE_BYTES = 2**26


@dataclass(frozen=True)
class ClassTotals:
    """Counts of the classes.

    Attributes
    ----------
    n_rows : ndarray of int of shape (n_blocks, n_classes)
        Rows of each class in each block, none of which is empty.
    sample_weights, weights : ndarray of shape (n_classes,)
        Sums over all blocks of the sample weights, without and with class weights.
    """

    n_rows: npt.NDArray[np.intp]
    sample_weights: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class DaskLinearProblem(AnyLinearProblem):
    """The problem of rows in blocks.

    Attributes
    ----------
    rows : DaskRows
        The rows, of checked features.
    totals : ClassTotals
        Counts of their classes.
    summaries : list of BlockSummary
        One of each block.
    loss, n_classes, C, l1_ratio, fit_intercept
        See AnyLinearProblem.
    """

    rows: DaskRows
    totals: ClassTotals
    summaries: list[BlockSummary]
    loss: FocalLoss
    n_classes: int
    C: float
    l1_ratio: float
    fit_intercept: bool

    @classmethod
    def of(cls, rows: DaskRows, totals: ClassTotals, *words: Any) -> Self:
        """Take a first look at the rows; ``words`` are the fields from loss on."""
        n_threads = threads_per_block(rows.client, len(rows.X))
        summaries = gather(rows.client, rows.map(summarise_block, n_threads))
        return cls(rows, totals, summaries, *words)

    @property
    def n_rows(self) -> int:
        return sum(self.rows.lengths)

    @property
    def work(self) -> int:
        return sum(summary.work for summary in self.summaries)

    @property
    def max_sample_rows(self) -> int:
        bytes_per_row = 8 * max(1, self.work // self.n_rows)
        return _MAX_SAMPLE_BYTES // bytes_per_row

    def total(self) -> float:
        return sum(summary.total for summary in self.summaries)

    def counts(self) -> FloatArray:
        return self.totals.weights

    def moments(self) -> tuple[FloatArray, FloatArray]:
        total, means, variances, _ = zip(*self.summaries, strict=True)
        shares = np.array(total) / sum(total)
        # A large mean would drown what the blocks' means differ by.
        differences = np.array(means) - means[0]
        shift = shares @ differences
        between = shares @ (differences - shift) ** 2
        return means[0] + shift, shares @ np.array(variances) + between

    def sums(self) -> DaskLossSums:
        return DaskLossSums(
            *(self.rows, len(self.summaries[0].mean), self.work, self.total()),
            *(self.loss, self.n_classes),
        )

    def sample(self, n_rows: int, random_state: Any) -> LinearProblem:
        n_of_class = self.totals.n_rows.sum(axis=0)
        places = places_in_sample(n_of_class, n_rows, random_state)
        X, code_parts, weights = zip(*self._gathered(places), strict=True)
        codes: npt.NDArray[np.int32] = np.concatenate(code_parts)
        n_kept = np.array([len(of_class) for of_class in places])
        weight = (n_of_class / np.maximum(n_kept, 1))[codes]
        if self.rows.weight is not None:
            weight *= np.concatenate(weights)
        return LinearProblem(
            *(as_design(_stacked(X)), codes, weight, self.loss, self.n_classes),
            *(self.C, self.l1_ratio, self.fit_intercept),
        )

    def _gathered(self, places: list[npt.NDArray[np.intp]]) -> list[Any]:
        """Return features, codes and weights of a sample, block by block."""
        client, rows = self.rows.client, self.rows
        ends = self.totals.n_rows.cumsum(axis=0)
        starts = ends - self.totals.n_rows
        weights = rows.weight or [None] * len(rows.X)
        found = []
        for *block, first, end in zip(
            rows.X, rows.codes, weights, starts, ends, strict=True
        ):
            own = [
                of_class[(of_class >= start) & (of_class < stop)] - start
                for of_class, start, stop in zip(places, first, end, strict=True)
            ]
            if any(map(len, own)):
                found.append(client.submit(sample_block, *block, own, pure=False))
        return gather(client, found)


def _stacked(blocks: tuple[Any, ...]) -> Any:
    if any(sparse.issparse(block) for block in blocks):
        return sparse.vstack(blocks, format="csr")
    return np.concatenate(blocks)
