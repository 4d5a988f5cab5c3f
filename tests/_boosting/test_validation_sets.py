"""Validation data: where they are given, what is measured, when training stops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import get_scorer, log_loss

from tests._boosting.data import split


@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_watches_the_focal_loss(engine, n_classes, focal_link):
    X, X_val, y, y_val = split(n_classes)
    words = {"n_estimators": 300, "learning_rate": 0.3, engine.stop_after: 5}
    words["focal_link"] = focal_link
    model = engine.classifier(**words).fit(X, y, X_val=X_val, y_val=y_val)
    names = {name: list(scores) for name, scores in model.evals_result_.items()}
    assert names == {engine.first_set: [engine.focal_metric]}
    scores = model.evals_result_[engine.first_set][engine.focal_metric]
    best = engine.best_round(model)
    assert 1 < best == np.argmin(scores) + 1 < 300
    assert len(scores) == best + 5
    assert model.n_iter_ == best
    # The model itself, in another language, has only these rounds.
    assert engine.round_count(model.booster_) == best
    expected = engine.score(model.loss_, y_val, engine.watched_raw(model, X_val))
    tolerance = engine.pick(lightgbm={"rel": 1e-9}, xgboost={"abs": 2e-6})
    assert min(scores) == pytest.approx(expected, **tolerance)
    assert engine.best_score(model) == engine.pick(
        lightgbm=min(scores), xgboost=pytest.approx(min(scores))
    )
    words |= {"n_estimators": best, engine.stop_after: None}
    same = engine.classifier(**words).fit(X, y)
    rtol = engine.pick(lightgbm=1e-7, xgboost=0.0)
    assert_allclose(same.predict_proba(X_val), model.predict_proba(X_val), rtol=rtol)


def test_callback_stops_early_too(engine):
    X, X_val, y, y_val = split()
    words = {"n_estimators": 300, "learning_rate": 0.3}
    expected = engine.classifier(**{engine.stop_after: 5} | words)
    expected.fit(X, y, X_val=X_val, y_val=y_val)
    for stop in engine.early_stoppers():
        model = engine.classifier(**words)
        engine.fit_with(stop, model, X, y, eval_set=[(X_val, y_val)])
        assert model.n_iter_ == expected.n_iter_
        assert engine.best_round(model) == engine.best_round(expected)
        expected_proba = expected.predict_proba(X_val)
        assert_allclose(model.predict_proba(X_val), expected_proba, rtol=0)


def test_both_ways_of_giving_validation_data_agree(engine):
    X, X_val, y, y_val = split()
    weight = np.random.default_rng(0).uniform(size=len(y_val))
    y, y_val = (np.array(["no", "yes"])[labels] for labels in (y, y_val))
    words = [
        {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight},
        {"eval_set": [(X_val, y_val)], engine.weights_of_sets: [weight]},
        {"X_val": X_val, "y_val": y_val},
    ]
    single, listed, unweighted = (
        engine.classifier().fit(X, y, **given).evals_result_ for given in words
    )
    assert single == listed
    assert unweighted != single


def test_validation_starts_where_its_own_offset_says(engine):
    X, X_val, y, y_val = split()
    offset = np.linspace(-1, 1, len(y_val))
    words = {"eval_set": [(X_val, y_val)], engine.offsets_of_sets: [offset]}
    model = engine.classifier().fit(X, y, **words)
    got = model.evals_result_[engine.first_set][engine.focal_metric][-1]
    raw = engine.watched_raw(model, X_val) - model.initial_score_ + offset
    tolerance = engine.pick(lightgbm={}, xgboost={"abs": 2e-6})
    expected = engine.score(model.loss_, y_val, raw)
    assert got == pytest.approx(expected, **tolerance)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_metrics_by_name_are_those_of_the_probabilities(
    engine, n_classes, weighted, focal_link
):
    X, X_val, y, y_val = split(n_classes)
    weight = np.random.default_rng(0).uniform(size=len(y_val)) if weighted else None
    asked, found = engine.metric_names(n_classes)
    model = engine.classifier(focal_link=focal_link, **{engine.metric: asked})
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight)
    scores = {n: v[-1] for n, v in model.evals_result_[engine.first_set].items()}
    assert set(scores) == set(found)
    raw = engine.watched_raw(model, X_val)
    proba = model.loss_.predict_proba(raw)
    expected = [
        log_loss(y_val, proba, sample_weight=weight),
        1 - np.average(proba.argmax(axis=1) == y_val, weights=weight),
        engine.score(model.loss_, y_val, raw, weight),
    ]
    tolerance = engine.pick(lightgbm={}, xgboost={"abs": 2e-6})
    for name, value in zip(found, expected, strict=False):
        assert scores[name] == pytest.approx(value, **tolerance)
    if n_classes == 2:
        auc = get_scorer("roc_auc")(model, X_val, y_val, sample_weight=weight)
        assert scores["auc"] == pytest.approx(auc, abs=1e-5)
