"""Feature matrices as a linear model sees them: two products in one pass over the rows.

Nothing here copies the matrix. A block of rows is multiplied by the coefficients, the
response to its raw predictions is computed, and the block, still in the cache, is
multiplied by that response. float32 features are widened block by block, so that all
sums are float64.

The coefficients are (n_features,) for one output and (n_classes, n_features) for
several; raw predictions and responses are (n_rows,) and (n_rows, n_classes).
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skfocal._compute.threads import map_rows
from skfocal.linear_model import _design_kernels as kernels

__all__ = ["CSCDesign", "CSRDesign", "DenseDesign", "Design", "as_design"]

FloatArray = npt.NDArray[np.floating]
Respond = Callable[[FloatArray, int, int], FloatArray]
FillPairs = Callable[[FloatArray, int, int], None]

# A block stays in the L2 cache from its first product to the second.
_BLOCK_BYTES = 2**20


def as_design(X: Any) -> "Design":
    """Choose the design for an array or a CSR or CSC matrix."""
    if not sparse.issparse(X):
        return DenseDesign(X)
    return CSRDesign(X) if X.format == "csr" else CSCDesign(X)


def _transposed(response: FloatArray) -> FloatArray:
    return response if response.ndim == 1 else response.T


def _column_sums(response: FloatArray) -> Any:
    # BLAS adds up narrow rows several times faster than NumPy.
    return np.ones(len(response)) @ response


class Design:
    """A feature matrix X.

    Parameters
    ----------
    X : ndarray, CSR or CSC matrix of shape (n_rows, n_features)
        Features in float32 or float64.
    """

    def __init__(self, X: Any) -> None:
        self.X = X
        self.n_rows, self.n_features = X.shape

    def take(self, rows: npt.NDArray[np.intp]) -> "Design":
        return type(self)(self.X[rows])

    @property
    def work(self) -> int:
        """Number of multiplications of one product with one vector."""
        return self.n_rows * self.n_features

    def accumulate(
        self, coef: FloatArray, intercept: Any, respond: Respond
    ) -> tuple[FloatArray, Any]:
        """Return R'X and R'1 of the response R to the raw prediction X coef' + b.

        ``respond(raw, start, stop)`` gets the raw predictions of rows start to stop.
        """
        raise NotImplementedError

    def normal_product(
        self, coef: FloatArray, intercept: Any, weights: FloatArray
    ) -> tuple[FloatArray, Any]:
        """Return X' diag(weights) (X coef + b) and the sum of what X' multiplies."""

        def respond(raw: FloatArray, start: int, stop: int) -> FloatArray:
            raw *= weights[start:stop]
            return raw

        return self.accumulate(coef, intercept, respond)

    def moments(self, weight: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Return mean and mean square deviation from it of each feature."""
        raise NotImplementedError

    def gram(self, weights: FloatArray, center: FloatArray) -> FloatArray:
        """Return Z' diag(weights) Z of Z = [X - center, 1]."""
        raise NotImplementedError

    def class_grams(
        self, n_classes: int, fill_pairs: FillPairs, center: FloatArray
    ) -> FloatArray:
        """Return Z' diag(weights) Z for each pair of classes k < l, stacked.

        ``fill_pairs(pairs, start, stop)`` writes the weights of rows start to stop.
        """
        pairs = np.empty((n_classes * (n_classes - 1) // 2, self.n_rows))
        fill_pairs(pairs, 0, self.n_rows)
        return np.stack([self.gram(weights, center) for weights in pairs])

    def _mean(self, values: FloatArray, weight: FloatArray | None) -> Any:
        return values / (self.n_rows if weight is None else weight.sum())


class DenseDesign(Design):
    """An array in C or Fortran order."""

    def _block_rows(self, n_buffers: int = 1) -> int:
        row_bytes = 8 * n_buffers * max(1, self.n_features)
        return max(256, _BLOCK_BYTES // row_bytes)

    def _blocks(self, rows: int) -> Iterator[tuple[FloatArray, int, int]]:
        for start in range(0, self.n_rows, rows):
            stop = min(start + rows, self.n_rows)
            yield self.X[start:stop].astype(np.float64, copy=False), start, stop

    def accumulate(
        self, coef: FloatArray, intercept: Any, respond: Respond
    ) -> tuple[FloatArray, Any]:
        total, constant = np.zeros(coef.shape), np.zeros(np.shape(intercept))
        for X, start, stop in self._blocks(self._block_rows()):
            raw = X @ coef.T
            raw += intercept
            response = respond(raw, start, stop)
            total += _transposed(response) @ X
            constant += _column_sums(response)
        return total, constant

    def moments(self, weight: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        # Deviations from any row: a large mean would drown them in the sum of squares.
        origin = self.X[0].astype(np.float64)
        first, second = np.zeros(self.n_features), np.zeros(self.n_features)
        for X, start, stop in self._blocks(self._block_rows(2)):
            shifted = X - origin
            ones = np.ones(stop - start) if weight is None else weight[start:stop]
            first += ones @ shifted
            np.square(shifted, out=shifted)
            second += ones @ shifted
        shift, square = self._mean(first, weight), self._mean(second, weight)
        return origin + shift, np.maximum(square - shift**2, 0.0)

    def _fill(
        self, block: FloatArray, start: int, center: FloatArray, factor: FloatArray
    ) -> None:
        """Write factor [X - center, 1] of the rows from start on to a block."""
        X = self.X[start : start + len(block)]
        if X.flags.c_contiguous:
            kernels.fill_scaled(X, center, factor, block)
            return
        np.subtract(X, center, out=block[:, :-1])
        block[:, :-1] *= factor[:, None]
        block[:, -1] = factor

    def gram(self, weights: FloatArray, center: FloatArray) -> FloatArray:
        # A product of a matrix with its own transpose takes BLAS half of the work, but
        # needs the root of the weights: the few negative ones are taken off twice.
        roots = np.sqrt(np.abs(weights))
        size, rows = self.n_features + 1, self._block_rows()
        gram, buffer = np.zeros((size, size)), np.empty((rows, size))
        for start in range(0, self.n_rows, rows):
            block = buffer[: min(rows, self.n_rows - start)]
            stop = start + len(block)
            self._fill(block, start, center, roots[start:stop])
            gram += block.T @ block
            negative = block[weights[start:stop] < 0]
            if len(negative):
                gram -= 2.0 * (negative.T @ negative)
        return gram

    def class_grams(
        self, n_classes: int, fill_pairs: FillPairs, center: FloatArray
    ) -> FloatArray:
        size, rows = self.n_features + 1, self._block_rows(n_classes)
        n_pairs = n_classes * (n_classes - 1) // 2
        grams = np.zeros((n_pairs, size, size))
        buffer, product = np.empty((rows, size)), np.empty((rows, size))
        all_pairs, ones = np.empty((n_pairs, rows)), np.ones(rows)
        for start in range(0, self.n_rows, rows):
            block = buffer[: min(rows, self.n_rows - start)]
            pairs, scaled = all_pairs[:, : len(block)], product[: len(block)]
            self._fill(block, start, center, ones[: len(block)])
            fill_pairs(pairs, start, start + len(block))
            for pair, weights in enumerate(pairs):
                np.multiply(block, weights[:, None], out=scaled)
                grams[pair] += block.T @ scaled
        return grams


class _SparseDesign(Design):
    def __init__(self, X: Any) -> None:
        super().__init__(X)
        self._arrays = (X.data, X.indices, X.indptr)

    @property
    def work(self) -> int:
        return self.X.nnz

    def moments(self, weight: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        ones = np.ones(self.n_rows) if weight is None else weight
        total = ones.sum()
        first, mass = self._weighted_sums(ones, np.zeros(self.n_features), 1)
        mean = first / total
        square, _ = self._weighted_sums(ones, mean, 2)
        return mean, (square + (total - mass) * mean**2) / total

    def gram(self, weights: FloatArray, center: FloatArray) -> FloatArray:
        def respond(raw: FloatArray, start: int, stop: int) -> FloatArray:
            return weights[start:stop]

        sums, total = self.accumulate(np.zeros(self.n_features), 0.0, respond)
        shift = np.outer(center, sums - 0.5 * total * center)
        gram = np.empty((self.n_features + 1, self.n_features + 1))
        gram[:-1, :-1] = self._plain_gram(weights) - shift - shift.T
        gram[-1, :-1] = gram[:-1, -1] = sums - total * center
        gram[-1, -1] = total
        return gram

    def _plain_gram(self, weights: FloatArray) -> FloatArray:
        """Return X' diag(weights) X."""
        raise NotImplementedError

    def _weighted_sums(
        self, weight: FloatArray, center: FloatArray, power: int
    ) -> tuple[FloatArray, FloatArray]:
        """Return by feature the sums of weight (x - center)**power and of weight."""
        raise NotImplementedError


class CSRDesign(_SparseDesign):
    """A sparse matrix stored by rows: each thread has its range of them."""

    @property
    def _rows(self) -> int:
        entry_bytes = self.X.data.itemsize + self.X.indices.itemsize
        row_bytes = entry_bytes * self.X.nnz // max(1, self.n_rows)
        return min(max(512, _BLOCK_BYTES // (row_bytes + 1)), 16384)

    def accumulate(
        self, coef: FloatArray, intercept: Any, respond: Respond
    ) -> tuple[FloatArray, Any]:
        by_feature, rows = np.ascontiguousarray(coef.T), self._rows

        def run(start: int, stop: int) -> tuple[FloatArray, Any]:
            total = np.zeros(by_feature.shape)
            constant = np.zeros(np.shape(intercept))
            for first in range(start, stop, rows):
                last = min(first + rows, stop)
                raw = np.empty((last - first, *by_feature.shape[1:]))
                raw[:] = intercept
                kernels.add_gathered(*self._arrays, by_feature, raw, first, last)
                response = respond(raw, first, last)
                kernels.add_scattered(*self._arrays, response, total, first, last)
                constant += _column_sums(response)
            return total, constant

        totals, constants = zip(*map_rows(run, self.n_rows, self.work), strict=True)
        return sum(totals).T, sum(constants)

    def normal_product(
        self, coef: FloatArray, intercept: Any, weights: FloatArray
    ) -> tuple[FloatArray, Any]:
        def run(start: int, stop: int) -> tuple[FloatArray, float]:
            total = np.zeros(self.n_features)
            args = (*self._arrays, coef, intercept, weights, total, start, stop)
            return total, kernels.add_normal_product(*args)

        totals, constants = zip(*map_rows(run, self.n_rows, self.work), strict=True)
        return sum(totals), sum(constants)

    def _weighted_sums(
        self, weight: FloatArray, center: FloatArray, power: int
    ) -> tuple[FloatArray, FloatArray]:
        sums, mass = np.zeros(self.n_features), np.zeros(self.n_features)
        kernels.minor_sums(*self._arrays, weight, center, power, sums, mass)
        return sums, mass

    def _plain_gram(self, weights: FloatArray) -> FloatArray:
        gram = np.zeros((self.n_features, self.n_features))
        kernels.add_row_gram(*self._arrays, weights, gram)
        return gram


class CSCDesign(_SparseDesign):
    """A sparse matrix stored by columns: the two products take a pass each."""

    def take(self, rows: npt.NDArray[np.intp]) -> Design:
        return CSRDesign(self.X[rows].tocsr())

    def accumulate(
        self, coef: FloatArray, intercept: Any, respond: Respond
    ) -> tuple[FloatArray, Any]:
        by_feature = np.ascontiguousarray(coef.T)
        raw = self._raw(by_feature)
        raw += intercept
        response = respond(raw, 0, self.n_rows)
        total = np.zeros(by_feature.shape)

        def gather(start: int, stop: int) -> None:
            columns = total[start:stop]
            kernels.add_gathered(*self._arrays, response, columns, start, stop)

        map_rows(gather, self.n_features, self.work)
        return total.T, _column_sums(response)

    def _raw(self, by_feature: FloatArray) -> FloatArray:
        def scatter(start: int, stop: int) -> FloatArray:
            raw = np.zeros((self.n_rows, *by_feature.shape[1:]))
            columns = by_feature[start:stop]
            kernels.add_scattered(*self._arrays, columns, raw, start, stop)
            return raw

        first, *others = map_rows(scatter, self.n_features, self.work)
        for other in others:
            first += other
        return first

    def _weighted_sums(
        self, weight: FloatArray, center: FloatArray, power: int
    ) -> tuple[FloatArray, FloatArray]:
        sums, mass = np.zeros(self.n_features), np.zeros(self.n_features)
        kernels.major_sums(*self._arrays, weight, center, power, sums, mass)
        return sums, mass

    def _plain_gram(self, weights: FloatArray) -> FloatArray:
        gram = np.zeros((self.n_features, self.n_features))
        for j in range(self.n_features):
            column = np.zeros(self.n_rows)
            kernels.add_scattered(*self._arrays, np.ones(1), column, j, j + 1)
            column *= weights
            kernels.add_gathered(*self._arrays, column, gram[j], 0, self.n_features)
        return gram
