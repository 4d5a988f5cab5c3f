"""What workers do with one block of rows for a linear model."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils import check_array

from skfocal._classes import take_rows
from skfocal._compute.threads import limited_threads
from skfocal.linear_model._design import as_design
from skfocal.linear_model._sums import LossSums
from skfocal.loss import FocalLoss

__all__ = [
    "BlockSummary",
    "added",
    "check_block",
    "evaluate_block",
    "gram_of_block",
    "multiply_block",
    "sample_block",
    "summarise_block",
    "sums_of_block",
]

FloatArray = npt.NDArray[np.floating]


class BlockSummary(NamedTuple):
    """Weighted moments of the features of a block, and the work of a product."""

    total: float
    mean: FloatArray
    variance: FloatArray
    work: int


class Kind(NamedTuple):
    """What the sums over all blocks have in common."""

    loss: FocalLoss
    n_classes: int
    n_threads: int


def check_block(X: Any, n_features: int, dtype: Any) -> Any:
    """Return features as the array or sparse matrix that designs are made of."""
    X = check_array(
        X,
        accept_sparse=("csr", "csc"),
        dtype=dtype,
        input_name="X",
        ensure_min_samples=0,
    )
    if X.shape[1] != n_features:
        raise ValueError(
            f"X must have {n_features} features in all blocks, got {X.shape[1]}"
        )
    return _aligned(X)


def _aligned(block: Any) -> Any:
    """Return an array or matrix whose numbers lie at multiples of their size.

    Dask's messages between processes are cut anywhere, which costs BLAS a factor of 10.
    """
    if block is None:
        return None
    if sparse.issparse(block):
        parts = tuple(map(_aligned, (block.data, block.indices, block.indptr)))
        return type(block)(parts, shape=block.shape)
    return np.require(block, requirements="A")


def summarise_block(
    X: Any, codes: Any, weight: FloatArray | None, n_threads: int
) -> BlockSummary:
    X, weight = _aligned(X), _aligned(weight)
    design = as_design(X)
    total = float(len(codes) if weight is None else weight.sum())
    # Squares of huge features overflow: the client tells of it.
    with limited_threads(n_threads), np.errstate(over="ignore", invalid="ignore"):
        return BlockSummary(total, *design.moments(weight), design.work)


def sample_block(
    X: Any,
    codes: npt.NDArray[np.int32],
    weight: FloatArray | None,
    places: list[npt.NDArray[np.intp]],
) -> tuple[Any, npt.NDArray[np.int32], FloatArray | None]:
    """Return the rows at the places among each class's."""
    kept = [np.flatnonzero(codes == k)[of_class] for k, of_class in enumerate(places)]
    rows = np.sort(np.concatenate(kept))
    weight = None if weight is None else weight[rows]
    return take_rows(X, rows), codes[rows], weight


def _loss_sums(X: Any, codes: Any, weight: Any, kind: Kind) -> LossSums:
    X, codes, weight = _aligned(X), _aligned(codes), _aligned(weight)
    return LossSums(as_design(X), codes, weight, kind.loss, kind.n_classes)


def _evaluated(
    X: Any, codes: Any, weight: Any, kind: Kind, point: Any
) -> tuple[LossSums, tuple[Any, ...]]:
    sums = _loss_sums(X, codes, weight, kind)
    return sums, sums.evaluate(*point)


def sums_of_block(
    X: Any, codes: Any, weight: Any, kind: Kind, point: Any
) -> tuple[Any, ...]:
    """Return loss and derivatives at a point."""
    with limited_threads(kind.n_threads):
        return _evaluated(X, codes, weight, kind, point)[1]


def gram_of_block(
    X: Any, codes: Any, weight: Any, kind: Kind, point: Any, center: FloatArray
) -> tuple[Any, ...]:
    """Return loss, derivatives and Gram matrices at a point."""
    with limited_threads(kind.n_threads):
        sums, found = _evaluated(X, codes, weight, kind, point)
        return *found, sums.grams(center)


def evaluate_block(
    X: Any, codes: Any, weight: Any, kind: Kind, point: Any
) -> tuple[tuple[Any, ...], list[FloatArray]]:
    """Return loss and derivatives at a point, and the curvature of each row."""
    with limited_threads(kind.n_threads):
        sums, found = _evaluated(X, codes, weight, kind, point)
        return found, sums.curvature


def multiply_block(
    X: Any, codes: Any, weight: Any, evaluated: Any, kind: Kind, vector: Any
) -> tuple[Any, ...]:
    """Return the second derivative at an evaluated point times a vector."""
    sums = _loss_sums(X, codes, weight, kind)
    sums.curvature = [_aligned(array) for array in evaluated[1]]
    with limited_threads(kind.n_threads):
        return sums.product(*vector)


def added(parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Add up what several blocks returned."""
    return tuple(sum(values) for values in zip(*parts, strict=True))
