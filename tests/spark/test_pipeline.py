"""Spark's own tools with the estimator, and what is saved."""

import gc

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_array_equal
from sklearn.metrics import roc_auc_score

from tests.spark.data import MARKS, WORDS, columns_of, frame_of, make_data

from pyspark.ml import Pipeline, PipelineModel  # isort: skip
from pyspark.ml.evaluation import BinaryClassificationEvaluator  # isort: skip
from pyspark.ml.feature import StringIndexer, VectorAssembler  # isort: skip
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder  # isort: skip
from skfocal.spark import (  # isort: skip
    SparkFocalXGBClassifier,
    SparkFocalXGBClassifierModel,
)
from skfocal.xgboost import FocalXGBClassifier  # isort: skip

pytestmark = MARKS

FEW = {**WORDS, "n_estimators": 3}
NAMES = [f"x{i}" for i in range(6)]


def test_a_pipeline_of_text_labels_is_saved_and_loaded(spark, tmp_path):
    X, y, weight = make_data(2)
    frame = frame_of(spark, X, y, weight, form="columns").fillna(0.0)
    frame = frame.replace({0.0: 10.0, 1.0: 20.0}, subset=["label"])
    frame = frame.withColumn("text", frame.label.cast("string"))
    pipeline = Pipeline(
        stages=[
            StringIndexer(inputCol="text", outputCol="index"),
            VectorAssembler(inputCols=NAMES, outputCol="vector"),
            SparkFocalXGBClassifier(
                features_col="vector", label_col="index", weight_col="weight", **FEW
            ),
        ]
    )
    pipeline.write().overwrite().save(str(tmp_path / "pipeline"))
    model = Pipeline.load(str(tmp_path / "pipeline")).fit(frame)
    model.write().overwrite().save(str(tmp_path / "model"))
    restored = PipelineModel.load(str(tmp_path / "model"))
    names = ("rawPrediction", "probability", "prediction")
    ours, theirs = (columns_of(m.transform(frame), *names) for m in (model, restored))
    for one, other in zip(ours, theirs, strict=True):
        assert_array_equal(one, other)
    assert roc_auc_score(y, ours[1][:, 1]) > 0.7


def test_cross_validation_over_gamma(spark, tmp_path):
    X, y, _ = make_data(2)
    frame = frame_of(spark, X, y)
    estimator = SparkFocalXGBClassifier(**FEW)
    grid = ParamGridBuilder().addGrid(estimator.focal_gamma, [0, 2.0]).build()
    search = CrossValidator(
        estimator=estimator,
        estimatorParamMaps=grid,
        evaluator=BinaryClassificationEvaluator(),
        numFolds=2,
        seed=0,
    )
    found = search.fit(frame)
    assert len(found.avgMetrics) == 2
    assert min(found.avgMetrics) > 0.7
    best = [0.0, 2.0][int(np.argmax(found.avgMetrics))]
    assert found.bestModel.getOrDefault("focal_gamma") == best
    assert found.bestModel.to_local().loss_.gamma == best
    search.write().overwrite().save(str(tmp_path / "search"))
    restored = CrossValidator.load(str(tmp_path / "search"))
    gammas = [m[estimator.focal_gamma] for m in restored.getEstimatorParamMaps()]
    assert gammas == [0, 2.0]
    # The pool of threads that its evaluation left is not another test's.
    del found, search
    gc.collect()


def test_an_estimator_is_saved_with_everything(spark, tmp_path):
    from xgboost.collective import Config

    words = {
        "focal_gamma": np.array([1.0, 2.0, 3.0]),
        "focal_alpha": {0: 1.0, 2: 5.0},
        "focal_link": "focal",
        "focal_hessian": "absolute",
        "features_col": ["a", "b"],
        "weight_col": "w",
        "num_workers": 3,
        "max_depth": np.int64(4),
        "eval_metric": ["mlogloss", "relative_focal_loss"],
        "coll_cfg": Config(timeout=60),
        "max_bin": 64,
        "max_cached_hist_node": 7,
    }
    estimator = SparkFocalXGBClassifier(**words)
    estimator.save(str(tmp_path / "estimator"))
    restored = SparkFocalXGBClassifier.load(str(tmp_path / "estimator"))
    assert type(restored) is SparkFocalXGBClassifier
    assert restored.uid == estimator.uid
    ours, theirs = (
        {p.name: v for p, v in e.extractParamMap().items() if p.name != "missing"}
        for e in (estimator, restored)
    )
    assert ours == theirs
    assert ours["focal_gamma"] == [1.0, 2.0, 3.0]
    assert ours["focal_alpha"] == {0: 1.0, 2: 5.0}
    assert ours["arbitrary_params_dict"] == {"max_cached_hist_node": 7}
    assert ours["coll_cfg"]["timeout"] == 60
    assert np.isnan(restored.getOrDefault("missing"))


def test_a_model_is_saved_with_everything(spark, tmp_path, monkeypatch):
    import skfocal.spark._model as module

    # In several pieces, as a large one is.
    monkeypatch.setattr(module, "_CHUNK_BYTES", 10_000)
    X, y, weight = make_data(3)
    valid = np.arange(len(y)) % 4 == 0
    frame = frame_of(spark, X, y, weight, valid)
    model = SparkFocalXGBClassifier(
        focal_gamma=[1.0, 2.0, 0.5],
        focal_alpha={1: 2.0},
        weight_col="weight",
        validation_indicator_col="valid",
        early_stopping_rounds=2,
        **WORDS | {"n_estimators": 60, "max_depth": 6},
    ).fit(frame)
    path = str(tmp_path / "model")
    model.save(path)
    restored = SparkFocalXGBClassifierModel.load(path)
    assert type(restored) is SparkFocalXGBClassifierModel
    assert spark.read.parquet(f"{path}/model").count() > 3
    names = ("rawPrediction", "probability", "prediction")
    for one, other in zip(
        columns_of(model.transform(frame), *names),
        columns_of(restored.transform(frame), *names),
        strict=True,
    ):
        assert_array_equal(one, other)
    ours, theirs = model.to_local(), restored.to_local()
    assert repr(ours.get_params()) == repr(theirs.get_params())
    ours, theirs = (vars(local) for local in (ours, theirs))
    assert ours["best_iteration_"] < len(
        ours["evals_result_"]["validation"]["relative_focal_loss"]
    )
    assert set(ours) == set(theirs)
    for name in ("loss_", "best_iteration_", "best_score_", "evals_result_", "n_iter_"):
        assert ours[name] == theirs[name], name
    for name in ("classes_", "initial_score_", "calibration_shift_"):
        assert_array_equal(ours[name], theirs[name])
    assert restored.uid == model.uid
    assert restored.get_booster().save_raw() == model.get_booster().save_raw()
    assert restored.getOrDefault("focal_alpha") == {1: 2.0}
    # One without Spark is enough to go on.
    saved = bytearray(model.get_booster().save_raw("json"))
    alone = FocalXGBClassifier.from_booster(xgb.Booster(model_file=saved))
    proba = columns_of(model.transform(frame), "probability")
    assert_array_equal(alone.predict_proba(X), proba)


def test_callbacks_are_not_saved(tmp_path):
    callbacks = [xgb.callback.LearningRateScheduler([0.1] * 3)]
    estimator = SparkFocalXGBClassifier(callbacks=callbacks)
    with pytest.raises(ValueError, match="callbacks must be None in what is saved"):
        estimator.save(str(tmp_path / "estimator"))
