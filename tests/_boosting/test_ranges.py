"""Numbers with which a model can't be trained, and models that hold no numbers."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skfocal import FocalLoss
from skfocal._boosting.training import check_raw_of_model
from tests._boosting.data import table
from tests._boosting.refusals import assert_refused, assert_refused_unchanged

WEIGHTS = "sample_weight, times the classes' weights, must have a sum from 1.18e-38 to "
MODEL = r"the trained model must have raw predictions of at most 1e\+30 in size, got "


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_gamma": 20.5}, "focal_gamma must be <= 20, got 20.5"),
        ({"focal_gamma": 1e155}, "focal_gamma must be <= 20, got 1e+155"),
        ({"focal_gamma": [1.0, 50.0]}, "focal_gamma must be <= 20, got [1.0, 50.0]"),
        ({"focal_alpha": [1e-200, 1e200]}, "focal_alpha must be from 1e-30 to 1e+30"),
        ({"focal_alpha": 1e-40}, "focal_alpha must be from 1e-30 to 1e+30"),
    ],
)
def test_parameters(engine, words, message):
    assert_refused_unchanged(engine, words, message)


@pytest.mark.parametrize("gamma", [21.0, [1.0, 50.0]])
def test_gamma_of_an_objective(engine, gamma):
    with pytest.raises(ValueError, match="gamma must be <= 20, got "):
        engine.Objective(gamma)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_largest_gamma_trains(engine, n_classes, focal_link):
    X, y = table(n_classes)
    words = {"focal_gamma": 20.0, "focal_link": focal_link, "n_estimators": 3}
    proba = engine.classifier(**words).fit(X, y).predict_proba(X)
    assert np.isfinite(proba).all()


@pytest.mark.parametrize("gamma", [5e-324, 2e-308, 1e-300, 1e-20])
@pytest.mark.parametrize("link", ["focal", "posterior"])
def test_the_start_of_the_least_gammas_is_that_of_0(gamma, link):
    y = [0, 1, 1, 2, 2, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        start = FocalLoss(gamma, link=link).fit_intercept_only(y)
    np.testing.assert_allclose(start, FocalLoss(0.0).fit_intercept_only(y), rtol=1e-13)


@pytest.mark.parametrize("weight", [1e39, 1e17, 1e-45, 1e-300])
def test_weights_that_float32_can_not_sum_up(engine, weight):
    X, y = table()
    words = {"sample_weight": np.full(len(y), weight)}
    assert_refused(engine.classifier(), WEIGHTS, X, y, **words)


def test_weights_whose_sum_overflows(engine):
    X, y = table()
    words = {"sample_weight": np.full(len(y), 1e308)}
    message = "sample_weight must have a finite sum, got a sum of inf"
    assert_refused(engine.classifier(), message, X, y, **words)


def test_class_weights_that_float32_can_not_sum_up(engine):
    words = engine.pick(
        lightgbm={"class_weight": {0: 1e300, 1: 1.0}},
        xgboost={"scale_pos_weight": 1e300},
    )
    assert_refused_unchanged(engine, words, WEIGHTS)


def test_weights_of_any_usual_size_train(engine):
    """Of one that multiplies all gradients, only the penalties take notice."""
    X, y = table()
    words = engine.free_leaves | engine.pick(
        lightgbm={"min_child_weight": 0}, xgboost={}
    )
    weight = np.full(len(y), 2.0**20)
    expected = engine.classifier(**words).fit(X, y, weight).predict_proba(X)
    for weight in (2.0**10, 2.0**40):
        model = engine.classifier(**words).fit(X, y, np.full(len(y), weight))
        got = model.predict_proba(X)
        np.testing.assert_allclose(
            got, expected, atol=engine.pick(lightgbm=1e-9, xgboost=1e-4)
        )


@pytest.mark.parametrize("size", [1e308, -1e31])
def test_starts_that_can_not_be_added_to(engine, size):
    X, y = table()
    message = f"{engine.offset} must be at most 1e+30 in size, got {abs(size):g}"
    words = {engine.offset: np.full(len(y), size)}
    assert_refused(engine.classifier(), message, X, y, **words)
    words = {"eval_set": [(X, y)], engine.offsets_of_sets: [words[engine.offset]]}
    message = f"{engine.offsets_of_sets} must be at most 1e+30 in size"
    assert_refused(engine.classifier(), message, X, y, **words)


@pytest.mark.parametrize("with_offset", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_model_of_nan_replaces_none(engine, n_classes, focal_link, with_offset):
    X, y = table(n_classes)
    words = {"focal_link": focal_link, "n_estimators": 1}
    model = engine.classifier(**words).fit(X, y)
    expected, booster = model.predict_proba(X), model.booster_
    offset = np.zeros(len(y) if n_classes == 2 else (len(y), n_classes))
    given = {engine.offset: offset} if with_offset else {}
    model.set_params(learning_rate=float("inf"))
    with pytest.raises(ValueError, match=MODEL):
        model.fit(X, y, **given)
    assert model.booster_ is booster
    assert_array_equal(model.predict_proba(X), expected)


def rank_metrics(engine):
    return engine.pick(lightgbm=["auc", "average_precision"], xgboost=["auc", "aucpr"])


def test_early_stopping_by_a_rank_of_one_class(engine):
    X, y = table()
    only = y == 1
    for metric in rank_metrics(engine):
        words = {engine.stop_after: 3, engine.metric: metric}
        message = f"the metric {metric!r} must be a number on each validation set to st"
        given = {"X_val": X[only], "y_val": y[only]} | engine.silent
        assert_refused(engine.classifier(**words), message, X, y, **given)
        # Without early stopping it does no harm.
        words[engine.stop_after] = None
        assert engine.classifier(**words).fit(X, y, **given).n_iter_ == 15


def test_early_stopping_by_a_function_that_returns_nan(engine):
    def undefined(y_true, y_proba):
        return engine.pick(lightgbm=("undefined", np.nan, False), xgboost=np.nan)

    X, y = table()
    given = {"X_val": X, "y_val": y} | engine.silent
    words = {engine.stop_after: 3}
    if engine.name == "xgboost":
        words["eval_metric"] = undefined
    else:
        given["eval_metric"] = undefined
    message = "the metric 'undefined' must be a number on each validation set to stop"
    assert_refused(engine.classifier(**words), message, X, y, **given)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e30, -2e30])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_raw_predictions_of_a_model(value, n_classes):
    raw = np.zeros(5 if n_classes == 2 else (5, 3))
    check_raw_of_model(raw)
    # A worker of a cluster may have no rows.
    check_raw_of_model(raw[:0])
    raw[3] = 1e30
    check_raw_of_model(raw)
    raw[3] = value
    with pytest.raises(ValueError, match=MODEL + re.escape(f"{value} on")):
        check_raw_of_model(raw)
