"""What the classifiers train: the trees of the objective, from the start they say."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from tests._boosting.data import link, rare_table, table
from tests._boosting.engines import by_engine


def test_gamma_zero_trains_like_the_built_in_loss(engine):
    X, y = table()
    model = engine.classifier(focal_gamma=0.0, n_estimators=50).fit(X, y)
    expected = engine.plain(n_estimators=50, max_delta_step=2).fit(X, y)
    losses = [log_loss(y, m.predict_proba(X)) for m in (model, expected)]
    assert abs(losses[0] / losses[1] - 1) < 0.15


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_training_by_hand(engine, n_classes, weighted):
    X, y = rare_table(n_classes)
    weight = np.random.default_rng(0).uniform(0.2, 5.0, len(y)) if weighted else None
    objective = engine.Objective(2.0)
    start = objective.loss.fit_intercept_only(y, weight)
    expected = engine.train(objective, X, y, weight, rounds=15, start=start) + start
    got = engine.classifier().fit(X, y, weight).decision_function(X)
    assert got.dtype == np.float64
    atol = engine.pick(lightgbm=1e-12, xgboost=1e-4)
    assert_allclose(got, expected, rtol=0, atol=atol)


@by_engine(
    "words", lightgbm=[{}], xgboost=[{"tree_method": m} for m in ("hist", "exact")]
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_starts_at_the_focal_optimum(engine, words, n_classes):
    X, y = rare_table(n_classes)
    words = {"learning_rate": 1e-12, "n_estimators": 1} | words
    model = engine.classifier(**words).fit(X, y)
    raw = model.decision_function(X)
    expected = np.broadcast_to(FocalLoss(2.0).fit_intercept_only(y), raw.shape)
    assert_allclose(raw, expected, atol=engine.pick(lightgbm=1e-10, xgboost=1e-6))
    assert_allclose(model.initial_score_, expected[0], atol=1e-12)
    prior = np.tile(np.bincount(y) / len(y), (len(y), 1))
    atol = engine.pick(lightgbm=1e-9, xgboost=1e-6)
    assert_allclose(model.predict_proba(X), prior, atol=atol)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_offset_is_a_start_that_the_model_does_not_hold(engine, n_classes):
    X, y = table(n_classes)
    offset = engine.classifier(n_estimators=5).fit(X, y).decision_function(X)
    model = engine.classifier(n_estimators=10).fit(X, y, **{engine.offset: offset})
    assert np.all(model.initial_score_ == 0.0)
    expected = engine.classifier(n_estimators=15).fit(X, y).decision_function(X)
    atol = engine.pick(lightgbm=1e-10, xgboost=1e-4)
    assert_allclose(model.decision_function(X) + offset, expected, atol=atol)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n", [4, 30])
@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_constant_missing_and_tiny_data_train(engine, n_classes, n, fill):
    y = np.arange(n) % n_classes
    X = np.full((n, 2), fill)
    model = engine.classifier().fit(X, y)
    prior = np.tile(np.bincount(y) / n, (n, 1))
    atol = engine.pick(lightgbm=1e-9, xgboost=1e-5)
    assert_allclose(model.predict_proba(X), prior, atol=atol)
    linked = engine.linked(model.booster_, X)
    rtol = engine.pick(lightgbm=1e-7, xgboost=1e-5)
    assert_allclose(linked, link(model.decision_function(X)), rtol=rtol)
    X = np.arange(2.0 * n).reshape(n, 2)
    assert np.isfinite(engine.classifier().fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_goes_on_from_a_model(engine, tmp_path, n_classes):
    X, y = table(n_classes)
    first = engine.classifier(n_estimators=10).fit(X, y)
    before = first.decision_function(X)
    path = tmp_path / f"model.{engine.endings[-1]}"
    first.booster_.save_model(path)
    expected = engine.classifier(n_estimators=20).fit(X, y).decision_function(X)
    atol = engine.pick(lightgbm=1e-10, xgboost=1e-4)
    for start in (first, first.booster_, path):
        model = engine.classifier(n_estimators=10).fit(X, y, **{engine.go_on: start})
        assert_allclose(model.decision_function(X), expected, atol=atol)
        assert model.n_iter_ == 20
        assert np.all(model.initial_score_ == 0.0)
        head = model.decision_function(X, **engine.first_rounds(10))
        assert_array_equal(head, before)
    assert_array_equal(first.decision_function(X), before)


def test_going_on_from_a_model_of_other_classes(engine):
    X, y = table()
    words = {engine.go_on: engine.classifier().fit(X, y)}
    message = rf"{engine.go_on} must have the classes \['a', 'b'\] of y, got \[0, 1\]"
    with pytest.raises(ValueError, match=message):
        engine.classifier().fit(X, np.array(["a", "b"])[y], **words)


def test_going_on_from_what_is_no_model(engine):
    X, y = table()
    message = f"{engine.go_on} must be a path, a Booster or a"
    with pytest.raises(TypeError, match=message):
        engine.classifier().fit(X, y, **{engine.go_on: 3})
    with pytest.raises(NotFittedError):
        engine.classifier().fit(X, y, **{engine.go_on: engine.classifier()})


def test_a_failed_fit_leaves_an_unfitted_estimator_unfitted(engine):
    X, y = table()
    model = engine.classifier()
    with pytest.raises(RuntimeError, match="in a callback"):
        engine.fit_with(engine.failing_callback(), model, X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_iterations_can_be_chosen(engine):
    X, y = table()
    model = engine.classifier().fit(X, y)
    rounds = engine.first_rounds(1)
    raw = model.decision_function(X, **rounds)
    assert not np.allclose(raw, model.decision_function(X))
    proba = model.predict_proba(X, **rounds)
    assert_array_equal(proba, model.loss_.predict_proba(raw))
    assert_allclose(model.predict_log_proba(X, **rounds), np.log(proba))
    labels = model.predict(X, **rounds)
    assert_array_equal(labels, (raw > 0).astype(int))
    assert (labels != model.predict(X)).any()
