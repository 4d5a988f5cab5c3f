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
# Multiplications in the time that a thread needs for one of the numbers which map_rows
# counts, a number of a kernel.
_SPARSE_SPEED, _BLAS_SPEED = 4, 32
# The fewer pairs of classes, the less is gained by what they share.
_MAX_PAIRS_ONE_BY_ONE = 3


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

    def _blocks(
        self, rows: int, start: int, stop: int
    ) -> Iterator[tuple[FloatArray, int, int]]:
        for first in range(start, stop, rows):
            last = min(first + rows, stop)
            yield self.X[first:last].astype(np.float64, copy=False), first, last

    def accumulate(
        self, coef: FloatArray, intercept: Any, respond: Respond
    ) -> tuple[FloatArray, Any]:
        def run(start: int, stop: int) -> tuple[FloatArray, Any]:
            total, constant = np.zeros(coef.shape), np.zeros(np.shape(intercept))
            for X, first, last in self._blocks(self._block_rows(), start, stop):
                raw = X @ coef.T
                raw += intercept
                response = respond(raw, first, last)
                total += _transposed(response) @ X
                constant += _column_sums(response)
            return total, constant

        return self._summed(run, coef.size)

    def _summed(self, run: Callable[[int, int], Any], products: int) -> Any:
        """Return the sums of what ranges of rows give, of so many products a row."""
        size = self.n_rows * products // _BLAS_SPEED
        totals, constants = zip(*map_rows(run, self.n_rows, size), strict=True)
        return sum(totals), sum(constants)

    def moments(self, weight: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        # Deviations from any row: a large mean would drown them in the sum of squares.
        origin = self.X[0].astype(np.float64)

        def run(start: int, stop: int) -> tuple[FloatArray, FloatArray]:
            sums, squares = np.zeros(self.n_features), np.zeros(self.n_features)
            for X, first, last in self._blocks(self._block_rows(2), start, stop):
                shifted = X - origin
                ones = np.ones(last - first) if weight is None else weight[first:last]
                sums += ones @ shifted
                np.square(shifted, out=shifted)
                squares += ones @ shifted
            return sums, squares

        first, second = self._summed(run, 8 * self.n_features)
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

        def run(start: int, stop: int) -> FloatArray:
            gram, buffer = np.zeros((size, size)), np.empty((rows, size))
            for first in range(start, stop, rows):
                block = buffer[: min(rows, stop - first)]
                last = first + len(block)
                self._fill(block, first, center, roots[first:last])
                gram += block.T @ block
                negative = block[weights[first:last] < 0]
                if len(negative):
                    gram -= 2.0 * (negative.T @ negative)
            return gram

        work = self.n_rows * size * size // _BLAS_SPEED
        return np.asarray(sum(map_rows(run, self.n_rows, work)))

    def class_grams(
        self, n_classes: int, fill_pairs: FillPairs, center: FloatArray
    ) -> FloatArray:
        size, n_pairs = self.n_features + 1, n_classes * (n_classes - 1) // 2
        rows, few = self._block_rows(n_classes), n_pairs <= _MAX_PAIRS_ONE_BY_ONE
        add = _add_pair_by_pair if few else _add_all_pairs
        shape = (size, size) if few else (size * (size + 1) // 2,)

        def run(start: int, stop: int) -> FloatArray:
            grams, buffer = np.zeros((n_pairs, *shape)), np.empty((rows, size))
            all_pairs, ones = np.empty((n_pairs, rows)), np.ones(rows)
            for first in range(start, stop, rows):
                block = buffer[: min(rows, stop - first)]
                pairs, last = all_pairs[:, : len(block)], first + len(block)
                self._fill(block, first, center, ones[: len(block)])
                fill_pairs(pairs, first, last)
                add(block, pairs, grams)
            return grams

        work = self.n_rows * n_pairs * size * size // _BLAS_SPEED
        grams = np.asarray(sum(map_rows(run, self.n_rows, work)))
        return grams if few else _unfolded(grams, size)


def _add_pair_by_pair(block: FloatArray, pairs: FloatArray, grams: FloatArray) -> None:
    """Add Z' diag(weights) Z for the weights of each pair."""
    scaled = np.empty_like(block)
    for gram, weights in zip(grams, pairs, strict=True):
        np.multiply(block, weights[:, None], out=scaled)
        gram += block.T @ scaled


def _add_all_pairs(block: FloatArray, pairs: FloatArray, triangles: FloatArray) -> None:
    """Add the upper triangles of the same: one product with the rows' own."""
    width = triangles.shape[1]
    rows = max(16, _BLOCK_BYTES // (16 * width))
    buffer = np.empty((min(rows, len(block)), width))
    for first in range(0, len(block), rows):
        part = block[first : first + rows]
        squares = buffer[: len(part)]
        kernels.fill_squares(part, squares)
        triangles += pairs[:, first : first + rows] @ squares


def _unfolded(triangles: FloatArray, size: int) -> FloatArray:
    """Return the symmetric matrices of which these are the upper triangles."""
    upper = np.triu_indices(size)
    matrices = np.empty((len(triangles), size, size))
    matrices[:, upper[0], upper[1]] = matrices[:, upper[1], upper[0]] = triangles
    return matrices


class _SparseDesign(Design):
    def __init__(self, X: Any) -> None:
        super().__init__(X)
        self._arrays = (X.data, X.indices, X.indptr)
        self._size = X.nnz // _SPARSE_SPEED

    @property
    def work(self) -> int:
        return self.X.nnz

    def moments(self, weight: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        ones = np.ones(self.n_rows) if weight is None else weight
        total = ones.sum()
        mean = self._column_sums(ones) / total
        # Of each feature, the squares' sum and the weight of the stored entries.
        square, mass = self._squares(ones, mean).T
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

    def _column_sums(self, weight: FloatArray) -> FloatArray:
        """Return X' weight."""
        raise NotImplementedError

    def _squares(self, weight: FloatArray, center: FloatArray) -> FloatArray:
        """Return by feature the sums of weight (x - center)**2 and of weight."""
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

        totals, constants = zip(*map_rows(run, self.n_rows, self._size), strict=True)
        return sum(totals).T, sum(constants)

    def normal_product(
        self, coef: FloatArray, intercept: Any, weights: FloatArray
    ) -> tuple[FloatArray, Any]:
        def run(start: int, stop: int) -> tuple[FloatArray, float]:
            total = np.zeros(self.n_features)
            args = (*self._arrays, coef, intercept, weights, total, start, stop)
            return total, kernels.add_normal_product(*args)

        totals, constants = zip(*map_rows(run, self.n_rows, self._size), strict=True)
        return sum(totals), sum(constants)

    def _column_sums(self, weight: FloatArray) -> FloatArray:
        sums = np.zeros(self.n_features)
        kernels.add_scattered(*self._arrays, weight, sums, 0, self.n_rows)
        return sums

    def _squares(self, weight: FloatArray, center: FloatArray) -> FloatArray:
        sums = np.zeros((self.n_features, 2))
        kernels.add_minor_squares(*self._arrays, weight, center, sums)
        return sums

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

        map_rows(gather, self.n_features, self._size)
        return total.T, _column_sums(response)

    def _raw(self, by_feature: FloatArray) -> FloatArray:
        def scatter(start: int, stop: int) -> FloatArray:
            raw = np.zeros((self.n_rows, *by_feature.shape[1:]))
            columns = by_feature[start:stop]
            kernels.add_scattered(*self._arrays, columns, raw, start, stop)
            return raw

        first, *others = map_rows(scatter, self.n_features, self._size)
        for other in others:
            first += other
        return first

    def _column_sums(self, weight: FloatArray) -> FloatArray:
        sums = np.zeros(self.n_features)
        kernels.add_gathered(*self._arrays, weight, sums, 0, self.n_features)
        return sums

    def _squares(self, weight: FloatArray, center: FloatArray) -> FloatArray:
        sums = np.zeros((self.n_features, 2))
        kernels.add_major_squares(*self._arrays, weight, center, sums)
        return sums

    def _plain_gram(self, weights: FloatArray) -> FloatArray:
        gram = np.zeros((self.n_features, self.n_features))
        for j in range(self.n_features):
            column = np.zeros(self.n_rows)
            kernels.add_scattered(*self._arrays, np.ones(1), column, j, j + 1)
            column *= weights
            kernels.add_gathered(*self._arrays, column, gram[j], 0, self.n_features)
        return gram
