"""The metrics of LightGBM's validation sets: which it computes, and which we do.

With a custom objective LightGBM's metrics see raw predictions, so that only those are
right that compare raw predictions with each other.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    mean_absolute_error,
    mean_squared_error,
    root_mean_squared_error,
)

from skfocal._boosting.words import error_rate, mean_log_loss
from skfocal.loss import FocalLoss

__all__ = ["NamedApart", "OfLogarithms", "choose_metrics"]

FloatArray = npt.NDArray[np.floating]
Function = Callable[..., Any]


def _fair_loss(y_true: Any, proba: FloatArray, sample_weight: Any = None) -> Any:
    """Return LightGBM's metric of that name, of scale 1."""
    error = np.abs(y_true - proba)
    return np.average(error - np.log1p(error), weights=sample_weight)


_METRIC_ALIASES = ("metric", "metrics", "metric_types")
_NO_METRIC = {"", "none", "null", "custom", "na"}
_RANK_METRICS = {"auc", "average_precision", "auc_mu"}
_LOG_LOSS_NAMES = ("logloss", "binary_logloss", "multi_logloss", "binary")
_ERROR_NAMES = ("error", "binary_error", "multi_error")
# LightGBM's names of what the probabilities of class 1 of two are compared by.
_BINARY_METRICS: dict[str, tuple[str, Function]] = {
    alias: (names[0], function)
    for names, function in (
        (
            ("l1", "mean_absolute_error", "mae", "regression_l1"),
            mean_absolute_error,
        ),
        (
            ("l2", "mean_squared_error", "mse", "regression_l2", "regression"),
            mean_squared_error,
        ),
        (
            ("rmse", "root_mean_squared_error", "l2_root"),
            root_mean_squared_error,
        ),
        (("fair",), _fair_loss),
        (("cross_entropy", "xentropy"), mean_log_loss),
        (_LOG_LOSS_NAMES[1:] + _LOG_LOSS_NAMES[:1], mean_log_loss),
        (_ERROR_NAMES[1:] + _ERROR_NAMES[:1], error_rate),
    )
    for alias in names
}
_MULTI_METRICS: dict[str, tuple[str, Function]] = {
    **dict.fromkeys(
        (*_LOG_LOSS_NAMES, "multiclass", "softmax"), ("multi_logloss", mean_log_loss)
    ),
    **dict.fromkeys(_ERROR_NAMES, ("multi_error", error_rate)),
}


class NamedApart:
    """Functions as one, whose later results of a name get a number behind it.

    LightGBM would write the values of both behind each other.

    Parameters
    ----------
    functions : iterable of callable
        Each returns name, value and whether more is better, or a list of such.
    taken : iterable of str
        Names of the metrics that LightGBM computes.
    """

    def __init__(self, functions: Iterable[Function], taken: Iterable[str]) -> None:
        self.functions, self.taken = list(functions), list(taken)

    def __call__(self, preds: FloatArray, data: Any) -> list[tuple[str, float, bool]]:
        names, results = list(self.taken), []
        for function in self.functions:
            found = function(preds, data)
            for name, *rest in found if isinstance(found, list) else [found]:
                again = names.count(name)
                names.append(name)
                results.append((f"{name}_{again}" if again else name, *rest))
        return results


class OfLogarithms:
    """A function of raw predictions, for what is their softmax.

    Its logarithms have that softmax as well.
    """

    def __init__(self, function: Function) -> None:
        self.function = function

    def __call__(self, preds: FloatArray, data: Any) -> Any:
        return self.function(np.log(preds), data)


class _ProbabilityMetric:
    """A function of class probabilities, for what LightGBM hands over.

    Parameters
    ----------
    function : callable
        Takes labels, probabilities of class 1 or of each class, and maybe weights.
    loss : FocalLoss
        Turns raw predictions into probabilities.
    name : str, default=None
        Name of a function that returns a value alone, the lower the better.
    """

    def __init__(self, function: Function, loss: FocalLoss, name: str = "") -> None:
        self.function, self.loss, self.name = function, loss, name

    def __call__(self, preds: FloatArray, data: Any) -> Any:
        proba = self.loss.predict_proba(preds)
        proba = proba[:, 1] if preds.ndim == 1 else proba
        label, weight = data.get_label(), data.get_weight()
        if self.name:
            value = self.function(label, proba, sample_weight=weight)
            return self.name, float(value), False
        arguments = (label, proba, weight, data.get_group())
        n_parameters = len(inspect.signature(self.function).parameters)
        return self.function(*arguments[:n_parameters])


def choose_metrics(
    eval_metric: Any, params: dict[str, Any], focal_metric: Function, n_classes: int
) -> tuple[list[str], list[Function]]:
    """Split metrics into names for LightGBM and functions.

    As in LightGBM's own classifier, those of ``fit`` come on top of those among the
    parameters, which are the default, here the focal loss, if there are none.
    """
    in_fit = _as_list(eval_metric)
    in_params = [m for a in _METRIC_ALIASES for m in _as_list(params.pop(a, None))]
    given = list(dict.fromkeys(in_fit + (in_params or ["focal_loss"])))
    named = [metric for metric in given if not callable(metric)]
    if params.get("first_metric_only") and not _compiled_first(named):
        raise ValueError(
            "first_metric_only needs LightGBM's own metrics first in eval_metric, "
            f"because it evaluates them first, got {given}"
        )
    names = [name for name in named if name in _RANK_METRICS]
    others = [n for n in named if n not in _RANK_METRICS and n not in _NO_METRIC]
    functions = [_function_of(name, focal_metric, n_classes) for name in others]
    functions += [_of_callable(m, focal_metric) for m in given if callable(m)]
    return names, functions


def _compiled_first(names: list[Any]) -> bool:
    """Whether no metric of LightGBM's own follows one that is a function here."""
    own = [name in _RANK_METRICS for name in names]
    return own == sorted(own, reverse=True)


def _as_list(metric: Any) -> list[Any]:
    if metric is None:
        return []
    if isinstance(metric, str):
        return [name.strip().lower() for name in metric.split(",")]
    if not isinstance(metric, (list, tuple, set)):
        return [metric]
    return [m.lower() if isinstance(m, str) else m for m in metric if m is not None]


def _of_callable(metric: Function, focal_metric: Any) -> Function:
    if isinstance(metric, type(focal_metric)):
        return metric
    return _ProbabilityMetric(metric, focal_metric.loss)


def _function_of(metric: Any, focal_metric: Any, n_classes: int) -> Function:
    if metric == "focal_loss":
        return focal_metric
    known = _BINARY_METRICS if n_classes == 2 else _MULTI_METRICS
    if metric not in known:
        names = sorted({"focal_loss"} | known.keys() | _RANK_METRICS)
        raise ValueError(
            f"eval_metric must be one of {names} or callable for {n_classes} classes, "
            f"got {metric!r}"
        )
    name, function = known[metric]
    return _ProbabilityMetric(function, focal_metric.loss, name)
