"""The constant that balances a model's errors on the rows of all workers."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Future

from skfocal._boosting.calibration import balance_sums, find_balance
from skfocal._boosting.training import check_raw_of_model
from skfocal._compute.threads import limited_threads
from skfocal.dask._errors import gather
from skfocal.dask._rows import DaskRows

__all__ = ["balance_of_rows"]

FloatArray = npt.NDArray[np.floating]


def balance_of_rows(rows: DaskRows, model: Any, n_classes: int) -> Any:
    """Return what the raw predictions of a model, a future, lack on these rows."""
    raw = rows.map(_raw_of_block, model)
    shape = () if n_classes == 2 else (n_classes,)
    return find_balance(partial(_sums_at, rows, raw), shape)


def _raw_of_block(X: Any, codes: Any, weight: Any, model: Any) -> FloatArray:
    with limited_threads(1):
        raw = model.decision_function(X)
    check_raw_of_model(raw)
    return raw


def _sums_at(rows: DaskRows, raw: list[Future], shift: FloatArray) -> tuple[Any, Any]:
    sums = replace(rows, X=raw).map(_block_sums, shift)
    found = gather(rows.client, sums)
    totals, curvatures = zip(*found, strict=True)
    return sum(totals), sum(curvatures)


def _block_sums(*block: Any) -> tuple[Any, Any]:
    with limited_threads(1):
        return balance_sums(*block)
