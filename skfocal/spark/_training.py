"""A training of XGBoost's own estimator with the focal loss."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from xgboost.spark import SparkXGBClassifier

from skfocal._boosting.calibration import alpha_scale, is_balanced
from skfocal._boosting.objective import check_hessian
from skfocal._boosting.ranges import (
    check_alpha_range,
    check_trainable_gamma,
    check_weight_range,
)
from skfocal._classes import resolve_alpha
from skfocal._validation import check_class_count, check_gamma, check_option
from skfocal.loss import FocalLoss
from skfocal.loss._loss import LINKS
from skfocal.spark._host import task_cpus, task_slots
from skfocal.spark._params import FocalSparkParams
from skfocal.spark._rows import LABEL, VALID, WEIGHT, SparkRows
from skfocal.xgboost import FocalObjective
from skfocal.xgboost._metrics import Metrics
from skfocal.xgboost._model import link_words
from skfocal.xgboost._start import add_to_start, held_start, start_words
from skfocal.xgboost._train import stopping
from skfocal.xgboost._words import positive_factor
from skfocal.xgboost._worker_part import FindShift, WorkerPart, take_shift

__all__ = ["SparkTraining", "Trained", "check_params"]

FloatArray = npt.NDArray[np.floating]

# What XGBoost's estimator gets in another way, or what only predictions need.
_NOT_PASSED = {
    *("eval_metric", "early_stopping_rounds", "callbacks", "scale_pos_weight"),
    *("coll_cfg", "iteration_range", "importance_type"),
}
_NOT_DISTRIBUTED = {
    "booster": "gblinear",
    "tree_method": "exact",
    "multi_strategy": "multi_output_tree",
}
_LAST_LINE = re.compile(
    r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(\S.*)"
)


def check_params(params: FocalSparkParams) -> None:
    """Raise for parameters that no data set would make right."""
    check_trainable_gamma(params.getOrDefault("focal_gamma"), "focal_gamma")
    link = params.getOrDefault("focal_link")
    check_option("focal_link", link, LINKS)
    check_hessian("focal_hessian", params.getOrDefault("focal_hessian"), link)
    words = params._engine_words()
    for name, value in _NOT_DISTRIBUTED.items():
        if words.get(name) == value:
            raise ValueError(
                f"{name} must not be {value!r}, which XGBoost doesn't train on several "
                f"workers, got {value!r}"
            )
    if words["num_workers"] < 1:
        raise ValueError(f"num_workers must be >= 1, got {words['num_workers']}")
    rounds = words.get("early_stopping_rounds")
    if rounds is not None and not params._given("validationIndicatorCol"):
        raise ValueError(
            "early_stopping_rounds must be None without a validationIndicatorCol, "
            f"got {rounds}"
        )
    _check_eval_metric(words.get("eval_metric"))


def _check_eval_metric(metric: Any) -> None:
    names = metric if isinstance(metric, (list, tuple)) else [metric]
    for name in names:
        if name is not None and not isinstance(name, str):
            raise ValueError(
                "eval_metric must be the name of a metric or a list of names on Spark, "
                "where XGBoost would take the mean of what a function returns on each "
                f"worker, got {name!r}"
            )


@dataclass
class Trained:
    """What a training leaves.

    Attributes
    ----------
    booster : xgboost.Booster
        The model, with its start and all rounds.
    loss : FocalLoss
        The loss with its class weights resolved.
    start : float or ndarray of shape (n_classes,)
        Where training started.
    shift : float or ndarray of shape (n_classes,)
        By how much the finished model's start was moved.
    scores : dict
        Scores of all rounds, by data set and metric.
    """

    booster: xgb.Booster
    loss: FocalLoss
    start: Any
    shift: Any
    scores: dict[str, Any]


class SparkTraining:
    """A training on the rows of a Spark data set.

    Parameters
    ----------
    params : FocalSparkParams
        The estimator.
    rows : SparkRows
        Its rows.
    spark : SparkSession
        Where they are.
    """

    def __init__(
        self, params: FocalSparkParams, rows: SparkRows, spark: SparkSession
    ) -> None:
        self._params, self._rows, self._spark = params, rows, spark
        self._words = params._engine_words()
        counted = rows.class_weights()
        self._codes = np.arange(len(counted))
        self.loss = self._resolve_loss(counted)
        self._weights = counted * self._factors
        check_weight_range(self._weights)
        start = self.loss.fit_intercept_only(self._codes, self._weights)
        self.start = held_start(start)
        self._check_workers()

    def _resolve_loss(self, weights: FloatArray) -> FocalLoss:
        codes = self._codes
        gamma = check_gamma(self._params.getOrDefault("focal_gamma"), "focal_gamma")
        check_class_count("focal_gamma", gamma, len(codes))
        given = self._params.getOrDefault("focal_alpha")
        alpha = resolve_alpha(given, codes, codes, weights)
        check_alpha_range(alpha)
        return FocalLoss(gamma, alpha, link=self._params.getOrDefault("focal_link"))

    def _check_workers(self) -> None:
        # XGBoost would wait for them until Spark gives up, for minutes.
        wanted, there = self._words["num_workers"], task_slots(self._spark)
        if wanted > there:
            raise ValueError(
                f"num_workers must be at most {there}, the number of tasks that Spark "
                f"runs at the same time, got {wanted}"
            )

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self._codes)

    @cached_property
    def _factors(self) -> FloatArray:
        given = self._words.get("scale_pos_weight")
        if given is not None and self.n_classes > 2:
            raise ValueError(
                f"scale_pos_weight must be None for {self.n_classes} classes, "
                f"got {given!r}"
            )
        factor = positive_factor(given, self.n_classes)
        return np.array([1.0, factor, *np.ones(self.n_classes - 2)])

    def run(self) -> Trained:
        """Train, and return the model with its start."""
        host = self._host_estimator(self._worker_part())
        with _one_clear_error():
            fitted = host.fit(self._rows.prepared(self._factors))
        booster, summary = fitted.get_booster(), fitted.training_summary
        shift = add_to_start(booster, take_shift(booster))
        scores = {"training": summary.train_objective_history}
        if self._rows.valid_name:
            scores["validation"] = summary.validation_objective_history
        return Trained(booster, self.loss, self.start, shift, scores)

    def _worker_part(self) -> WorkerPart:
        hessian = self._params.getOrDefault("focal_hessian")
        scale = alpha_scale(self.loss, self._codes, self._weights)
        further = self._params.getOrDefault("arbitrary_params_dict")
        words = further | link_words(self.n_classes)
        metric = self._words.get("eval_metric")
        return WorkerPart(
            FocalObjective._of(self.loss, hessian, scale),
            Metrics(metric, self.loss, words, of_labels=False),
            self.n_classes,
            partial(int, task_cpus(self._spark)),
        )

    def _host_estimator(self, part: WorkerPart) -> SparkXGBClassifier:
        words = {k: v for k, v in self._words.items() if k not in _NOT_PASSED}
        rows, columns = self._rows, {"label_col": LABEL}
        if rows.has_weights(self._factors):
            columns["weight_col"] = WEIGHT
        if rows.valid_name:
            columns["validation_indicator_col"] = VALID
        if "coll_cfg" in self._words:
            words["coll_cfg"] = xgb.collective.Config(**self._words["coll_cfg"])
        several = self._params._given("features_cols") is not None
        return SparkXGBClassifier(
            features_col=rows.features if several else rows.features[0],
            obj=part.step,
            custom_metric=part.evaluate,
            callbacks=self._callbacks(part),
            **columns,
            **words,
            **part.metrics.words(),
            **start_words(self.start),
        )

    def _callbacks(self, part: WorkerPart) -> list[Any]:
        given = self._words.get("callbacks") or ()
        balanced = is_balanced(self.loss, part.objective.hessian)
        rounds = self._words.get("early_stopping_rounds")
        watching = stopping(rounds, part.metrics.last)
        return [*([FindShift(part)] if balanced else ()), *given, *watching]


@contextmanager
def _one_clear_error() -> Iterator[None]:
    """Say what happened on a worker in one line, before Spark's hundreds."""
    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise RuntimeError(
            f"XGBoost's training on the workers of Spark failed: {_cause(str(error))}"
        ) from error


def _cause(text: str) -> str:
    """Return the last line of the traceback of a worker, or Spark's first."""
    lines = _LAST_LINE.findall(text)
    return lines[-1].strip() if lines else text.strip().partition("\n")[0]
