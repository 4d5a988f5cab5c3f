"""LightGBM's validation data on a cluster: the same rows at every worker.

Its own scores of rows that are spread over workers differ between them, so that some
stop early while others wait for them (microsoft/LightGBM#7290).
"""

import sys
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from distributed import Future, get_worker, wait
from scipy import sparse
from sklearn.metrics import average_precision_score, roc_auc_score

from skfocal._compute.threads import limited_threads
from skfocal.dask._network import LabelsAndWeights
from skfocal.dask._rows import DaskRows
from skfocal.dask._threads import threads_of_worker
from skfocal.lightgbm._metrics import NamedApart, choose_metrics
from skfocal.lightgbm._objective import FocalMetric
from skfocal.loss import FocalLoss

__all__ = [
    "ScoresAtWorkers",
    "choose_metrics_at_workers",
    "rows_at_workers",
    "scores_of",
]

FloatArray = npt.NDArray[np.floating]
Function = Callable[..., Any]

_SET_NAME = "valid_0"
# What LightGBM itself evaluates on a single machine.
_RANK_METRICS = {"auc": roc_auc_score, "average_precision": average_precision_score}
# LightGBM before 4.7 has plain tuples.
_as_result = getattr(lgb, "EvalResult", lambda *values: values)


def choose_metrics_at_workers(
    eval_metric: Any, params: dict[str, Any], loss: FocalLoss, n_classes: int
) -> NamedApart:
    """Return the metrics of the validation data as functions, out of ``params`` too."""
    focal_metric = FocalMetric._of(loss)
    names, functions = choose_metrics(eval_metric, params, focal_metric, n_classes)
    ranks = [_RankMetric(name, n_classes) for name in names]
    return NamedApart([*ranks, *functions], [])


class _RankMetric:
    """A metric of two classes that only compares raw predictions with each other."""

    def __init__(self, name: str, n_classes: int) -> None:
        if name not in _RANK_METRICS or n_classes != 2:
            raise ValueError(
                f"eval_metric must not be {name!r} of {n_classes} classes on a "
                "cluster; a function of probabilities can be"
            )
        self.name = name

    def __call__(self, preds: FloatArray, data: Any) -> tuple[str, float, bool]:
        score = _RANK_METRICS[self.name]
        weight = data.get_weight()
        return self.name, score(data.get_label(), preds, sample_weight=weight), True


def rows_at_workers(rows: DaskRows) -> dict[str, Future]:
    """Bring all rows to all workers: features, codes and weights, by its address.

    Each has a copy of its own, as Dask drops replicas that it sees no need for.
    """
    client = rows.client
    whole = client.submit(
        _concatenated, rows.X, rows.codes, rows.weight or [], pure=False
    )
    copies = {
        worker: client.submit(_as_is, whole, workers=[worker], pure=False)
        for worker in client.nthreads()
    }
    wait(list(copies.values()))
    return copies


def _as_is(rows: Any) -> Any:
    return rows


def _concatenated(X: list[Any], codes: list[Any], weight: list[Any]) -> Any:
    return (
        _stacked(X),
        np.concatenate(codes),
        np.concatenate(weight) if weight else None,
    )


def _stacked(blocks: list[Any]) -> Any:
    if sparse.issparse(blocks[0]):
        return sparse.vstack(blocks, format="csr")
    if hasattr(blocks[0], "iloc"):
        return pd.concat(blocks)
    return np.concatenate(blocks)


class ScoresAtWorkers:
    """A callback of LightGBM that evaluates the validation data after each round.

    The scores stand where LightGBM puts its own, before any other callback looks.

    Parameters
    ----------
    keys : dict of str
        Those of :func:`rows_at_workers`, whose futures must be kept meanwhile.
    start : float or ndarray of shape (n_classes,)
        Where the raw predictions start, which the model doesn't hold.
    metrics : callable
        Takes raw predictions and a Dataset.
    whole_model : bool
        Whether later rounds change earlier trees.
    """

    before_iteration = False

    def __init__(
        self, keys: dict[str, str], start: Any, metrics: Function, whole_model: bool
    ) -> None:
        self.keys, self.start, self.metrics = keys, start, metrics
        self.whole_model = whole_model
        self.scores: dict[str, list[float]] = {}
        self.raw: Any = None
        # LightGBM sets it of whatever has none of its own.
        self.order = -sys.maxsize

    def __call__(self, env: Any) -> None:
        n_threads = threads_of_worker()
        with limited_threads(n_threads):
            if env.iteration == env.begin_iteration:
                self._begin()
            first = env.begin_iteration if self.whole_model else env.iteration
            added = env.model.predict(
                self.X,
                raw_score=True,
                start_iteration=first,
                num_iteration=env.iteration + 1 - first,
                num_threads=n_threads,
            )
            self.raw = (self.start if self.whole_model else self.raw) + added
            results = self.metrics(self.raw, self.data)
        for name, value, *_ in results:
            self.scores.setdefault(name, []).append(float(value))
        env.evaluation_result_list.extend(_as_result(_SET_NAME, *r) for r in results)
        # The model comes back from the worker, the callback doesn't.
        env.model.skfocal_scores = self.scores

    def _begin(self) -> None:
        worker = get_worker()
        self.X, codes, weight = worker.data[self.keys[worker.address]]
        self.data = LabelsAndWeights(None, label=codes, weight=weight)
        self.raw = np.full((len(codes), *np.shape(self.start)), self.start)


def scores_of(booster: lgb.Booster) -> dict[str, Any]:
    """Take the scores that :class:`ScoresAtWorkers` left in a model."""
    scores = vars(booster).pop("skfocal_scores", None)
    return {} if scores is None else {_SET_NAME: scores}
