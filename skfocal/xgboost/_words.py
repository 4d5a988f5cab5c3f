"""What the words of XGBoost's own classifier mean to xgboost.train."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal._boosting.words import (
    check_task,
    error_rate,
    mean_log_loss,
    refuse_focal_words,
)
from skfocal.loss import FocalLoss

__all__ = [
    "Metrics",
    "check_base_score",
    "check_objective",
    "check_positive_weight",
    "refuse_words",
    "validation_pairs",
]

FloatArray = npt.NDArray[np.floating]
Function = Callable[..., Any]

_LOG_LOSSES = {"logloss", "mlogloss"}
_ERRORS = {"error", "merror"}
# They compare predictions with each other only, so the link doesn't matter.
_RANK_METRICS = {"auc", "aucpr"}


def refuse_words(words: dict[str, Any]) -> None:
    """Raise for further parameters that can't be given here."""
    refuse_focal_words(words)
    for name in ("obj", "custom_metric", "feval"):
        if name in words:
            raise ValueError(
                f"{name} must not be given: the objective is the focal loss, and "
                f"eval_metric takes functions; got {words[name]!r}"
            )
    if "alpha" in words:
        warnings.warn(
            f"alpha={words['alpha']!r} is XGBoost's L1 penalty, reg_alpha; the class "
            "weight of the focal loss is focal_alpha",
            UserWarning,
            stacklevel=4,
        )


def check_objective(objective: Any, words: dict[str, Any], n_classes: int) -> None:
    """Raise unless the words for the task, if any, name the one at hand."""
    # As the default of XGBoost's own classifier, the first stands for either.
    allowed = ["binary:logistic"]
    if n_classes > 2:
        allowed += ["multi:softprob", "multi:softmax"]
    counts = {"num_class": words["num_class"]} if "num_class" in words else {}
    check_task({"objective": objective}, counts, allowed, n_classes)


def check_base_score(base_score: Any, n_classes: int) -> None:
    """Raise if the user's start is no probability (two classes) or raw values."""
    values = np.asarray(base_score, dtype=np.float64)
    if n_classes == 2:
        if values.ndim != 0 or not 0.0 < values < 1.0:
            raise ValueError(
                "base_score must be a probability inside (0, 1) for two classes, "
                f"got {base_score!r}"
            )
    elif values.shape not in ((), (n_classes,)) or not np.isfinite(values).all():
        raise ValueError(
            "base_score must be a finite number or one per class "
            f"({n_classes}), got {base_score!r}"
        )


def check_positive_weight(scale_pos_weight: Any, n_classes: int) -> float:
    """Return the factor of the weights of class 1 of two."""
    if scale_pos_weight is None or scale_pos_weight == 1:
        return 1.0
    if n_classes != 2:
        raise ValueError(
            "scale_pos_weight must be None for more than two classes, "
            f"got {scale_pos_weight!r}; see sample_weight and focal_alpha"
        )
    if not 0.0 < scale_pos_weight < np.inf:
        raise ValueError(
            f"scale_pos_weight must be > 0 and finite, got {scale_pos_weight!r}"
        )
    return float(scale_pos_weight)


def validation_pairs(eval_set: Any, **extras: Any) -> list[tuple[Any, Any]]:
    """Check that validation sets are pairs, and that no word lacks them."""
    if eval_set is None:
        for name, value in extras.items():
            if value is not None:
                raise ValueError(f"{name} must come with eval_set, got no eval_set")
        return []
    pairs = list(eval_set)
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            got = f"{len(pair)} entries" if isinstance(pair, (tuple, list)) else pair
            raise ValueError(f"eval_set must hold pairs (X, y), got {got}")
    return pairs


class Metrics:
    """The metrics of the validation sets: names for XGBoost, and functions.

    XGBoost's own see expit or softmax of the raw predictions, which is no probability
    in the focal link: only those of rank are left to it.

    Parameters
    ----------
    eval_metric : str, callable, sequence of them, or None
        What the user asked for; None for the focal loss.
    focal_metric : callable
        The focal loss of labels and raw predictions.
    loss : FocalLoss
        Turns raw predictions into probabilities.

    Attributes
    ----------
    names : list of str
        XGBoost's own.
    last : str
        The one that early stopping watches.
    """

    def __init__(
        self, eval_metric: Any, focal_metric: Function, loss: FocalLoss
    ) -> None:
        self.loss = loss
        self.names: list[str] = []
        self.last = ""
        self._of_raw: dict[str, Function] = {}
        self._of_proba: dict[str, Function] = {}
        for metric in _as_list(eval_metric) or [focal_metric]:
            named = isinstance(metric, str) and metric == _name(focal_metric)
            self._add(focal_metric if named else metric, focal_metric)

    def _add(self, metric: Any, focal_metric: Function) -> None:
        name = _name(metric)
        if name in (*self.names, *self._of_raw, *self._of_proba):
            raise ValueError(
                f"eval_metric must have distinct names, got {name!r} twice"
            )
        if isinstance(metric, type(focal_metric)):
            self._of_raw[name] = metric
        elif callable(metric):
            self._of_proba[name] = metric
        elif name in _RANK_METRICS:
            self.names.append(name)
        else:
            self._of_proba[name] = mean_log_loss if name in _LOG_LOSSES else error_rate
        self.last = name

    def __call__(self, preds: FloatArray, data: Any) -> list[tuple[str, float]]:
        """Evaluate the functions as xgboost.train asks for it."""
        y, weight = data.get_label(), data.get_weight()
        words = {"sample_weight": weight} if weight.size else {}
        values = [(name, f(y, preds, **words)) for name, f in self._of_raw.items()]
        if self._of_proba:
            proba = self.loss.predict_proba(preds.astype(np.float64))
            proba = proba[:, 1] if preds.ndim == 1 else proba
            values += [
                (name, f(y, proba, **words)) for name, f in self._of_proba.items()
            ]
        return values


def _as_list(metric: Any) -> list[Any]:
    if metric is None:
        return []
    alone = isinstance(metric, str) or not isinstance(metric, Sequence)
    return [metric] if alone else list(metric)


def _name(metric: Any) -> str:
    known = {"relative_focal_loss", *_LOG_LOSSES, *_ERRORS, *_RANK_METRICS}
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", None)
    if name is None or (isinstance(metric, str) and name not in known):
        raise ValueError(
            f"eval_metric must be one of {sorted(known)}, or callable with a __name__, "
            f"got {metric!r}"
        )
    return name
