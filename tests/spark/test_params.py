"""The parameters: those of XGBoost's estimator under their names."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skfocal import FocalXGBClassifier
from skfocal._boosting.calibration import alpha_scale
from skfocal._compute.threads import max_threads
from tests.spark.data import MARKS, columns_of, frame_of, make_data

from pyspark.ml.param import Params  # isort: skip
from skfocal.spark import SparkFocalXGBClassifier  # isort: skip
from skfocal.spark._host import task_cpus, task_slots  # isort: skip
from skfocal.spark._rows import LABEL, VALID, WEIGHT, SparkRows  # isort: skip
from skfocal.spark._training import SparkTraining  # isort: skip
from skfocal.xgboost._worker_part import WorkerPart  # isort: skip
from xgboost.spark import SparkXGBClassifier  # isort: skip

pytestmark = MARKS

REFUSED = {"objective", "base_score", "xgb_model", "base_margin_col", "qid_col"}
OWN = {"focal_gamma", "focal_alpha", "focal_link", "focal_hessian"}


def test_they_are_the_hosts_and_the_focal_losses():
    host = SparkXGBClassifier()
    ours = {p.name for p in SparkFocalXGBClassifier().params}
    assert ours == {p.name for p in host.params} - REFUSED | OWN


def test_defaults_are_the_hosts():
    host, ours = SparkXGBClassifier(), SparkFocalXGBClassifier()
    for param in host.params:
        if param.name in REFUSED | {"force_repartition", "missing"}:
            continue
        assert ours.isDefined(param.name) == host.isDefined(param)
        if host.isDefined(param):
            assert ours.getOrDefault(param.name) == host.getOrDefault(param)
    assert ours.getOrDefault("force_repartition") is True
    assert np.isnan(ours.getOrDefault("missing"))
    focal = FocalXGBClassifier()
    for name in OWN:
        assert ours.getOrDefault(name) == getattr(focal, name)


def test_the_constructor_has_the_hosts_parameters():
    host, ours = (
        inspect.signature(cls.__init__).parameters
        for cls in (SparkXGBClassifier, SparkFocalXGBClassifier)
    )
    assert set(host) - REFUSED <= set(ours)
    # What it shows as a default is the default.
    estimator = SparkFocalXGBClassifier()
    aliases = {f"{name.lower()}_col": f"{name}Col" for name in ("features", "label")}
    aliases |= {"weight_col": "weightCol", "prediction_col": "predictionCol"}
    aliases |= {"raw_prediction_col": "rawPredictionCol"}
    aliases |= {"probability_col": "probabilityCol"}
    aliases |= {"validation_indicator_col": "validationIndicatorCol"}
    for name, parameter in ours.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            param = estimator.getParam(aliases.get(name, name))
            defined = estimator.isDefined(param)
            value = estimator.getOrDefault(param) if defined else None
            assert value == parameter.default, name


def test_columns_have_two_names():
    for words in ({"label_col": "y"}, {"labelCol": "y"}):
        assert SparkFocalXGBClassifier(**words).getLabelCol() == "y"
    for name in ("features_col", "featuresCol"):
        several = SparkFocalXGBClassifier(**{name: ["a", "b"]})
        assert several.getOrDefault("features_cols") == ["a", "b"]
        assert several.setParams(**{name: "c"}).getFeaturesCol() == "c"
        assert several.getOrDefault("features_cols") == []


def test_none_is_the_default():
    estimator = SparkFocalXGBClassifier(max_depth=3, weight_col="w", n_estimators=5)
    estimator.setParams(max_depth=None, weight_col=None, n_estimators=None)
    assert estimator.getOrDefault("max_depth") is None
    assert estimator.getOrDefault("n_estimators") == 100
    assert not estimator.isDefined("weightCol")


def test_further_parameters_add_up():
    estimator = SparkFocalXGBClassifier(max_cached_hist_node=7)
    estimator.setParams(updater="grow_quantile_histmaker")
    words = estimator._engine_words()
    assert words["max_cached_hist_node"] == 7
    assert words["updater"] == "grow_quantile_histmaker"


@pytest.fixture(scope="module")
def rows(spark):
    """A small data set, on Spark and not."""
    X, y, weight = make_data(2, 300)
    valid = np.arange(len(y)) % 3 == 0
    return X, y, weight, valid, frame_of(spark, X, y, weight, valid).cache()


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"focal_alpha": "balanced"},
        {"focal_alpha": 0.7, "focal_gamma": 0.5},
        {"focal_alpha": {1: 4.0}, "focal_gamma": [1.0, 3.0]},
        {"focal_alpha": (1.0, 5.0), "focal_link": "focal"},
        {"focal_alpha": "balanced", "scale_pos_weight": 4.0},
    ],
)
def test_start_and_scale_are_the_single_machines(spark, rows, words):
    X, y, weight, valid, frame = rows
    estimator = SparkFocalXGBClassifier(
        weight_col="weight", validation_indicator_col="valid", **words
    )
    training = SparkTraining(estimator, SparkRows(estimator, frame), spark)
    alone = FocalXGBClassifier(n_estimators=1, **words)
    alone.fit(X[~valid], y[~valid], sample_weight=weight[~valid])
    if alone.loss_.alpha is None:
        assert training.loss.alpha is None
    else:
        assert_allclose(training.loss.alpha, alone.loss_.alpha, rtol=1e-12)
    assert training.loss.gamma == alone.loss_.gamma
    factor = np.where(y == 1, words.get("scale_pos_weight", 1.0), 1.0)
    scale = alpha_scale(alone.loss_, y[~valid], (weight * factor)[~valid])
    objective = training._worker_part().objective
    assert_allclose(objective._scale, scale, rtol=1e-12)
    assert_allclose(training.start, alone.initial_score_, rtol=1e-12)


def test_a_worker_computes_on_its_own_cores():
    seen = []

    def look(raw, data):
        seen.append(max_threads())

    part = WorkerPart(look, look, n_classes=2, count_threads=lambda: 1)
    part.step(np.zeros(3), None)
    part.evaluate(np.zeros(3), None)
    assert seen == [1, 1]


def test_rows_of_weight_zero_are_dropped(spark, rows):
    _, y, weight, valid, frame = rows
    estimator = SparkFocalXGBClassifier(
        weight_col="weight", validation_indicator_col="valid", scale_pos_weight=4.0
    )
    prepared = SparkRows(estimator, frame).prepared(np.array([1.0, 4.0]))
    used = weight > 0
    assert 0 < used.sum() < len(y)
    found = columns_of(prepared, LABEL, WEIGHT, VALID)
    # The factor is of the training rows, as on one machine.
    factor = np.where((y == 1) & ~valid, 4.0, 1.0)
    for column, true in zip(found, (y, weight * factor, valid), strict=True):
        assert_array_equal(column, true[used])


def test_what_spark_runs_at_a_time(spark):
    assert task_slots(spark) == 2
    assert task_cpus(spark) == 1


def test_spark_has_what_estimators_override():
    """Names of PySpark that begin with an underscore, and that estimators use."""
    for name in ("_set", "_setDefault", "_copyValues", "_resetUid", "_dummy"):
        assert callable(getattr(Params, name))
