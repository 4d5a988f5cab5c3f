"""What the workers of one training of XGBoost tell each other."""

from typing import Any

import numpy as np
import numpy.typing as npt
from xgboost import collective

__all__ = ["largest_of_workers", "rows_of_all_workers", "sum_of_workers"]


def sum_of_workers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Add up what the workers have: XGBoost grows one tree of all."""
    if not collective.is_distributed():
        return values
    return collective.allreduce(values, collective.Op.SUM)


def largest_of_workers(value: int) -> int:
    """Return the largest of the workers' values."""
    if not collective.is_distributed():
        return value
    return int(collective.allreduce(np.array([value]), collective.Op.MAX)[0])


def rows_of_all_workers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the rows of all workers behind each other, to each of them."""
    n_rows = np.zeros(collective.get_world_size(), dtype=np.int64)
    rank = collective.get_rank()
    n_rows[rank] = len(values)
    n_rows = sum_of_workers(n_rows)
    rows = np.zeros((n_rows.sum(), *values.shape[1:]), dtype=values.dtype)
    first = n_rows[:rank].sum()
    rows[first : first + len(values)] = values
    return sum_of_workers(rows)
