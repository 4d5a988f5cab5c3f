"""The metrics of the validation sets: XGBoost's own by name, and functions."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from skfocal.loss import FocalLoss
from skfocal.xgboost._objective import FOCAL_METRIC, FocalMetric
from skfocal.xgboost._workers import rows_of_all_workers

__all__ = ["Metrics"]

FloatArray = npt.NDArray[np.floating]
Function = Callable[..., Any]


class Metrics:
    """What a training evaluates after each round.

    XGBoost's own metrics see expit or softmax of the raw predictions. These are class
    probabilities in the posterior link only; in the focal link the same metrics are
    evaluated outside of the training, on the log-odds of the class probabilities.

    Parameters
    ----------
    eval_metric : str, callable, sequence of them, or None
        What the user asked for; None for the focal loss. A None among them is skipped.
    loss : FocalLoss
        Turns raw predictions into probabilities.
    params : dict
        Those of the training, which some of XGBoost's metrics read.
    of_labels : bool
        Whether functions get the most probable class instead of probabilities.

    Attributes
    ----------
    last : str
        The name in the results of the metric that early stopping watches.

    Raises
    ------
    XGBoostError
        Of a name that XGBoost doesn't know, or can't evaluate for as many classes.
    """

    def __init__(
        self, eval_metric: Any, loss: FocalLoss, params: dict[str, Any], of_labels: bool
    ) -> None:
        self._loss, self._of_labels = loss, of_labels
        self._n_classes = params.get("num_class", 2)
        given = _given(eval_metric) or [FOCAL_METRIC]
        given = [FocalMetric._of(loss) if m == FOCAL_METRIC else m for m in given]
        self._own = _OwnMetrics([m for m in given if isinstance(m, str)], params)
        self._functions: dict[str, Function] = {}
        for metric in given:
            self.last = self._own.names.get(metric) or self._add_function(metric)

    def _add_function(self, function: Function) -> str:
        """Name a function; one whose name is taken gets a number."""
        name = name_alone = function.__name__
        number = 0
        while name in (*self._own.names.values(), *self._functions):
            number += 1
            name = f"{name_alone}_{number}"
        self._functions[name] = function
        return name

    def words(self) -> dict[str, Any]:
        """Return the parameters that name what XGBoost itself evaluates."""
        if self._own.names and self._loss.link == "posterior":
            return {"eval_metric": self._own.distinct()}
        return {"disable_default_eval_metric": True}

    def __call__(self, preds: FloatArray, data: Any) -> list[tuple[str, float]]:
        """Evaluate the rest, as xgboost.train asks for it."""
        y, weight = data.get_label(), data.get_weight()
        if xgb.collective.is_distributed() and self._need_all_rows():
            # One value of few rows after the other has no mean that is that of all.
            shape = (len(y),) if self._n_classes == 2 else (len(y), self._n_classes)
            preds = rows_of_all_workers(preds.reshape(shape))
            y, weight = rows_of_all_workers(y), rows_of_all_workers(weight)
        words = {"sample_weight": weight} if weight.size else {}
        values = []
        if self._own.names and self._loss.link != "posterior":
            values = self._own(self._log_odds(preds), y, **words)
        for name, function in self._functions.items():
            values.append((name, function(y, self._seen_by(function, preds), **words)))
        return values

    def _need_all_rows(self) -> bool:
        """Whether any is not a sum over rows that its worker knows to complete."""
        functions = self._functions.values()
        focal = all(isinstance(function, FocalMetric) for function in functions)
        outside = bool(self._own.names) and self._loss.link != "posterior"
        return outside or not focal

    def _log_odds(self, preds: FloatArray) -> FloatArray:
        log_proba = self._loss.predict_log_proba(preds.astype(np.float64))
        return log_proba if preds.ndim == 2 else log_proba[:, 1] - log_proba[:, 0]

    def _seen_by(self, function: Function, preds: FloatArray) -> FloatArray:
        """Return what a function sees of the predictions."""
        metric_loss = function.loss if isinstance(function, FocalMetric) else None
        if metric_loss is not None and metric_loss.link == self._loss.link:
            return preds
        proba = self._loss.predict_proba(preds.astype(np.float64))
        if self._of_labels and metric_loss is None:
            return proba.argmax(axis=1)
        proba = proba if preds.ndim == 2 else proba[:, 1]
        return proba if metric_loss is None else metric_loss.raw_from_proba(proba)


class _OwnMetrics:
    """XGBoost's own metrics, without a training.

    Attributes
    ----------
    names : dict of str
        What XGBoost calls each in its results, by what the user called it.
    """

    def __init__(self, names: Sequence[str], params: dict[str, Any]) -> None:
        self._params = params | {"disable_default_eval_metric": True}
        self.names: dict[str, str] = {name: self._called(name) for name in names}

    def distinct(self) -> list[str]:
        """Return one of the user's names for each in the results."""
        return list({called: name for name, called in self.names.items()}.values())

    def _called(self, name: str) -> str:
        """Try a metric on little data: XGBoost raises if that can't be."""
        n_classes = self._params.get("num_class", 2)
        y = np.arange(2 * n_classes) % n_classes
        log_odds = np.zeros(len(y) if n_classes == 2 else (len(y), n_classes))
        return self._evaluate([name], log_odds, y)[0][0]

    def __call__(
        self, log_odds: FloatArray, y: FloatArray, sample_weight: Any = None
    ) -> list[tuple[str, float]]:
        """Return each metric's name in the results and its value."""
        return self._evaluate(self.distinct(), log_odds, y, sample_weight)

    def _evaluate(
        self, names: list[str], log_odds: FloatArray, y: Any, weight: Any = None
    ) -> list[tuple[str, float]]:
        """Ask a model without trees, whose predictions are the margins."""
        no_features = np.zeros((len(y), 1))
        data = xgb.DMatrix(no_features, y, weight=weight, base_margin=log_odds)
        # What XGBoost thinks of the other parameters, the training says.
        words = self._params | {"eval_metric": names, "verbosity": 0}
        text = xgb.Booster(words, [data]).eval_set([(data, "")])
        pairs = (entry.rsplit(":", 1) for entry in text.split("\t")[1:])
        return [(name.removeprefix("-"), float(value)) for name, value in pairs]


def _given(eval_metric: Any) -> list[Any]:
    alone = isinstance(eval_metric, str) or not isinstance(eval_metric, Sequence)
    metrics = [eval_metric] if alone else eval_metric
    given: list[Any] = []
    for metric in metrics:
        if metric is not None and not isinstance(metric, str):
            _check_function(metric)
        # The same again is the same column of the results.
        if metric is not None and metric not in given:
            given.append(metric)
    return given


def _check_function(metric: Any) -> None:
    name = getattr(metric, "__name__", None)
    # XGBoost hands names on in one text, between spaces and colons.
    if not callable(metric) or not name or set(name) & set(": \t\n"):
        raise ValueError(
            "eval_metric must be the name of a metric or callable with a __name__ "
            f"without spaces and colons, or a list of them, got {metric!r}"
        )
