"""Rows to train on or to validate on, encoded, in blocks at their workers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from distributed import Client, Future, wait
from sklearn.utils.validation import _num_samples

from skfocal._classes import check_label_column, take_rows
from skfocal.dask._blocks import (
    as_features,
    collection_of,
    futures_of_blocks,
    one_column,
    readable_rows,
    values_in_blocks,
)
from skfocal.dask._counts import LabelCounts, merge_counts
from skfocal.dask._errors import gather

__all__ = ["DaskRows", "GivenRows"]

FloatArray = npt.NDArray[np.floating]


@dataclass
class GivenRows:
    """What the user gave, in blocks that fit each other, and counted.

    Attributes
    ----------
    client : distributed.Client
        Where they are.
    like : dask array or DataFrame
        The features as they were given.
    X, y : list of Future
        Blocks of features and labels.
    weight : list of Future or None
        Blocks of sample weights.
    lengths : list of int
        Numbers of rows.
    block_counts : list of LabelCounts
        Labels of each block.
    counts : LabelCounts
        Labels of all.
    """

    client: Client
    like: Any
    X: list[Future]
    y: list[Future]
    weight: list[Future] | None
    lengths: list[int]
    block_counts: list[LabelCounts]
    counts: LabelCounts

    @classmethod
    def of(
        cls, client: Client, X: Any, y: Any, weight: Any, names: tuple[str, str, str]
    ) -> Self:
        """Check rows everywhere; ``names`` are what errors call X, y and weight.

        All that can be wrong with labels and weights is found before any worker trains,
        as which worker's error reaches the user would be chance.
        """
        X = as_features(X, names[0])
        blocks = futures_of_blocks(client, X)
        blocks = client.map(readable_rows, blocks, pure=False)
        lengths = gather(client, client.map(_num_samples, blocks, pure=False))
        y_blocks = values_in_blocks(client, y, lengths, names[1])
        w_blocks = None
        if weight is not None:
            w_blocks = values_in_blocks(client, weight, lengths, names[2])
        of_labels = names[1:]
        counting = [
            client.submit(_count, *block, n, of_labels, pure=False)
            for *block, n in zip(
                y_blocks, w_blocks or [None] * len(lengths), lengths, strict=True
            )
        ]
        found = gather(client, counting)
        counts = merge_counts(found, names[1])
        if not counts.weights.sum() > 0.0:
            raise ValueError(f"{names[1]} must have rows of positive weight, got none")
        return cls(client, X, blocks, y_blocks, w_blocks, lengths, found, counts)

    def encoded(
        self, classes: npt.NDArray[Any], factors: FloatArray | None
    ) -> "DaskRows":
        """Number the labels, multiply the weights, and drop rows of weight 0.

        Parameters
        ----------
        classes : ndarray of shape (n_classes,)
            Sorted labels; rows of others have no weight.
        factors : ndarray of shape (n_classes,) or None
            Those of the classes' weights.
        """
        submit = self.client.submit
        weights = self.weight or [None] * len(self.y)
        n_kept = [
            int(c.n_rows[np.isin(c.labels, classes)].sum()) for c in self.block_counts
        ]
        X, codes, weight, lengths = [], [], [], []
        for i, n in enumerate(n_kept):
            # Engines stumble over empty blocks.
            if n == 0:
                continue
            block = submit(_encode, self.y[i], weights[i], classes, factors, pure=False)
            kept = submit(itemgetter(2), block, pure=False)
            whole = n == self.lengths[i]
            X.append(
                self.X[i] if whole else submit(take_rows, self.X[i], kept, pure=False)
            )
            codes.append(submit(itemgetter(0), block, pure=False))
            weight.append(submit(itemgetter(1), block, pure=False))
            lengths.append(n)
        weighted = self.weight is not None or factors is not None
        wait([*X, *codes, *weight])
        return DaskRows(
            self.client, self.like, X, codes, weight if weighted else None, lengths
        )


def _count(y: Any, weight: Any, n_rows: int, names: tuple[str, str]) -> LabelCounts:
    weight = None if weight is None else one_column(weight)
    return LabelCounts.of_block(one_column(y), weight, n_rows, names)


def _encode(
    y: Any, weight: Any, classes: npt.NDArray[Any], factors: FloatArray | None
) -> tuple[npt.NDArray[np.int32], FloatArray | None, npt.NDArray[np.intp]]:
    """Return codes and weights of a block, and which rows have any."""
    y = check_label_column(one_column(y), "y")
    known = np.isin(y, classes)
    if weight is not None:
        weight = np.asarray(one_column(weight), dtype=np.float64)
        known &= weight > 0.0
        weight = weight[known]
    codes = np.searchsorted(classes, y[known]).astype(np.int32)
    if factors is not None:
        weight = factors[codes] if weight is None else weight * factors[codes]
    return codes, weight, np.flatnonzero(known)


@dataclass
class DaskRows:
    """Rows of positive weight.

    Attributes
    ----------
    client : distributed.Client
        Where they are.
    like : dask array or DataFrame
        The features as they were given.
    X, codes : list of Future
        Blocks of features and of the classes' numbers, none of them empty.
    weight : list of Future or None
        Blocks of weights, class weights included.
    lengths : list of int
        Numbers of rows.
    """

    client: Client
    like: Any
    X: list[Future]
    codes: list[Future]
    weight: list[Future] | None
    lengths: list[int]

    def map(self, function: Callable[..., Any], *args: Any) -> list[Future]:
        """Start ``function(X, codes, weight, *args)`` on each block, where that is."""
        weights = self.weight or [None] * len(self.X)
        blocks = zip(self.X, self.codes, weights, strict=True)
        return [
            self.client.submit(function, *block, *args, pure=False) for block in blocks
        ]

    def workers(self) -> set[str]:
        """Return the addresses of the workers that have any of the rows."""
        owners = self.client.who_has(self.X).values()
        return {worker for addresses in owners for worker in addresses}

    def features(self) -> Any:
        """Return the features as a collection."""
        return collection_of(self.X, self.lengths, self.like)

    def vector(self, blocks: Sequence[Future] | None, dtype: Any) -> Any:
        """Return codes or weights as a collection; None for none."""
        if blocks is None:
            return None
        return collection_of(blocks, self.lengths, (), dtype)
