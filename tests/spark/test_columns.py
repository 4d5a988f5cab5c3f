"""The columns that an estimator reads and that its model adds."""

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal

from tests.spark.data import (
    MARKS,
    WORDS,
    columns_of,
    frame_of,
    make_data,
    sparse_frame,
)

from pyspark.errors import PySparkException  # isort: skip
from pyspark.sql import functions as F  # isort: skip
from skfocal.spark import SparkFocalXGBClassifier  # isort: skip

pytestmark = MARKS

NAMES = [f"x{i}" for i in range(6)]
FEW = {**WORDS, "n_estimators": 5}


@pytest.fixture(scope="module")
def of_columns(spark):
    """Data, and a model trained on several columns of features."""
    X, y, _ = make_data(2)
    frame = frame_of(spark, X, y, form="columns")
    estimator = SparkFocalXGBClassifier(features_col=NAMES, focal_alpha=0.6, **FEW)
    return X, y, frame, estimator.fit(frame)


@pytest.fixture(scope="module")
def of_vectors(spark):
    """The same with a column of vectors and several workers; and three classes."""
    X, y, _ = make_data(3)
    frame = frame_of(spark, X, y, form="vector")
    estimator = SparkFocalXGBClassifier(focal_alpha=[0.2, 1.0, 3.0], **FEW)
    return X, y, frame, estimator.fit(frame)


def test_several_columns_name_the_features(of_columns):
    X, _, frame, model = of_columns
    local = model.to_local()
    assert local.feature_names_in_.tolist() == NAMES
    assert model.get_booster().feature_names == NAMES
    assert set(model.get_feature_importances("gain")) <= set(NAMES)
    proba = columns_of(model.transform(frame), "probability")
    assert_array_equal(proba, local.predict_proba(pd.DataFrame(X, columns=NAMES)))
    booster = model.get_booster()
    assert_allclose(
        booster.inplace_predict(X, validate_features=False), proba[:, 1], atol=1e-6
    )


@pytest.mark.parametrize("form", ["array", "vector"])
def test_a_model_of_columns_takes_vectors_and_arrays(spark, of_columns, form):
    X, y, frame, model = of_columns
    columns = columns_of(model.transform(frame), "rawPrediction")
    other = model.transform(frame_of(spark, X, y, form=form))
    assert_array_equal(columns_of(other, "rawPrediction"), columns)


def test_arrays_are_vectors(spark, of_vectors):
    X, y, frame, model = of_vectors
    vectors = columns_of(model.transform(frame), "probability")
    arrays = frame_of(spark, X, y)
    # An array holds missing values as Spark's or as NumPy's.
    nulls = F.transform("features", lambda x: F.nanvl(x, F.lit(None)))
    for frame in (arrays, arrays.withColumn("features", nulls)):
        assert_array_equal(columns_of(model.transform(frame), "probability"), vectors)


def test_raw_predictions_are_spark_conventions(of_columns, of_vectors):
    for X, _, frame, model in (of_columns, of_vectors):
        local = model.to_local()
        raw, proba = columns_of(model.transform(frame), "rawPrediction", "probability")
        ours = local.decision_function(X, validate_features=False)
        if ours.ndim == 1:
            ours = np.column_stack([-ours, ours])
        assert_array_equal(raw, ours)
        odds = np.exp(raw[:, 1] - raw[:, 0]) if raw.shape[1] == 3 else np.exp(raw[:, 1])
        assert_allclose(proba[:, 1] / proba[:, 0], odds, rtol=1e-6)


def test_prediction_is_the_least_expected_cost(of_columns, of_vectors):
    for costs, (_, _, frame, model) in (
        ([0.4, 0.6], of_columns),
        ([0.2, 1.0, 3.0], of_vectors),
    ):
        proba, label = columns_of(model.transform(frame), "probability", "prediction")
        assert_array_equal(label, (proba * costs).argmax(axis=1))
        assert (label != proba.argmax(axis=1)).any()


def test_an_empty_name_adds_no_column(of_columns):
    _, _, frame, model = of_columns
    names = {"rawPredictionCol": "a", "probabilityCol": "", "predictionCol": "c"}
    words = {getattr(model, name): value for name, value in names.items()}
    added = model.transform(frame, words).columns
    assert added == [*frame.columns, "a", "c"]
    none = dict.fromkeys(words, "")
    assert model.transform(frame, none).columns == frame.columns


@pytest.mark.parametrize("which", ["of_columns", "of_vectors"])
def test_contributions_sum_to_the_raw_predictions(which, request):
    X, _, frame, model = request.getfixturevalue(which)
    out = model.transform(frame.limit(50), {model.pred_contrib_col: "shap"})
    shap, raw = columns_of(out, "shap", "rawPrediction")
    raw = raw[:, 1:] if raw.shape[1] == 2 else raw
    assert shap.shape == (50, raw.shape[1], X.shape[1] + 1)
    assert_allclose(shap.sum(axis=2), raw, atol=1e-5)


def test_fewer_rounds_can_be_used(of_vectors):
    X, _, frame, model = of_vectors
    out = model.transform(frame, {model.iteration_range: [0, 2]})
    head = model.to_local().predict_proba(X, iteration_range=(0, 2))
    assert_array_equal(columns_of(out, "probability"), head)


def test_a_row_without_features_is_an_error(of_vectors):
    _, _, frame, model = of_vectors
    no_features = frame.limit(3).withColumn(
        "features", F.when(F.lit(False), F.col("features"))
    )
    with pytest.raises(PySparkException, match="featuresCol must hold vectors"):
        model.transform(no_features).collect()


def test_a_column_that_is_not_there_is_an_error(of_vectors):
    _, _, frame, model = of_vectors
    with pytest.raises(ValueError, match=r"featuresCol must name a column .*got 'x'"):
        model.transform(frame, {model.featuresCol: "x"})


def test_a_feature_that_is_not_there_is_named(of_columns):
    _, _, frame, model = of_columns
    with pytest.raises(ValueError, match=r"featuresCol must name a col.*got 'x2'"):
        model.transform(frame.drop("x2"))


def test_sparse_vectors_stay_sparse(spark):
    X, y, _ = make_data(2)
    X[~(np.abs(X) > 0.5)] = 0.0
    frame = sparse_frame(spark, X, y)
    estimator = SparkFocalXGBClassifier(
        enable_sparse_data_optim=True, missing=0.0, **FEW
    )
    model = estimator.fit(frame)
    local = model.to_local()
    assert local.missing == 0.0
    proba = columns_of(model.transform(frame), "probability")
    assert_array_equal(proba, local.predict_proba(X))
    assert_allclose(proba[:, 1].mean(), y.mean(), atol=1e-6)


def test_features_can_be_categories_and_the_model_cut_by_a_callback(spark):
    X, y, _ = make_data(2)
    code = np.random.default_rng(0).integers(0, 5, len(y))
    y = np.isin(code, [0, 3]) ^ (y == 1)
    X = np.column_stack([code, X[:, 0]]).astype(np.float32)
    valid = np.arange(len(y)) % 4 == 0
    frame = frame_of(spark, X, y, valid=valid, form="vector")
    stopping = xgb.callback.EarlyStopping(
        rounds=3, metric_name="relative_focal_loss", save_best=True
    )
    model = SparkFocalXGBClassifier(
        feature_types=["c", "q"],
        validation_indicator_col="valid",
        callbacks=[stopping],
        **WORDS | {"n_estimators": 100, "max_depth": 5},
    ).fit(frame)
    booster = model.get_booster()
    assert booster.feature_types == ["c", "q"]
    assert booster.trees_to_dataframe()["Category"].notna().any()
    assert model.to_local().n_iter_ < 97
    proba = columns_of(model.transform(frame), "probability")[:, 1]
    assert_allclose(proba[~valid].mean(), y[~valid].mean(), atol=1e-6)
    assert proba[y].mean() > proba[~y].mean() + 0.2
