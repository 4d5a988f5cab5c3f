"""What is refused, before any worker trains."""

import numpy as np
import pytest

from tests.spark.data import MARKS, frame_of, make_data

from pyspark.sql import functions as F  # isort: skip
from skfocal.spark import SparkFocalXGBClassifier  # isort: skip

pytestmark = MARKS


@pytest.fixture(autouse=True)
def _no_training(monkeypatch):
    from xgboost.spark import SparkXGBClassifier

    def train(*args):
        raise AssertionError("a training began")

    monkeypatch.setattr(SparkXGBClassifier, "fit", train)


@pytest.fixture(scope="module")
def frame(spark):
    X, y, weight = make_data(2, 60)
    valid = np.arange(len(y)) >= 40
    return frame_of(spark, X, y, weight, valid).cache()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"objective": "binary:logistic"}, "objective must not be given"),
        ({"base_score": 0.3}, r"base_score must not be given: .*got 0\.3"),
        ({"xgb_model": "file"}, "xgb_model must not be given"),
        ({"base_margin_col": "m"}, r"base_margin_col must not be given: .*got 'm'"),
        ({"qid_col": "q"}, "qid_col must not be given"),
        ({"n_jobs": 2}, r"n_jobs must not be given: .*spark\.task\.cpus; got 2"),
        ({"nthread": 2}, "nthread must not be given"),
        ({"eval_set": []}, "eval_set must not be given: on Spark columns hold"),
        ({"sample_weight": [1]}, "sample_weight must not be given"),
        ({"enable_categorical": True}, "enable_categorical must not be given"),
        ({"num_class": 3}, "num_class must not be given: labelCol says it"),
        ({"obj": len}, "obj must not be given: the objective is the focal loss"),
        ({"custom_metric": len}, "custom_metric must not be given"),
        ({"arbitrary_params_dict": {}}, "further parameters are keywords"),
        ({"focal_gama": 1.0}, "must be .*got focal_gama"),
    ],
)
def test_parameters_that_have_no_place(words, message):
    with pytest.raises(ValueError, match=message):
        SparkFocalXGBClassifier(**words)
    with pytest.raises(ValueError, match=message):
        SparkFocalXGBClassifier().setParams(**words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_gamma": "two"}, "focal_gamma.*must be a number or a sequence"),
        ({"focal_gamma": [[1.0]]}, "focal_gamma.*must be a number or a sequence"),
        ({"focal_alpha": {"a": 1.0}}, "keys must be labels .*got 'a'"),
        ({"focal_alpha": {0.5: 1.0}}, r"keys must be labels .*got 0\.5"),
        ({"focal_alpha": 1j}, "focal_alpha.*must be a number or a sequence"),
        ({"num_workers": "many"}, "num_workers"),
    ],
)
def test_parameters_of_another_type(words, message):
    with pytest.raises(TypeError, match=message):
        SparkFocalXGBClassifier(**words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_gamma": 25.0}, r"focal_gamma must be <= 20, got 25\.0"),
        ({"focal_gamma": -1.0}, r"focal_gamma must be >= 0 and finite, got -1\.0"),
        ({"focal_gamma": [1.0] * 3}, r"focal_gamma must have one entry per class \(2"),
        ({"focal_alpha": 1.5}, r"focal_alpha must be in \(0, 1\) .*got 1\.5"),
        ({"focal_alpha": [1.0, -2.0]}, r"focal_alpha must be > 0 .*got \[1\.0, -2"),
        ({"focal_alpha": {2: 1.0}}, r"focal_alpha must have labels .*got \[2\]"),
        ({"focal_alpha": "equal"}, "focal_alpha must be None, .*got 'equal'"),
        ({"focal_link": "logit"}, "focal_link must be one of .*got 'logit'"),
        ({"focal_hessian": "absolute"}, "focal_hessian must be one of .*got 'abs"),
        ({"booster": "gblinear"}, "booster must not be 'gblinear'"),
        ({"tree_method": "exact"}, "tree_method must not be 'exact'"),
        ({"multi_strategy": "multi_output_tree"}, "multi_strategy must not be"),
        ({"num_workers": 0}, "num_workers must be >= 1, got 0"),
        ({"num_workers": 3}, "num_workers must be at most 2, .* got 3"),
        ({"early_stopping_rounds": 5}, "early_stopping_rounds must be None without"),
        ({"eval_metric": len}, "eval_metric must be the name .*got <built-in"),
        ({"eval_metric": ["auc", len]}, "eval_metric must be the name .*got <built-in"),
        ({"eval_metric": "loggloss"}, "(?s)loggloss"),
        ({"scale_pos_weight": -1.0}, r"scale_pos_weight must be > 0 .*got -1\.0"),
        ({"features_col": "x"}, "featuresCol must name a column .*got 'x'"),
        ({"features_col": ["weight", "x"]}, "featuresCol must name a col.*got 'x'"),
        ({"features_col": "label"}, "vectors or arrays of numbers, got 'label' of"),
        ({"features_col": ["features"]}, "of numbers .*got 'features' of type array"),
        ({"label_col": "x"}, "labelCol must name a column of the data .*got 'x'"),
        ({"label_col": "text"}, r"labelCol must .*StringIndexer .*of type string"),
        ({"weight_col": "x"}, "weightCol must name a column of the data .*got 'x'"),
        ({"weight_col": "text"}, "weightCol must name a column of numbers, .*string"),
        ({"validation_indicator_col": "label"}, "booleans, got 'label' of type double"),
    ],
)
def test_parameters_that_cannot_be(frame, words, message):
    frame = frame.withColumn("text", F.lit("a"))
    with pytest.raises(Exception, match=message) as caught:
        SparkFocalXGBClassifier(**words).fit(frame)
    assert isinstance(caught.value, ValueError)


def first(column, value):
    """Replace one value in a column of the data set, all in SQL."""
    return {column: f"if(at = 0, {value}, {column})"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (first("label", "null"), "labelCol 'label' must hold .*Indexer.*got null"),
        (first("label", "-1.0"), r"labelCol 'label' must hold .*got -1\.0"),
        (first("label", "0.5"), r"labelCol 'label' must hold .*got 0\.5"),
        (first("label", "double('nan')"), "labelCol 'label' must hold .*got NaN"),
        (first("label", "1e7"), r"labelCol 'label' must hold .*got 1\.0E7"),
        (first("label", "3.0"), r"must hold the numbers 0 .*got \[0, 1, 3\] in rows"),
        ({"label": "1"}, "at least two classes .*got only the class 1"),
        ({"label": "label + 1"}, r"must hold the numbers .*got \[1, 2\] in"),
        (first("weight", "-0.5"), r"weightCol 'weight' must be >= 0 .*got -0\.5"),
        (first("weight", "double('inf')"), "weightCol 'weight' must .*got Infinity"),
        (first("weight", "double('nan')"), "weightCol 'weight' must .*got NaN"),
        (first("weight", "null"), "weightCol 'weight' must be >= 0 .*got null"),
        (
            {"weight": "1e18 * weight"},
            r"sample_weight, .* a sum from .*1e\+18",
        ),
        ({"weight": "0.0"}, r"weightCol 'weight' must not be all zero, .*0\.0"),
        (
            {"weight": "weight * label"},
            "at least two classes of positive weight, got only the class 1",
        ),
        (first("valid", "null"), "validationIndicatorCol 'valid' must be .*got null"),
        ({"valid": "false"}, "must mark rows of positive weight, got none"),
        ({"valid": "true"}, "must have rows to train on, got none"),
        (
            {"label": "if(valid, 4, label)"},
            r"must hold only labels from \[0, 1\] in validation rows, got \[4\]",
        ),
        (first("features", "null"), "featuresCol 'features' must hold .*got null"),
    ],
)
def test_values_that_cannot_be(frame, columns, message):
    # Among the first rows is one of positive weight.
    frame = frame.withColumn("at", F.monotonically_increasing_id())
    frame = frame.withColumn("weight", F.greatest("weight", F.lit(0.5)))
    frame = frame.withColumns({k: F.expr(sql) for k, sql in columns.items()})
    estimator = SparkFocalXGBClassifier(
        weight_col="weight", validation_indicator_col="valid"
    )
    with pytest.raises(ValueError, match=message):
        estimator.fit(frame)


def test_a_factor_of_class_1_of_three(frame):
    frame = frame.withColumn("label", F.monotonically_increasing_id() % 3)
    with pytest.raises(ValueError, match=r"scale_pos_weight .* 3 classes, got 2\.0"):
        SparkFocalXGBClassifier(scale_pos_weight=2.0).fit(frame)
