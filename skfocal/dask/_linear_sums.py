"""Sums over the rows of all blocks: a map over the blocks, and a sum at the client."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Client, Future

from skfocal.dask._errors import gather
from skfocal.dask._linear_blocks import (
    Kind,
    added,
    evaluate_block,
    gram_of_block,
    multiply_block,
    sums_of_block,
)
from skfocal.dask._rows import DaskRows
from skfocal.linear_model._sums import Sums
from skfocal.loss import FocalLoss

__all__ = ["DaskLossSums", "threads_per_block"]

FloatArray = npt.NDArray[np.floating]

# Above it workers add up some of the parts before the client gets them.
_MAX_PARTS = 32
# A larger argument travels once, and not with the task of each block.
_MAX_BYTES_PER_TASK = 100_000


def threads_per_block(client: Client, n_blocks: int) -> int:
    """Return how many threads of a worker each block can have."""
    threads = client.nthreads().values()
    return max(1, min(min(threads, default=1), sum(threads) // n_blocks))


class DaskLossSums:
    """The sums of LossSums over rows that lie in blocks at workers.

    Each is one round trip. Tasks keep no state but in their results, so that Dask may
    move or repeat any of them.

    Parameters
    ----------
    rows : DaskRows
        Features checked.
    n_features, work, total, loss, n_classes
        See LossSums.
    """

    def __init__(
        self,
        rows: DaskRows,
        n_features: int,
        work: int,
        total: float,
        loss: FocalLoss,
        n_classes: int,
    ) -> None:
        self.n_features, self.work, self.total = n_features, work, total
        self.loss, self.n_classes = loss, n_classes
        self._client = rows.client
        n_blocks = len(rows.X)
        weights = [None] * n_blocks if rows.weight is None else rows.weight
        self._blocks = (rows.X, rows.codes, weights)
        n_threads = threads_per_block(rows.client, n_blocks)
        self._kind = Kind(loss, n_classes, n_threads)
        self._point: Any = None
        # What was asked of the last point is sent along with the next one's sums.
        self._asked: Callable[..., Any] | None = None
        self._center: FloatArray | None = None
        self._grams: FloatArray | None = None
        self._evaluated: list[Future] | None = None

    def evaluate(self, coef: FloatArray, intercept: Any) -> Sums:
        """Return the sums at a point."""
        asked, self._asked = self._asked, None
        self._grams = self._evaluated = None
        self._point = self._shared((coef, intercept))
        if asked == self.grams:
            loss, by_coef, by_intercept, self._grams = self._sums_with_grams()
        elif asked == self.product:
            self._evaluated = self._map(evaluate_block, self._kind, self._point)
            loss, by_coef, by_intercept = self._total(
                self._client.map(itemgetter(0), self._evaluated, pure=False)
            )
        else:
            loss, by_coef, by_intercept = self._total(
                self._map(sums_of_block, self._kind, self._point)
            )
        return loss, by_coef, by_intercept

    def product(self, coef: FloatArray, intercept: Any) -> tuple[FloatArray, Any]:
        """Return the second derivative at that point times a vector."""
        self._asked = self.product
        if self._evaluated is None:
            self._evaluated = self._map(evaluate_block, self._kind, self._point)
        vector = self._shared((coef, intercept))
        products = self._map(
            multiply_block, self._kind, vector, evaluated=self._evaluated
        )
        by_coef, by_intercept = self._total(products)
        return by_coef, by_intercept

    def grams(self, center: FloatArray) -> FloatArray:
        """Return the Gram matrices at that point."""
        self._asked, self._center = self.grams, center
        if self._grams is None:
            *_, self._grams = self._sums_with_grams()
        return self._grams

    def _sums_with_grams(self) -> tuple[Any, ...]:
        args = (self._kind, self._point, self._center)
        return self._total(self._map(gram_of_block, *args))

    def _shared(self, point: tuple[FloatArray, Any]) -> Any:
        if sum(np.asarray(part).nbytes for part in point) <= _MAX_BYTES_PER_TASK:
            return point
        return self._client.submit(_itself, point, pure=False)

    def _map(
        self,
        function: Callable[..., Any],
        *args: Any,
        evaluated: Sequence[Future] | None = None,
    ) -> list[Future]:
        blocks = [*self._blocks, *([] if evaluated is None else [evaluated])]
        same = [[arg] * len(self._blocks[0]) for arg in args]
        return self._client.map(function, *blocks, *same, pure=False)

    def _total(self, parts: list[Future]) -> tuple[Any, ...]:
        while len(parts) > _MAX_PARTS:
            groups = [
                parts[first : first + _MAX_PARTS]
                for first in range(0, len(parts), _MAX_PARTS)
            ]
            parts = [self._client.submit(added, g, pure=False) for g in groups]
        return added(gather(self._client, parts))


def _itself(value: Any) -> Any:
    return value
