"""LightGBM with the focal loss on Dask: the classifier."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, Self
from uuid import uuid4

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from distributed import Client, Future
from lightgbm.dask import DaskLGBMRegressor

from skfocal._boosting.calibration import alpha_scale, is_balanced
from skfocal._boosting.rows import BoostingRows
from skfocal._boosting.training import check_scores
from skfocal._classes import unchanged_on_error
from skfocal.dask._balance import balance_of_rows
from skfocal.dask._blocks import collection_of, find_client
from skfocal.dask._boosting import (
    DaskFocalBoosting,
    engine_errors,
    refuse_on_cluster,
)
from skfocal.dask._errors import cluster_errors
from skfocal.dask._kept_scores import (
    KeepsScores,
    balance_of_kept,
    forget_scores,
)
from skfocal.dask._network import ObjectiveAtWorker, note_network, watched
from skfocal.dask._rows import DaskRows
from skfocal.dask._validation_rows import (
    ScoresAtWorkers,
    choose_metrics_at_workers,
    rows_at_workers,
    scores_of,
)
from skfocal.lightgbm import FocalLGBMClassifier, FocalObjective
from skfocal.lightgbm._dart import is_dart, settle_first_draw
from skfocal.lightgbm._model import self_contained
from skfocal.lightgbm._words import stops_early

__all__ = ["DaskFocalLGBMClassifier"]

FloatArray = npt.NDArray[np.floating]


class DaskFocalLGBMClassifier(  # type: ignore[misc]
    DaskFocalBoosting, FocalLGBMClassifier
):
    """:class:`skfocal.FocalLGBMClassifier` on a Dask cluster.

    Labels, class weights, alpha and the start are those of all rows, counted and
    checked before any worker trains; LightGBM's workers on Dask train. (Its own
    ``DaskLGBMClassifier`` numbers the labels of each worker by itself.) The model, and
    what can be done with it, is that of a single machine. Trees differ a little from
    run to run, as the bins depend on where the rows are.

    Parameters
    ----------
    focal_gamma, focal_alpha
        As in :class:`skfocal.FocalLGBMClassifier`.
    client : distributed.Client or None, default=None
        Connection to the cluster; by default the active one. It isn't pickled.
    **kwargs
        Parameters of :class:`skfocal.FocalLGBMClassifier`, but for
        ``validation_fraction``, and LightGBM's of its network: ``local_listen_port``,
        ``machines``, ``tree_learner``, and ``time_out``, the minutes, 120 by default,
        after which a worker that doesn't answer is given up. Threads are those of
        Dask's workers, whatever ``n_jobs``.

    Attributes
    ----------
    classes_, booster_, loss_, initial_score_, calibration_shift_, n_iter_, \
            best_iteration_, best_score_, evals_result_, n_features_in_, \
            feature_names_in_
        As in :class:`skfocal.FocalLGBMClassifier`.

    See Also
    --------
    DaskFocalXGBClassifier : The same with XGBoost.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skfocal.dask import DaskFocalLGBMClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, y = da.from_array(X, chunks=(100, -1)), da.from_array(y, chunks=100)
    >>> with Client(n_workers=2) as client:  # doctest: +SKIP
    ...     model = DaskFocalLGBMClassifier(n_estimators=20).fit(X, y)
    ...     model.predict_proba(X).compute().shape
    (569, 2)
    """

    _local_class = FocalLGBMClassifier
    _one_thread: ClassVar = {"n_jobs": 1, "num_threads": 1}

    def __init__(
        self,
        focal_gamma: Any = 2.0,
        focal_alpha: Any = None,
        *,
        client: Client | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(focal_gamma, focal_alpha, **kwargs)
        self.client = client

    def fit(  # type: ignore[override]
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        eval_metric: Any = None,
        feature_name: Any = "auto",
        categorical_feature: Any = "auto",
        callbacks: Sequence[Callable[..., Any]] | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        init_score: None = None,
        eval_set: None = None,
        eval_names: None = None,
        eval_sample_weight: None = None,
        eval_class_weight: None = None,
        eval_init_score: None = None,
        init_model: None = None,
        eval_X: None = None,
        eval_y: None = None,
    ) -> Self:
        """Grow the trees on the cluster.

        Parameters
        ----------
        X : dask array or DataFrame of shape (n_samples, n_features)
            Features. Categories of a DataFrame must be known to Dask.
        y : dask array, Series or DataFrame of one column
            Class labels of any type, of at least two classes. Rows belong to those of
            ``X`` by their position, in whatever chunks.
        sample_weight : dask array, Series or DataFrame of one column, default=None
            Weights >= 0. Rows of weight 0 don't count.
        eval_metric : str, callable or list of them, default=None
            Metrics of the validation data, as on a single machine; of LightGBM's rank
            metrics ``"auc"`` and ``"average_precision"`` of two classes.
        feature_name, categorical_feature
            As in :meth:`skfocal.FocalLGBMClassifier.fit`.
        callbacks : list of callable, default=None
            Callbacks of ``lightgbm.train``, of which each worker has its own copies.
        X_val, y_val, sample_weight_val : dask collections, default=None
            Validation data, called ``valid_0``. All of them come to each worker, so
            that all stop at the same round: they must fit into its memory.
        init_score, eval_set, eval_names, eval_sample_weight, eval_class_weight, \
                eval_init_score, init_model, eval_X, eval_y : None
            Parameters of a single machine that are refused here.

        Returns
        -------
        self
            The fitted classifier. A failed fit leaves it as it was.

        Raises
        ------
        ValueError, TypeError
            If parameters or data are not valid, before any worker trains.
        RuntimeError
            If training failed: a worker was lost, or raised an error.
        """
        refuse_on_cluster(
            init_score=init_score,
            eval_set=eval_set,
            eval_names=eval_names,
            eval_sample_weight=eval_sample_weight,
            eval_class_weight=eval_class_weight,
            eval_init_score=eval_init_score,
            init_model=init_model,
            eval_X=eval_X,
            eval_y=eval_y,
        )
        client = find_client(self.client)
        with unchanged_on_error(self), cluster_errors(), client.as_current():
            params = self._train_params()
            rows, summary = self._training_rows(client, X, y, sample_weight)
            valid = self._validation_rows(client, X_val, y_val, sample_weight_val)
            self.initial_score_ = self._start(summary, own_start=False)
            metrics = self._metrics(valid, eval_metric, params, callbacks)
            copies = None if valid is None else rows_at_workers(valid)
            keeper = None if is_dart(params) else KeepsScores(uuid4().hex)
            booster = self._grow(
                params,
                rows,
                summary,
                feature_name=feature_name,
                categorical_feature=categorical_feature,
                callbacks=[
                    note_network,
                    settle_first_draw if keeper is None else keeper,
                    *self._scores(copies, metrics, whole_model=keeper is None),
                    *(callbacks or ()),
                ],
            )
            self.evals_result_ = scores_of(booster)
            if stops_early(params, callbacks):
                check_scores(self.evals_result_)
            self._take_given_names(X, feature_name)
            self._set_shifted_booster(booster, rows, keeper)
        return self

    def _try_features(self, sample: Any) -> None:
        lgb.Dataset(sample, params={"verbosity": -1}).construct()

    def _metrics(
        self,
        valid: DaskRows | None,
        eval_metric: Any,
        params: dict[str, Any],
        callbacks: Sequence[Any] | None,
    ) -> Callable[..., Any]:
        """Return the metrics of the validation data, and take them out of params."""
        if valid is None and stops_early(params, callbacks):
            raise ValueError(
                "X_val must be given to stop early on a cluster, got no X_val"
            )
        return choose_metrics_at_workers(
            eval_metric, params, self.loss_, self.n_classes_
        )

    def _scores(
        self,
        copies: dict[str, Future] | None,
        metrics: Callable[..., Any],
        *,
        whole_model: bool,
    ) -> list[Any]:
        """Return the callback that evaluates the validation data, if there are any."""
        if copies is None:
            return []
        keys = {worker: copy.key for worker, copy in copies.items()}
        return [ScoresAtWorkers(keys, self.initial_score_, metrics, whole_model)]

    def _grow(
        self,
        params: dict[str, Any],
        rows: DaskRows,
        summary: BoostingRows,
        **words: Any,
    ) -> lgb.Booster:
        if self.n_classes_ > 2:
            params["num_class"] = self.n_classes_
        scale = alpha_scale(self.loss_, summary.codes, summary.weight)
        objective = FocalObjective._of(self.loss_, self.focal_hessian, scale)
        # Its classifier would number the labels of each worker by itself.
        engine = DaskLGBMRegressor(
            client=rows.client,
            n_estimators=self.n_estimators,
            objective=ObjectiveAtWorker(objective),
            metric="None",
            **{k: v for k, v in params.items() if k != "num_threads"},
        )
        fit = partial(
            engine.fit,
            rows.features(),
            rows.vector(rows.codes, "int32"),
            sample_weight=rows.vector(rows.weight, "float64"),
            init_score=self._start_of_rows(rows),
            **words,
        )
        with engine_errors("LightGBM"), _without_word_of_threads():
            return watched(rows.client, fit, rows.workers()).booster_

    def _start_of_rows(self, rows: DaskRows) -> Any:
        """Return the start of each row as a collection."""
        start = rows.map(_filled, self.initial_score_)
        return collection_of(start, rows.lengths, np.shape(self.initial_score_), float)

    def _set_shifted_booster(
        self, booster: lgb.Booster, rows: DaskRows, keeper: KeepsScores | None
    ) -> None:
        self.calibration_shift_ = 0.0
        self._set_model(booster)
        if is_balanced(self.loss_, self.focal_hessian):
            self.calibration_shift_ = self._find_shift(booster, rows, keeper)
            self._set_model(booster)
        forget_scores(rows.client)

    def _find_shift(
        self, booster: lgb.Booster, rows: DaskRows, keeper: KeepsScores | None
    ) -> Any:
        """Return what the model lacks to balance its errors on all rows."""
        # After an early stop LightGBM's scores are those of more rounds.
        whole = booster.current_iteration() == self.n_estimators
        if whole and keeper is not None:
            return balance_of_kept(rows.client, keeper.name, self.n_classes_)
        model = self._at_workers(self.to_local())
        return balance_of_rows(rows, model, self.n_classes_)

    def _set_model(self, booster: lgb.Booster) -> None:
        start = self.initial_score_ + self.calibration_shift_
        self._set_booster(self_contained(booster, self._state(), start, n_rounds=None))


@contextmanager
def _without_word_of_threads() -> Iterator[None]:
    with warnings.catch_warnings():
        # It says so even of the default.
        warnings.filterwarnings("ignore", message="Parameter n_jobs will be ignored")
        yield


def _filled(X: Any, codes: Any, weight: Any, start: Any) -> FloatArray:
    return np.full((len(codes), *np.shape(start)), start)
