"""Compiled products of a CSR or CSC matrix, over a range of its rows or columns.

The major axis is the one that ``indptr`` counts: rows in CSR, columns in CSC. Sums are
float64 whatever the type of the data.
"""

import numpy as np
from numba import njit, types
from numba.extending import overload

__all__ = ["add_gathered", "add_scattered", "major_sums", "minor_sums"]


def _kernel(function):
    # A sum may be taken in any order: that lets LLVM keep several terms in flight.
    options = {
        "nogil": True,
        "fastmath": {"contract", "nsz", "reassoc"},
        "error_model": "numpy",
    }
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        # No folder for a cache is writable, as in some containers.
        return njit(**options)(function)


def _gather(data, indices, dense, out, i, first, last):
    """out[i] += sum of data times dense[indices]."""
    raise NotImplementedError


@overload(_gather)
def _gather_overload(data, indices, dense, out, i, first, last):
    if isinstance(dense, types.Array) and dense.ndim == 1:

        def vector(data, indices, dense, out, i, first, last):
            total = 0.0
            for j in range(first, last):
                total += data[j] * dense[np.uint64(indices[j])]
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
            value = dense[i]
            for j in range(first, last):
                out[np.uint64(indices[j])] += value * data[j]

        return vector

    def matrix(data, indices, dense, out, i, first, last):
        source = dense[i]
        for j in range(first, last):
            x, row = np.float64(data[j]), out[indices[j]]
            for k in range(source.size):
                row[k] += x * source[k]

    return matrix


@_kernel
def add_gathered(data, indices, indptr, dense, out, start, stop):
    """Add to `out`, whose entries are start .. stop of the major axis, X dense."""
    for i in range(start, stop):
        _gather(data, indices, dense, out, i - start, indptr[i], indptr[i + 1])


@_kernel
def add_scattered(data, indices, indptr, dense, out, start, stop):
    """Add to `out` the product X' dense, `dense` being start .. stop of the major."""
    for i in range(start, stop):
        _scatter(data, indices, dense, out, i - start, indptr[i], indptr[i + 1])


@_kernel
def minor_sums(data, indices, indptr, weight, center, power, sums, mass):
    """Weighted sums of (x - center)**power over the stored entries of each column."""
    for i in range(indptr.size - 1):
        for j in range(indptr[i], indptr[i + 1]):
            k = indices[j]
            d = data[j] - center[k]
            sums[k] += weight[i] * (d if power == 1 else d * d)
            mass[k] += weight[i]


@_kernel
def major_sums(data, indices, indptr, weight, center, power, sums, mass):
    """The same where the columns are the major axis."""
    for k in range(indptr.size - 1):
        for j in range(indptr[k], indptr[k + 1]):
            d, w = data[j] - center[k], weight[indices[j]]
            sums[k] += w * (d if power == 1 else d * d)
            mass[k] += w
