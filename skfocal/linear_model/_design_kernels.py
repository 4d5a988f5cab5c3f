"""Compiled products of feature matrices, most of CSR or CSC.

The major axis is the one that ``indptr`` counts: rows in CSR, columns in CSC. Sums are
float64 whatever the type of the data.
"""

import numpy as np
from numba import types
from numba.extending import overload

from skfocal._compute.compiling import kernel, use_wide_vectors

__all__ = [
    "add_gathered",
    "add_major_squares",
    "add_minor_squares",
    "add_normal_product",
    "add_row_gram",
    "add_scattered",
    "fill_scaled",
    "fill_squares",
]


def _gather(data, indices, dense, out, i, first, last):
    """out[i] += sum of data times dense[indices]."""
    raise NotImplementedError


@overload(_gather)
def _gather_overload(data, indices, dense, out, i, first, last):
    if isinstance(dense, types.Array) and dense.ndim == 1:

        def vector(data, indices, dense, out, i, first, last):
            total, x, sources = 0.0, data[first:last], indices[first:last]
            for j in range(x.size):
                # Unsigned, for it may not count from the end: one check less.
                total += x[j] * dense[np.uint64(sources[j])]
            out[i] += total

        return vector

    def matrix(data, indices, dense, out, i, first, last):
        row = out[i]
        for j in range(first, last):
            x, source = np.float64(data[j]), dense[indices[j]]
            for k in range(row.size):
                row[k] += x * source[k]

    return matrix


def _scatter(data, indices, dense, out, i, first, last):
    """out[indices] += data times dense[i]."""
    raise NotImplementedError


@overload(_scatter)
def _scatter_overload(data, indices, dense, out, i, first, last):
    if isinstance(dense, types.Array) and dense.ndim == 1:

        def vector(data, indices, dense, out, i, first, last):
            value, x, targets = dense[i], data[first:last], indices[first:last]
            for j in range(x.size):
                out[np.uint64(targets[j])] += value * x[j]

        return vector

    def matrix(data, indices, dense, out, i, first, last):
        source = dense[i]
        for j in range(first, last):
            x, row = np.float64(data[j]), out[indices[j]]
            for k in range(source.size):
                row[k] += x * source[k]

    return matrix


@kernel(sums=True)
def add_gathered(data, indices, indptr, dense, out, start, stop):
    """Add to `out`, whose entries are start .. stop of the major axis, X dense."""
    for i in range(start, stop):
        _gather(data, indices, dense, out, i - start, indptr[i], indptr[i + 1])


@kernel(sums=True)
def add_scattered(data, indices, indptr, dense, out, start, stop):
    """Add to `out` the product X' dense, `dense` being start .. stop of the major."""
    for i in range(start, stop):
        _scatter(data, indices, dense, out, i - start, indptr[i], indptr[i + 1])


@kernel(sums=True)
def add_minor_squares(data, indices, indptr, weight, center, sums):
    """Add to `sums` weight (x - center)**2 and weight of each column's entries."""
    for i in range(indptr.size - 1):
        w = weight[i]
        for j in range(indptr[i], indptr[i + 1]):
            k = np.uint64(indices[j])
            d = data[j] - center[k]
            sums[k, 0] += w * d * d
            sums[k, 1] += w


@kernel(sums=True)
def add_major_squares(data, indices, indptr, weight, center, sums):
    """The same where the columns are the major axis."""
    for k in range(indptr.size - 1):
        for j in range(indptr[k], indptr[k + 1]):
            d, w = data[j] - center[k], weight[np.uint64(indices[j])]
            sums[k, 0] += w * d * d
            sums[k, 1] += w


@kernel(sums=True)
def add_normal_product(
    data, indices, indptr, coef, intercept, weights, total, start, stop
):
    """Add X'r with r = weights (X coef + b) to `total`, return the sum of r."""
    r = np.empty(1)
    constant = 0.0
    for i in range(start, stop):
        r[0] = intercept
        _gather(data, indices, coef, r, 0, indptr[i], indptr[i + 1])
        r[0] *= weights[i]
        constant += r[0]
        _scatter(data, indices, r, total, 0, indptr[i], indptr[i + 1])
    return constant


@kernel(sums=True)
def add_row_gram(data, indices, indptr, weights, gram):
    """Add X' diag(weights) X to `gram`."""
    for i in range(indptr.size - 1):
        for j in range(indptr[i], indptr[i + 1]):
            value, row = weights[i] * data[j], gram[indices[j]]
            for k in range(indptr[i], indptr[i + 1]):
                row[indices[k]] += value * data[k]


@kernel(sums=True)
def fill_scaled(X, center, factor, out):
    """Out = factor [X - center, 1], row by row."""
    use_wide_vectors()
    for i in range(X.shape[0]):
        x, row, f = X[i], out[i], factor[i]
        for j in range(x.size):
            row[j] = f * (x[j] - center[j])
        row[x.size] = f


@kernel(sums=True)
def fill_squares(X, out):
    """The upper triangle of each row's product with itself."""
    use_wide_vectors()
    for i in range(X.shape[0]):
        start = 0
        for j in range(X.shape[1]):
            x, rest = X[i, j], X[i, j:]
            row = out[i, start : start + rest.size]
            for k in range(rest.size):
                row[k] = x * rest[k]
            start += rest.size
