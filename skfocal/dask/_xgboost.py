"""XGBoost with the focal loss on Dask: the classifier."""

import copy
from typing import Any, ClassVar, Self

import xgboost as xgb
from distributed import Client
from xgboost import dask as dxgb

from skfocal._boosting.calibration import alpha_scale, is_balanced
from skfocal._boosting.rows import BoostingRows
from skfocal._boosting.training import check_scores
from skfocal._classes import unchanged_on_error
from skfocal.dask._blocks import find_client
from skfocal.dask._boosting import (
    DaskFocalBoosting,
    engine_errors,
    refuse_on_cluster,
)
from skfocal.dask._errors import cluster_errors
from skfocal.dask._rows import DaskRows
from skfocal.dask._threads import threads_of_worker
from skfocal.xgboost import FocalObjective, FocalXGBClassifier
from skfocal.xgboost._metrics import Metrics
from skfocal.xgboost._start import add_to_start, held_start, start_words
from skfocal.xgboost._train import stopping
from skfocal.xgboost._worker_part import FindShift, WorkerPart, take_shift

__all__ = ["DaskFocalXGBClassifier"]


class DaskFocalXGBClassifier(  # type: ignore[misc]
    DaskFocalBoosting, FocalXGBClassifier
):
    """:class:`skfocal.FocalXGBClassifier` on a Dask cluster.

    Labels, class weights, alpha and the start are those of all rows, counted and
    checked before any worker trains; ``xgboost.dask`` trains. The model, and what can
    be done with it, is that of a single machine. Trees differ a little from run to run,
    as the features' quantiles depend on where the rows are.

    Parameters
    ----------
    focal_gamma, focal_alpha
        As in :class:`skfocal.FocalXGBClassifier`.
    client : distributed.Client or None, default=None
        Connection to the cluster; by default the active one. It isn't pickled.
    coll_cfg : xgboost.collective.Config or None, default=None
        How XGBoost's workers speak to each other; its ``timeout`` is how many seconds
        one waits for another that doesn't answer.
    **kwargs
        Parameters of :class:`skfocal.FocalXGBClassifier`, of which ``n_jobs`` limits
        the threads of a worker. On a cluster there is no ``validation_fraction``,
        ``feature_weights``, linear model (``booster="gblinear"``), nor
        ``tree_method="exact"`` or ``multi_strategy="multi_output_tree"``. Functions
        among ``eval_metric`` see the validation rows of all workers; each worker has
        its own copy of the ``callbacks``.

    Attributes
    ----------
    classes_, booster_, loss_, initial_score_, calibration_shift_, n_iter_, \
            best_iteration_, best_score_, evals_result_, n_features_in_, \
            feature_names_in_
        As in :class:`skfocal.FocalXGBClassifier`.

    See Also
    --------
    DaskFocalLGBMClassifier : The same with LightGBM.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skfocal.dask import DaskFocalXGBClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, y = da.from_array(X, chunks=(100, -1)), da.from_array(y, chunks=100)
    >>> with Client(n_workers=2) as client:  # doctest: +SKIP
    ...     model = DaskFocalXGBClassifier(n_estimators=20).fit(X, y)
    ...     model.predict_proba(X).compute().shape
    (569, 2)
    """

    _of_cluster = frozenset({"client", "coll_cfg"})
    _local_class = FocalXGBClassifier
    _one_thread: ClassVar = {"n_jobs": 1, "nthread": 1}

    def __init__(
        self,
        focal_gamma: Any = 2.0,
        focal_alpha: Any = None,
        *,
        client: Client | None = None,
        coll_cfg: xgb.collective.Config | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(focal_gamma, focal_alpha, **kwargs)
        self.client = client
        self.coll_cfg = coll_cfg

    def fit(  # type: ignore[override]
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        verbose: bool | int | None = True,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        base_margin: None = None,
        eval_set: None = None,
        xgb_model: None = None,
        sample_weight_eval_set: None = None,
        base_margin_eval_set: None = None,
        feature_weights: None = None,
    ) -> Self:
        """Train on the cluster.

        Parameters
        ----------
        X : dask array or DataFrame of shape (n_samples, n_features)
            Features. Categories of a DataFrame must be known to Dask.
        y : dask array, Series or DataFrame of one column
            Class labels of any type, of at least two classes. Rows belong to those of
            ``X`` by their position, in whatever chunks.
        sample_weight : dask array, Series or DataFrame of one column, default=None
            Weights >= 0. Rows of weight 0 don't count.
        verbose : bool or int, default=True
            Whether each worker prints the metrics of each round, or of each ``verbose``
            rounds.
        X_val, y_val, sample_weight_val : dask collections, default=None
            Validation data, called ``validation_0``.
        base_margin, eval_set, xgb_model, sample_weight_eval_set, \
                base_margin_eval_set, feature_weights : None
            Parameters of a single machine that are refused here.

        Returns
        -------
        self
            The fitted classifier; after an error it is what it was.

        Raises
        ------
        ValueError, TypeError
            If parameters or data are not valid, before any worker trains.
        RuntimeError
            If training failed: a worker was lost, or raised an error.
        """
        refuse_on_cluster(
            base_margin=base_margin,
            eval_set=eval_set,
            xgb_model=xgb_model,
            sample_weight_eval_set=sample_weight_eval_set,
            base_margin_eval_set=base_margin_eval_set,
            feature_weights=feature_weights,
        )
        client = find_client(self.client)
        with unchanged_on_error(self), cluster_errors(), client.as_current():
            params = self._train_params()
            self._refuse_parameters()
            rows, summary = self._training_rows(client, X, y, sample_weight)
            valid = self._validation_rows(client, X_val, y_val, sample_weight_val)
            self._train_on(params, rows, summary, valid, verbose)
        return self

    def _refuse_parameters(self) -> None:
        refuse_on_cluster(feature_weights=self.feature_weights)
        wrong = {
            "booster": "gblinear",
            "tree_method": "exact",
            "multi_strategy": "multi_output_tree",
        }
        for name, value in wrong.items():
            if getattr(self, name) == value:
                raise ValueError(
                    f"{name} must not be {value!r} on a cluster, got {value!r}"
                )

    def _try_features(self, sample: Any) -> None:
        self._matrix_words().of_features(sample, None)

    def _train_on(
        self,
        params: dict[str, Any],
        rows: DaskRows,
        summary: BoostingRows,
        valid: DaskRows | None,
        verbose: Any,
    ) -> None:
        rounds = self.early_stopping_rounds
        if rounds is not None and valid is None:
            raise ValueError(
                "early_stopping_rounds must be None without validation data in X_val, "
                f"got {rounds}"
            )
        self.initial_score_ = held_start(self._start_of(summary, None))
        params = params | self._task_words()
        part = self._worker_part(params, summary)
        train = self._matrix(rows, None)
        evals = [] if valid is None else [(self._matrix(valid, train), "validation_0")]
        with engine_errors("XGBoost"):
            trained = dxgb.train(
                rows.client,
                params | start_words(self.initial_score_) | part.metrics.words(),
                train,
                self.get_num_boosting_rounds(),
                evals=evals,
                obj=part.step,
                custom_metric=part.evaluate,
                verbose_eval=verbose,
                coll_cfg=self.coll_cfg,
                callbacks=self._callbacks_at_workers(part),
            )
        self.evals_result_ = _with_floats(trained["history"])
        if self._stops_early():
            check_scores(self.evals_result_)
        booster = trained["booster"]
        self.calibration_shift_ = add_to_start(booster, take_shift(booster))
        self._set_booster(booster)

    def _worker_part(self, params: dict[str, Any], summary: BoostingRows) -> WorkerPart:
        scale = alpha_scale(self.loss_, summary.codes, summary.weight)
        of_labels = self.objective == "multi:softmax"
        return WorkerPart(
            FocalObjective._of(self.loss_, self.focal_hessian, scale),
            Metrics(self.eval_metric, self.loss_, params, of_labels),
            self.n_classes_,
            threads_of_worker,
        )

    def _callbacks_at_workers(self, part: WorkerPart) -> list[Any]:
        balanced = is_balanced(self.loss_, self.focal_hessian)
        return [
            *([FindShift(part)] if balanced else ()),
            *self._uncutting(),
            *stopping(self.early_stopping_rounds, part.metrics.last),
        ]

    def _uncutting(self) -> list[Any]:
        """Return the user's callbacks, none of which cuts the model.

        A cut model of XGBoost loses its table of categories.
        """
        callbacks = []
        for callback in self.callbacks or ():
            if getattr(callback, "save_best", False):
                callback = copy.copy(callback)
                callback.save_best = False
            callbacks.append(callback)
        return callbacks

    def _matrix(self, rows: DaskRows, ref: Any) -> Any:
        words = self._matrix_words()
        common = {
            "label": rows.vector(rows.codes, "int32"),
            "weight": rows.vector(rows.weight, "float64"),
            "missing": words.missing,
            "feature_types": words.feature_types,
            "enable_categorical": words.enable_categorical,
        }
        if not words.binned:
            return dxgb.DaskDMatrix(rows.client, rows.features(), **common)
        return dxgb.DaskQuantileDMatrix(
            rows.client, rows.features(), max_bin=words.max_bin, ref=ref, **common
        )


def _with_floats(history: dict[str, Any]) -> dict[str, Any]:
    """Return scores as a single machine has them."""
    return {
        data: {name: [float(score) for score in scores] for name, scores in of.items()}
        for data, of in history.items()
    }
