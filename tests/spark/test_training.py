"""Trainings on Spark against those of one machine."""

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.metrics import log_loss

from skfocal import FocalXGBClassifier
from skfocal.xgboost import FocalMetric
from tests.spark.data import (
    MARKS,
    WORDS,
    columns_of,
    frame_of,
    make_data,
    partition_sizes,
    placed,
)

from pyspark.sql import functions as F  # isort: skip
from skfocal.spark import SparkFocalXGBClassifier  # isort: skip

pytestmark = MARKS

AS_THEY_LIE = {"num_workers": 2, "force_repartition": False}


def by_class(X, y, weight):
    """One class fills the first half, so that each worker has one."""
    first = np.flatnonzero(y == 0)[: np.sum(y == 1)]
    order = np.concatenate([first, np.flatnonzero(y == 1)])
    return X[order], y[order], weight[order]


def one_class_each(spark, X, y, weight):
    frame = frame_of(spark, X, y, weight)
    labels = frame.select("label").rdd.map(lambda row: row.label).glom().collect()
    assert [set(part) for part in labels] == [{0.0}, {1.0}]
    return frame


def no_rows_for_one(spark, X, y, weight):
    frame = placed(frame_of(spark, X, y, weight), F.lit(False))
    assert partition_sizes(frame) == [len(y), 0]
    return frame


def few_rows_for_one(spark, X, y, weight):
    few = F.monotonically_increasing_id() < 20
    frame = placed(frame_of(spark, X, y, weight), few)
    assert partition_sizes(frame) == [len(y) - 20, 20]
    return frame


CASES = {
    "one worker": (2, lambda *data: data, frame_of, {"num_workers": 1}),
    "one class each": (2, by_class, one_class_each, AS_THEY_LIE),
    "three classes": (3, lambda *data: data, frame_of, {"num_workers": 2}),
    "no rows for one": (3, lambda *data: data, no_rows_for_one, AS_THEY_LIE),
    "few rows for one": (2, lambda *data: data, few_rows_for_one, AS_THEY_LIE),
}


class Case:
    """A training of both kinds on the same rows."""

    def __init__(self, spark, name):
        n_classes, choose, place, words = CASES[name]
        data = make_data(n_classes, 3200)
        self.X, self.y, self.weight = choose(*(part[:1600] for part in data))
        self.held_out = choose(*(part[1600:] for part in data))
        self.frame = place(spark, self.X, self.y, self.weight)
        words = words | WORDS | {"focal_alpha": "balanced"}
        self.estimator = SparkFocalXGBClassifier(weight_col="weight", **words)
        self.model = self.estimator.fit(self.frame)
        self.local = self.model.to_local()
        self.alone = FocalXGBClassifier(
            focal_alpha="balanced", n_estimators=20, max_depth=3, learning_rate=0.3
        ).fit(self.X, self.y, sample_weight=self.weight)


@pytest.fixture(scope="module", params=CASES)
def case(spark, request):
    return Case(spark, request.param)


def test_start_and_alpha_are_the_single_machines(case):
    assert_allclose(case.local.loss_.alpha, case.alone.loss_.alpha, rtol=1e-12)
    start, alone = case.local.initial_score_, case.alone.initial_score_
    assert_allclose(start, alone, rtol=1e-12, atol=1e-12)


def test_the_log_loss_of_held_out_rows_is_the_single_machines(case):
    X, y, weight = case.held_out
    shares = np.bincount(y, weight) / weight.sum()
    ours, alone, constant = (
        log_loss(y, proba, sample_weight=weight)
        for proba in (
            case.local.predict_proba(X),
            case.alone.predict_proba(X),
            np.tile(shares, (len(y), 1)),
        )
    )
    assert abs(ours - alone) < 0.005
    assert ours < 0.8 * constant


def test_mean_probability_is_the_weighted_share(case):
    proba = columns_of(case.model.transform(case.frame), "probability")
    y, weight = columns_of(case.frame, "label", "weight")
    shares = np.bincount(y.astype(int), weight) / weight.sum()
    assert_allclose(weight @ proba / weight.sum(), shares, atol=1e-6)
    assert np.abs(case.local.calibration_shift_).max() > 1e-3


def test_columns_are_what_the_local_model_predicts(case):
    out = case.model.transform(case.frame)
    X, raw, proba, label = columns_of(
        out, "features", "rawPrediction", "probability", "prediction"
    )
    ours = case.local.decision_function(X)
    if case.model.numClasses == 2:
        ours = np.column_stack([-ours, ours])
    assert_array_equal(raw, ours)
    assert_array_equal(proba, case.local.predict_proba(X))
    assert_array_equal(label, case.local.predict(X))
    costs = np.array(case.local.loss_.alpha)
    assert_array_equal(label, (costs * proba).argmax(axis=1))
    assert (label != proba.argmax(axis=1)).any()


def test_scores_are_those_of_all_rows(case):
    """Whatever rows a worker has; the shift came after them."""
    local, used = case.local, case.weight > 0
    X, y, weight = case.X[used], case.y[used], case.weight[used]
    metric = FocalMetric(local.loss_.gamma, local.loss_.alpha)
    raw = local.decision_function(X) - local.calibration_shift_
    scores = case.model.training_summary.train_objective_history
    assert_allclose(
        scores["relative_focal_loss"][-1], metric(y, raw, weight), atol=2e-6
    )
    assert local.evals_result_ == {"training": scores}


def test_the_booster_is_self_contained(case):
    booster = case.model.get_booster()
    restored = FocalXGBClassifier.from_booster(booster)
    proba = case.local.predict_proba(case.X)
    assert_array_equal(restored.predict_proba(case.X), proba)
    assert_allclose(
        booster.inplace_predict(case.X),
        proba[:, 1] if proba.shape[1] == 2 else proba,
        atol=1e-6,
    )
    assert set(booster.attributes()) == {"skfocal", "skfocal_checksums"}


def test_the_local_classifier_has_all_parameters(case):
    params = case.local.get_params()
    assert params["n_estimators"] == 20
    assert params["max_depth"] == 3
    assert params["focal_alpha"] == "balanced"
    assert_array_equal(case.local.classes_, np.arange(case.model.numClasses))
    assert case.local.n_features_in_ == case.model.numFeatures == 6
    assert case.local.n_iter_ == 20
    assert case.local.best_iteration_ is None
    refit = case.local.fit(case.X, case.y, sample_weight=case.weight)
    assert_array_equal(refit.predict_proba(case.X), case.alone.predict_proba(case.X))


def with_validation(spark, n_classes=2):
    """The rows to validate on are all in the second partition."""
    X, y, weight = make_data(n_classes)
    valid = np.arange(len(y)) >= 3 * len(y) // 4
    return X, y, weight, valid, frame_of(spark, X, y, weight, valid)


def test_early_stopping_keeps_the_best_round(spark):
    X, y, weight, valid, frame = with_validation(spark)
    model = SparkFocalXGBClassifier(
        weight_col="weight",
        validation_indicator_col="valid",
        early_stopping_rounds=3,
        eval_metric=["logloss", "relative_focal_loss"],
        **AS_THEY_LIE,
        **WORDS | {"n_estimators": 200, "max_depth": 6},
    ).fit(frame)
    local = model.to_local()
    history = model.training_summary.validation_objective_history
    scores = history["relative_focal_loss"]
    assert len(scores) < 200
    assert local.best_iteration_ == np.argmin(scores) == len(scores) - 4
    assert local.n_iter_ == local.best_iteration_ + 1
    assert model.get_booster().num_boosted_rounds() == local.n_iter_
    used = valid & (weight > 0)
    raw = local.decision_function(X) - local.calibration_shift_
    true = log_loss(y[used], expit(raw[used]), sample_weight=weight[used])
    assert_allclose(history["logloss"][local.best_iteration_], true, atol=1e-5)
    true = FocalMetric(local.loss_.gamma)(y[used], raw[used], weight[used])
    assert_allclose(local.best_score_, true, atol=2e-6)
    # The start, and the balance at the best round, are of the training rows alone.
    train = ~valid & (weight > 0)
    share = np.average(y[train], weights=weight[train])
    start = local.loss_.fit_intercept_only(y[train], weight[train])
    assert_allclose(local.initial_score_, start, rtol=1e-12)
    proba = local.predict_proba(X[train])[:, 1]
    assert_allclose(np.average(proba, weights=weight[train]), share, atol=1e-6)


def test_in_the_focal_link_metrics_by_name_see_the_class_probabilities(spark):
    X, y, weight, valid, frame = with_validation(spark)
    model = SparkFocalXGBClassifier(
        focal_link="focal",
        weight_col="weight",
        validation_indicator_col="valid",
        eval_metric=["logloss"],
        **AS_THEY_LIE,
        **WORDS,
    ).fit(frame)
    local, used = model.to_local(), valid & (weight > 0)
    assert local.calibration_shift_ == 0.0
    proba = local.predict_proba(X[used])
    true = log_loss(y[used], proba, sample_weight=weight[used])
    history = model.training_summary.validation_objective_history
    assert list(history) == ["logloss"]
    assert_allclose(history["logloss"][-1], true, atol=1e-5)
    raw, proba = columns_of(model.transform(frame), "rawPrediction", "probability")
    assert_allclose(proba, local.loss_.predict_proba(raw[:, 1]), rtol=1e-12)
    assert np.abs(proba[:, 1] - expit(raw[:, 1])).max() > 0.05


def test_without_gamma_and_bound_it_is_the_log_loss(spark):
    from xgboost.spark import SparkXGBClassifier

    X, y, _ = make_data(2)
    frame, words = frame_of(spark, X, y), WORDS | {"num_workers": 1}
    ours = SparkFocalXGBClassifier(focal_gamma=0, focal_hessian="expected", **words)
    ours = ours.fit(frame)
    host = SparkXGBClassifier(base_score=float(y.mean()), **words).fit(frame)
    assert ours.to_local().calibration_shift_ == 0.0
    columns = [columns_of(m.transform(frame), "probability") for m in (ours, host)]
    assert_allclose(*columns, atol=1e-5)


def test_further_parameters_and_dart_reach_xgboost(spark):
    X, y, _ = make_data(2)
    frame = frame_of(spark, X, y)
    model = SparkFocalXGBClassifier(
        booster="dart", rate_drop=0.5, scale_pos_weight=3.0, **WORDS
    ).fit(frame)
    local = model.to_local()
    words = {"booster": "dart", "rate_drop": 0.5, "scale_pos_weight": 3.0}
    assert words.items() <= local.get_params().items()
    weight = np.where(y == 1, 3.0, 1.0)
    share = np.average(y, weights=weight)
    start = local.loss_.fit_intercept_only(y, weight)
    assert_allclose(local.initial_score_, start, rtol=1e-12)
    assert_allclose(
        np.average(local.predict_proba(X)[:, 1], weights=weight), share, atol=1e-6
    )


def test_what_fails_on_a_worker_is_one_clear_error(spark):
    import xgboost as xgb

    class Failing(xgb.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            if xgb.collective.get_rank() == 1:
                raise ZeroDivisionError("it is broken")
            return False

    X, y, _ = make_data(2)
    estimator = SparkFocalXGBClassifier(callbacks=[Failing()], num_workers=2, **WORDS)
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="workers of Spark failed: ") as caught:
        estimator.fit(frame_of(spark, X, y))
    assert time.monotonic() - began < 60
    # Either worker's may come first.
    assert "it is broken" in str(caught.value) or "xgboost.core" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert caught.value.__cause__ is not None


def test_an_infinite_feature_is_an_error(spark):
    X, y, _ = make_data(2)
    X[3, 2] = np.inf
    with pytest.raises(RuntimeError, match=r"failed: .*XGBoostError.*`inf`"):
        SparkFocalXGBClassifier(**WORDS).fit(frame_of(spark, X, y))
