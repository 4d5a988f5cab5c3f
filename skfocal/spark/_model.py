"""The fitted model on Spark: its columns, its files, and the plain classifier in it."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xgboost as xgb
from pyspark.ml import Model
from pyspark.ml.functions import array_to_vector
from pyspark.ml.util import (
    DefaultParamsReader,
    DefaultParamsWriter,
    MLReadable,
    MLReader,
    MLWritable,
    MLWriter,
)
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from xgboost.spark.summary import XGBoostTrainingSummary

from skfocal._boosting.classifier import parameter_names
from skfocal._boosting.model_state import ModelState
from skfocal.spark._host import task_cpus
from skfocal.spark._params import FocalSparkParams
from skfocal.spark._rows import features_of
from skfocal.spark._training import Trained
from skfocal.xgboost import FocalXGBClassifier
from skfocal.xgboost._model import write_state

__all__ = ["SparkFocalXGBClassifierModel", "local_classifier"]

FloatArray = npt.NDArray[np.floating]

# Spark writes a row in one piece; a model may be larger than it likes to.
_CHUNK_BYTES = 4 * 2**20
_KEPT = ("evals_result_", "best_iteration_", "best_score_")


class SparkFocalXGBClassifierModel(Model, FocalSparkParams, MLReadable, MLWritable):
    """XGBoost model trained with the focal loss, on Spark.

    :class:`SparkFocalXGBClassifier` makes it. ``transform`` adds three columns:

    - ``rawPrediction``, a vector of log-odds: those of class 1 and their negative for
      two classes, else one for each;
    - ``probability``, a vector of class probabilities;
    - ``prediction``, the class of the largest ``focal_alpha`` times probability;

    and, if ``pred_contrib_col`` names a column, SHAP contributions: an array by
    raw prediction. An empty name leaves a column out.

    Attributes
    ----------
    numClasses : int
        Number of classes.
    numFeatures : int
        Number of features.
    training_summary : XGBoostTrainingSummary
        Scores of all rounds.

    Examples
    --------
    >>> from skfocal.spark import SparkFocalXGBClassifierModel
    >>> model.write().overwrite().save("s3://bucket/model")  # doctest: +SKIP
    >>> model = SparkFocalXGBClassifierModel.load("s3://bucket/model")  # doctest: +SKIP
    >>> model.transform(frame).select("probability")  # doctest: +SKIP
    """

    # Spark's files hold it: they must not depend on where the code stands.
    __module__ = "skfocal.spark"

    def __init__(self, local: FocalXGBClassifier | None = None) -> None:
        super().__init__()
        self._local = local

    def to_local(self) -> FocalXGBClassifier:
        """Return the same model as a classifier of one machine.

        Returns
        -------
        FocalXGBClassifier
            Fitted, with the classes 0 .. n_classes - 1.
        """
        assert self._local is not None
        return self._local

    def get_booster(self) -> xgb.Booster:
        """Return the model that XGBoost serves in every language.

        Returns
        -------
        xgboost.Booster
            It holds the start value, the link, the focal loss and the labels.
        """
        return self.to_local().booster_

    def get_feature_importances(
        self, importance_type: str = "weight"
    ) -> dict[str, float | list[float]]:
        """Return the importance of the features that were used.

        Parameters
        ----------
        importance_type : {"weight", "gain", "cover", "total_gain", "total_cover"}, \
                default="weight"
            As :meth:`xgboost.Booster.get_score` takes it.

        Returns
        -------
        dict
            Importance by feature.
        """
        return self.get_booster().get_score(importance_type=importance_type)

    @property
    def numClasses(self) -> int:
        """Number of classes."""
        return self.to_local().n_classes_

    @property
    def numFeatures(self) -> int:
        """Number of features."""
        return self.to_local().n_features_in_

    @property
    def training_summary(self) -> XGBoostTrainingSummary:
        """Scores of all rounds, as XGBoost's own model on Spark has them."""
        return XGBoostTrainingSummary.from_metrics(self.to_local().evals_result_)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        outputs = {
            "rawPredictionCol": ("raw", array_to_vector),
            "probabilityCol": ("probability", array_to_vector),
            "predictionCol": ("prediction", _as_is),
            "pred_contrib_col": ("contributions", _as_is),
        }
        wanted = {self._given(p): out for p, out in outputs.items() if self._given(p)}
        if not wanted:
            return dataset
        fields = [field for field, _ in wanted.values()]
        both, cpus = f"{self.uid}_output", task_cpus(dataset.sparkSession)
        predicted = dataset.withColumn(
            both, self._predictions(fields, cpus)(features_of(self, dataset))
        )
        for name, (field, form) in wanted.items():
            predicted = predicted.withColumn(name, form(F.col(f"`{both}`.{field}")))
        return predicted.drop(both)

    def _predictions(self, fields: list[str], cpus: int) -> Any:
        """Return a function of Spark's columns."""
        local, rounds = self.to_local(), self._given("iteration_range")
        schema = ", ".join(f"{field} {_TYPES[field]}" for field in fields)

        @F.pandas_udf(schema)
        def predict(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
            local.set_params(n_jobs=cpus)
            for batch in batches:
                yield _predict(local, _stacked(batch, local), rounds, fields)

        return predict

    def write(self) -> MLWriter:
        """Return what saves the model, on any file system that Spark writes to.

        Returns
        -------
        MLWriter
            Its ``save`` takes a path.
        """
        return _ModelWriter(self)

    @classmethod
    def read(cls) -> MLReader:
        """Return what loads a saved model.

        Returns
        -------
        MLReader
            Its ``load`` takes a path.
        """
        return _ModelReader(cls)


_TYPES = {
    "raw": "array<double>",
    "probability": "array<double>",
    "prediction": "double",
    "contributions": "array<array<double>>",
}


def _as_is(column: Any) -> Any:
    return column


def _stacked(batch: pd.Series, local: FocalXGBClassifier) -> FloatArray:
    if batch.isna().any():
        raise ValueError("featuresCol must hold vectors or arrays, got null")
    if not len(batch):
        return np.empty((0, local.n_features_in_), np.float32)
    return np.stack(batch.to_list()).astype(np.float32)


def _predict(
    local: FocalXGBClassifier, X: FloatArray, rounds: Any, fields: list[str]
) -> pd.DataFrame:
    rounds = None if rounds is None else tuple(rounds)
    raw = local.decision_function(X, validate_features=False, iteration_range=rounds)
    found: dict[str, Any] = {}
    if "raw" in fields:
        found["raw"] = list(np.column_stack([-raw, raw]) if raw.ndim == 1 else raw)
    if "probability" in fields:
        found["probability"] = list(local.loss_.predict_proba(raw))
    if "prediction" in fields:
        found["prediction"] = local._labels_of(raw).astype(np.float64)
    if "contributions" in fields:
        found["contributions"] = _contributions(local, X, rounds).tolist()
    return pd.DataFrame(found, columns=fields)


def _contributions(local: FocalXGBClassifier, X: FloatArray, rounds: Any) -> FloatArray:
    """Return them with an axis for the raw predictions, one of two classes."""
    return local.booster_.predict(
        local._matrix_words().of_features(X, None),
        pred_contribs=True,
        strict_shape=True,
        validate_features=False,
        iteration_range=rounds or (0, 0),
    )


def local_classifier(
    params: FocalSparkParams, booster: xgb.Booster
) -> FocalXGBClassifier:
    """Return the classifier of a model that holds its state, with all parameters."""
    local = FocalXGBClassifier.from_booster(booster)
    words = params._engine_words()
    words |= {
        name: params.getOrDefault(name)
        for name in ("focal_gamma", "focal_alpha", "focal_link", "focal_hessian")
    }
    further = params.getOrDefault("arbitrary_params_dict")
    names = {*parameter_names(FocalXGBClassifier), *further}
    local.set_params(**{k: v for k, v in words.items() if k in names})
    return local


def trained_classifier(
    params: FocalSparkParams, trained: Trained
) -> FocalXGBClassifier:
    """Return the classifier that a training made."""
    n_classes = max(2, np.size(trained.start))
    state = ModelState(
        trained.loss,
        np.arange(n_classes),
        trained.start,
        trained.shift,
        trained.booster.feature_names,
        _words_of_predictions(params),
    )
    local = local_classifier(params, write_state(trained.booster, state))
    local.evals_result_ = trained.scores
    return local


def _words_of_predictions(params: FocalSparkParams) -> dict[str, Any]:
    """Return what from_booster would otherwise not know, as a saved model holds it."""
    given = {name: params._given(name) for name in ("booster", "missing")}
    words = {k: v for k, v in given.items() if v is not None and v == v}
    if params._given("feature_types"):
        words["enable_categorical"] = True
    return words


class _ModelWriter(MLWriter):
    def __init__(self, model: SparkFocalXGBClassifierModel) -> None:
        super().__init__()
        self._model = model

    def saveImpl(self, path: str) -> None:
        self._model._check_can_be_saved()
        spark, local = self.sparkSession, self._model.to_local()
        kept = {name: getattr(local, name) for name in _KEPT}
        DefaultParamsWriter.saveMetadata(
            self._model, path, spark, extraMetadata={"skfocal": kept}
        )
        model = bytes(local.booster_.save_raw("ubj"))
        starts = range(0, len(model), _CHUNK_BYTES)
        chunks = [(i, model[i : i + _CHUNK_BYTES]) for i in starts]
        frame = spark.createDataFrame(chunks, "start long, bytes binary")
        frame.coalesce(1).write.parquet(os.path.join(path, "model"))


class _ModelReader(MLReader):
    def __init__(self, cls: type[SparkFocalXGBClassifierModel]) -> None:
        super().__init__()
        self._cls = cls

    def load(self, path: str) -> SparkFocalXGBClassifierModel:
        spark = self.sparkSession
        metadata = DefaultParamsReader.loadMetadata(path, spark)
        model = self._cls()
        model._resetUid(metadata["uid"])
        DefaultParamsReader.getAndSetParams(model, metadata)
        rows = spark.read.parquet(os.path.join(path, "model")).orderBy("start")
        raw = bytearray(b"".join(row.bytes for row in rows.collect()))
        local = local_classifier(model, xgb.Booster(model_file=raw))
        for name, value in metadata["skfocal"].items():
            setattr(local, name, value)
        model._local = local
        return model
