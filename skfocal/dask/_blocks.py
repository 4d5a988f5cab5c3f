"""Blocks of dask collections, kept at their workers as futures."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
from distributed import Client, Future, default_client
from scipy import sparse
from sklearn.utils.validation import _num_samples

from skfocal._boosting.rows import in_canonical_format
from skfocal._validation import check_length
from skfocal.dask._errors import gather

__all__ = [
    "as_features",
    "as_vector",
    "collection_of",
    "find_client",
    "futures_of_blocks",
    "one_column",
    "readable_rows",
    "values_in_blocks",
]


def find_client(client: Any) -> Client:
    """Return the client that the user gave, or the active one."""
    if isinstance(client, Client):
        return client
    if client is not None:
        raise TypeError(f"client must be a distributed.Client, got {client!r}")
    try:
        return default_client()
    except ValueError:
        raise ValueError(
            "client must be a distributed.Client if none is active, got None"
        ) from None


def futures_of_blocks(client: Client, collection: Any) -> list[Future]:
    """Start to compute the blocks of rows of a collection, and return them in order."""
    delayed = np.ravel(np.asarray(collection.to_delayed(), dtype=object))
    return client.compute(list(delayed))


def readable_rows(block: Any) -> Any:
    """Return a block of features as the engines read it right, and fast.

    LightGBM's and XGBoost's workers take sparse matrices, but no sparse arrays. Dask's
    messages between processes are cut anywhere: numbers that don't lie at multiples of
    their size cost BLAS a factor of 10.
    """
    if sparse.issparse(block):
        return in_canonical_format(sparse.csr_matrix(block))
    return block if hasattr(block, "iloc") else np.require(block, requirements="A")


def as_features(X: Any, name: str) -> Any:
    """Check that features are a collection of two dimensions, in blocks of rows."""
    if isinstance(X, dd.DataFrame):
        _check_known_categories(X, name)
        return X
    if not isinstance(X, da.Array):
        raise TypeError(
            f"{name} must be a dask array or dask DataFrame, got {type(X).__name__}"
        )
    if X.ndim != 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_features), got {X.shape}"
        )
    return X.rechunk({1: -1}) if X.numblocks[1] > 1 else X


def _check_known_categories(X: dd.DataFrame, name: str) -> None:
    """Raise for categories that each partition numbers by itself."""
    unknown = [
        column
        for column, dtype in X.dtypes.items()
        if isinstance(dtype, pd.CategoricalDtype) and not X[column].cat.known
    ]
    if unknown:
        raise ValueError(
            f"{name} must have categories that are the same in all partitions "
            f"(X.categorize() finds them), got unknown ones in {unknown}"
        )


def as_vector(values: Any, name: str) -> Any:
    """Check that labels or weights are a collection of one column."""
    if not isinstance(values, (da.Array, dd.Series, dd.DataFrame)):
        raise TypeError(
            f"{name} must be a dask array, Series or DataFrame of one column, "
            f"got {type(values).__name__}"
        )
    n_columns = values.shape[1] if values.ndim == 2 else 1
    if values.ndim > 2 or n_columns != 1:
        raise ValueError(f"{name} must have one column, got {n_columns}")
    return values


def values_in_blocks(
    client: Client, values: Any, lengths: Sequence[int], name: str
) -> list[Future]:
    """Return labels or weights in the blocks that the features have.

    Rows belong together by their position, whatever their index.

    Parameters
    ----------
    client : distributed.Client
        Where they are.
    values : dask array, Series or DataFrame
        One column.
    lengths : sequence of int
        Number of rows of each block of the features.
    name : str
        What errors call them.
    """
    blocks = futures_of_blocks(client, as_vector(values, name))
    own = gather(client, client.map(_num_samples, blocks, pure=False))
    check_length(name, sum(own), sum(lengths))
    if list(own) == list(lengths):
        return blocks
    starts = [0, *accumulate(own)]
    found, first = [], 0
    for length in lengths:
        parts = [
            (block, max(first - start, 0), min(first + length, stop) - start)
            for block, start, stop in zip(blocks, starts, starts[1:], strict=False)
            if start < first + length and stop > first
        ]
        # An empty block keeps the type of its neighbours.
        parts = parts or [(blocks[0], 0, 0)]
        taken, *bounds = zip(*parts, strict=True)
        found.append(client.submit(_joined, list(taken), *bounds, pure=False))
        first += length
    return found


def _joined(blocks: list[Any], starts: Sequence[int], stops: Sequence[int]) -> Any:
    bounds = zip(blocks, starts, stops, strict=True)
    parts = [_slice(block)[start:stop] for block, start, stop in bounds]
    if len(parts) == 1:
        return parts[0]
    return pd.concat(parts) if hasattr(parts[0], "iloc") else np.concatenate(parts)


def _slice(block: Any) -> Any:
    return block.iloc if hasattr(block, "iloc") else block


def one_column(block: Any) -> Any:
    """Return a block of labels or weights in one dimension."""
    if np.ndim(block) == 2:
        return block.iloc[:, 0] if hasattr(block, "iloc") else np.ravel(block)
    return block


def collection_of(
    blocks: Sequence[Future], lengths: Sequence[int], like: Any, dtype: Any = None
) -> Any:
    """Return a collection of blocks that are there already.

    Parameters
    ----------
    blocks : sequence of Future
        Parts of it, in order.
    lengths : sequence of int
        Their numbers of rows.
    like : dask array or DataFrame, or tuple of int
        What it resembles, but for its rows: or the shape of an array's row.
    dtype : dtype, default=None
        That of an array, if ``like`` is a shape.
    """
    if isinstance(like, dd.DataFrame):
        return dd.from_delayed(list(blocks), meta=like._meta, verify_meta=False)
    shape = like if isinstance(like, tuple) else like.shape[1:]
    meta = None if isinstance(like, tuple) else like._meta
    arrays = [
        da.from_delayed(block, shape=(n, *shape), dtype=dtype, meta=meta)
        for block, n in zip(blocks, lengths, strict=True)
    ]
    return da.concatenate(arrays)
