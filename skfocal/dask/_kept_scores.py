"""LightGBM's raw predictions of the training rows, which its workers have at hand."""

import sys
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Client, get_worker

from skfocal._boosting.calibration import balance_sums, find_balance
from skfocal._boosting.training import check_raw_of_model
from skfocal._compute.threads import limited_threads

__all__ = ["KeepsScores", "balance_of_kept", "forget_scores"]

FloatArray = npt.NDArray[np.floating]

# What a worker keeps, by its address, with the name of the training: of the last one
# only, since after an error nobody comes to free it.
_KEPT: dict[str, tuple[str, tuple[FloatArray, Any, FloatArray | None]]] = {}


class KeepsScores:
    """A callback of LightGBM that keeps the last round's raw predictions, and labels.

    Not of dart, which would drop trees to make them.

    Parameters
    ----------
    name : str
        That of the training.
    """

    before_iteration = False

    def __init__(self, name: str) -> None:
        self.name = name
        # LightGBM sets it of whatever has none of its own.
        self.order = -sys.maxsize

    def __call__(self, env: Any) -> None:
        if env.iteration < env.end_iteration - 1:
            return

        def keep(preds: FloatArray, data: Any) -> tuple[str, float, bool]:
            codes, weight = data.get_label().astype(np.int32), data.get_weight()
            rows = np.array(preds, order="C"), codes, weight
            _KEPT[get_worker().address] = self.name, rows
            return "kept", 0.0, False

        env.model.eval_train(keep)


def balance_of_kept(client: Client, name: str, n_classes: int) -> Any:
    """Return what balances the errors of the kept rows, those of all workers."""
    shape = () if n_classes == 2 else (n_classes,)
    client.run(_check_kept, name)
    return find_balance(partial(_sums_at, client, name), shape)


def _sums_at(client: Client, name: str, shift: FloatArray) -> tuple[Any, Any]:
    found = client.run(_sums_of_kept, name, shift).values()
    totals, curvatures = zip(*(sums for sums in found if sums), strict=True)
    return sum(totals), sum(curvatures)


def _check_kept(name: str, dask_worker: Any) -> None:
    rows = _kept_rows(name, dask_worker)
    if rows is not None:
        check_raw_of_model(rows[0])


def _kept_rows(name: str, worker: Any) -> Any:
    kept_name, rows = _KEPT.get(worker.address, (None, None))
    return rows if kept_name == name else None


def _sums_of_kept(name: str, shift: FloatArray, dask_worker: Any) -> Any:
    """Return the sums of a worker's rows; None if it had none to train on."""
    rows = _kept_rows(name, dask_worker)
    if rows is None:
        return None
    raw, codes, weight = rows
    with limited_threads(dask_worker.state.nthreads):
        return balance_sums(raw, codes, weight, shift)


def forget_scores(client: Client) -> None:
    """Free the memory of what the workers keep."""
    client.run(_forget)


def _forget(dask_worker: Any) -> None:
    _KEPT.pop(dask_worker.address, None)
