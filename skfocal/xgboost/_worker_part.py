"""What each worker of a cluster does in a training: steps, metrics, the balance."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from skfocal._boosting.calibration import balance_sums, find_balance
from skfocal._boosting.training import check_raw_of_model
from skfocal._compute.threads import limited_threads
from skfocal.xgboost._metrics import Metrics
from skfocal.xgboost._objective import FocalObjective
from skfocal.xgboost._workers import sum_of_workers

__all__ = ["FindShift", "WorkerPart", "take_shift"]

FloatArray = npt.NDArray[np.floating]

_SHIFT = "skfocal_shift"


@dataclass
class WorkerPart:
    """One worker's part in a training.

    Attributes
    ----------
    objective : FocalObjective
        The loss to train with, the same on all workers.
    metrics : Metrics
        What is evaluated after each round.
    n_classes : int
        Number of classes; a worker without rows can't see it.
    count_threads : callable
        Returns, at a worker, how many threads its kernels may use.
    data : xgboost.DMatrix or None
        Its training rows, once the first round began.
    """

    objective: FocalObjective
    metrics: Metrics
    n_classes: int
    count_threads: Callable[[], int]
    data: Any = field(default=None, repr=False)

    def step(self, raw: FloatArray, data: xgb.DMatrix) -> Any:
        """Return gradient and Newton weight, as ``obj`` of xgboost.train."""
        self.data = data
        with limited_threads(self.count_threads()):
            return self.objective(self._shaped(raw), data)

    def evaluate(self, raw: FloatArray, data: xgb.DMatrix) -> Any:
        """Return metrics of all workers' rows, as ``custom_metric`` of it."""
        with limited_threads(self.count_threads()):
            return self.metrics(self._shaped(raw), data)

    def _shaped(self, raw: FloatArray) -> FloatArray:
        """Return raw predictions of the right shape where there are none."""
        if raw.size > 0:
            return raw
        # XGBoost 3.4 gives them no column even of two classes.
        shape = (0,) if self.n_classes == 2 else (0, self.n_classes)
        return np.empty(shape, raw.dtype)

    def find_shift(self, booster: xgb.Booster) -> Any:
        """Return what balances the errors of all workers' rows at the best round."""
        raw, data = self._raw_of_rows(booster), self.data
        check_raw_of_model(raw)
        codes = data.get_label().astype(np.int32)
        weight = data.get_weight().astype(np.float64)
        weight = weight if weight.size else None

        def sums_at(shift: FloatArray) -> tuple[Any, Any]:
            total, curvature = map(np.asarray, balance_sums(raw, codes, weight, shift))
            sums = sum_of_workers(np.append(total.ravel(), curvature.ravel()))
            return (
                sums[: total.size].reshape(total.shape),
                sums[total.size :].reshape(curvature.shape),
            )

        with limited_threads(self.count_threads()):
            return find_balance(sums_at, raw.shape[1:])

    def _raw_of_rows(self, booster: xgb.Booster) -> FloatArray:
        # XGBoost remembers them of its last round.
        best = booster.attr("best_iteration")
        rounds = (0, 0) if best is None else (0, int(best) + 1)
        raw = booster.predict(self.data, output_margin=True, iteration_range=rounds)
        return self._shaped(raw).astype(np.float64)


class FindShift(xgb.callback.TrainingCallback):
    """Note in the finished model by how much its start has to move.

    It is found here and not by further tasks of the cluster: the workers still have
    their rows and XGBoost's predictions of them, and the Newton steps need sums only.
    """

    def __init__(self, part: WorkerPart) -> None:
        self.part = part

    def after_training(self, model: xgb.Booster) -> xgb.Booster:
        """Find the shift before a later callback cuts the model, and hand it on."""
        shift = self.part.find_shift(model)
        model.set_attr(**{_SHIFT: json.dumps(np.asarray(shift).tolist())})
        return model


def take_shift(booster: xgb.Booster) -> Any:
    """Return what FindShift noted, else 0, and remove the note."""
    text = booster.attr(_SHIFT)
    booster.set_attr(**{_SHIFT: None})
    shift = 0.0 if text is None else json.loads(text)
    return np.array(shift) if isinstance(shift, list) else shift
