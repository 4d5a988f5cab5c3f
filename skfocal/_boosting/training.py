"""A training of an engine with the focal loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal._boosting.calibration import alpha_scale, balancing_shift, is_balanced
from skfocal._boosting.objective import Hessian
from skfocal._boosting.ranges import LARGEST_RAW
from skfocal._boosting.rows import BoostingRows
from skfocal.loss import FocalLoss

__all__ = ["BoostingTraining", "check_raw_of_model"]

FloatArray = npt.NDArray[np.floating]


@dataclass(kw_only=True)
class BoostingTraining:
    """What an engine's native ``train`` gets; a subclass runs it.

    Attributes
    ----------
    loss : FocalLoss
        The loss to train with.
    hessian : str
        What serves as Newton weight.
    start : float or ndarray of shape (n_classes,)
        Raw prediction that the first tree adds to.
    params : dict
        The engine's parameters, but for what the other attributes say.
    rounds : int
        Number of boosting rounds.
    rows : BoostingRows
        Training data.
    valid : list of BoostingRows
        Validation data, ``rows`` itself among them where it is to be watched.
    eval_metric : str, callable, list of them or None
        The user's metrics.
    callbacks : sequence or None
        The user's callbacks.
    origin : the engine's model, or None
        Model to go on from.
    shift : float or ndarray of shape (n_classes,)
        After the run, what it added to the finished model's raw predictions.
    """

    loss: FocalLoss
    hessian: Hessian
    start: Any
    params: dict[str, Any]
    rounds: int
    rows: BoostingRows
    valid: list[BoostingRows]
    eval_metric: Any
    callbacks: Sequence[Any] | None
    origin: Any
    shift: Any = 0.0

    def run(self) -> tuple[Any, dict[str, Any]]:
        """Return the model and the scores of all rounds."""
        raise NotImplementedError

    def _scale(self) -> float:
        """By what the loss is multiplied."""
        return alpha_scale(self.loss, self.rows.codes, self.rows.weight)

    def _balance(self, raw_of_rows: Callable[[], FloatArray]) -> None:
        """Find what the finished model's raw predictions lack to balance its errors.

        Nothing where the user's own offsets, which the model doesn't hold, are a part
        of them.
        """
        raw = raw_of_rows()
        check_raw_of_model(raw)
        if is_balanced(self.loss, self.hessian) and self.rows.offset is None:
            codes, weight = self.rows.codes, self.rows.weight
            self.shift = balancing_shift(raw, codes, weight)

    def _validation_sets(
        self, train: Any, data_of: Callable[[BoostingRows], Any]
    ) -> list[Any]:
        """Return the engine's validation data, its training data for ``rows``."""
        return [train if rows is self.rows else data_of(rows) for rows in self.valid]


def check_raw_of_model(raw: FloatArray) -> None:
    """Raise if a leaf is no usable number: each has some of the training data."""
    # Without an array of their size: this is near the peak of memory.
    least, largest = raw.min(initial=0.0), raw.max(initial=0.0)
    if not (least >= -LARGEST_RAW and largest <= LARGEST_RAW):
        valid = np.abs(raw) <= LARGEST_RAW
        raise ValueError(
            f"the trained model must have raw predictions of at most {LARGEST_RAW:g} "
            f"in size, got {raw[~valid][0]} on the training data: see learning_rate, "
            "penalties, weights and the start"
        )


def check_scores(scores: dict[str, Any]) -> None:
    """Raise if training was to stop by a metric that is no number."""
    for name, metrics in scores.items():
        for metric, values in metrics.items():
            if np.isnan(values).any():
                raise ValueError(
                    f"the metric {metric!r} must be a number on each validation set to "
                    f"stop early by, got nan on {name!r} (a rank metric needs rows of "
                    "all classes)"
                )
