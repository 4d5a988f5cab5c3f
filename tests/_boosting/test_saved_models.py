"""Files and pickles: what they hold, and classifiers made of them."""

import copy
import json
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from sklearn.base import clone

from skfocal import FocalLoss
from tests._boosting.data import frame, link, split, table
from tests._boosting.engines import LIGHTGBM, XGBOOST, by_engine


@by_engine("words", lightgbm=LIGHTGBM.modes, xgboost=XGBOOST.modes)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_saved_model_holds_start_link_and_loss(
    engine, words, n_classes, focal_link, tmp_path
):
    X, y = table(n_classes)
    words = {"focal_alpha": "balanced", "focal_link": focal_link} | words
    model = engine.classifier(**words).fit(X, y)
    for ending in engine.endings:
        path = tmp_path / f"model.{ending}"
        model.booster_.save_model(path)
        assert_predicts_alike(engine, path, model, X)
        assert_host_predicts_the_probabilities(engine, path, model, X)
        restored = engine.Classifier.from_booster(path)
        assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
        assert_array_equal(restored.predict(X), model.predict(X))
        assert_allclose(restored.initial_score_, model.initial_score_)
        assert_array_equal(restored.calibration_shift_, model.calibration_shift_)
        assert (restored.loss_, restored.n_iter_) == (model.loss_, model.n_iter_)
        assert clone(restored).get_params()["focal_gamma"] == 2.0
        assert clone(restored).get_params()["focal_link"] == focal_link


def assert_predicts_alike(engine, path, model, X):
    """Assert that the engine alone predicts from the file as the classifier does."""
    loaded, raw = engine.load(path), model.decision_function(X)
    atol = engine.pick(lightgbm=1e-12, xgboost=0.0)
    assert_allclose(engine.raw(loaded, X), raw, rtol=0, atol=atol)
    tolerance = engine.pick(
        lightgbm={"rtol": 0, "atol": 1e-12}, xgboost={"rtol": 1e-5, "atol": 1e-7}
    )
    assert_allclose(engine.linked(loaded, X), link(raw), **tolerance)
    if model.get_params().get("multi_strategy") and raw.ndim > 1:
        return  # XGBoost can't explain such trees.
    contributions = engine.contributions(loaded, X, model.n_classes_)
    tolerance = engine.pick(
        lightgbm={"rtol": 0, "atol": 1e-10}, xgboost={"rtol": 1e-4, "atol": 1e-4}
    )
    assert_allclose(contributions.sum(axis=-1), raw, **tolerance)


def assert_host_predicts_the_probabilities(engine, path, model, X):
    """Assert that the engine's own predictions are those of the class, or are not."""
    proba = model.predict_proba(X)
    proba = proba[:, 1] if model.n_classes_ == 2 else proba
    atol = engine.pick(lightgbm=1e-12, xgboost=2e-6)
    for booster in (model.booster_, engine.load(path)):
        error = abs(engine.linked(booster, X) - proba).max()
        # The log-odds of the paper's p are less confident by far.
        assert error <= atol if model.loss_.link == "posterior" else error > 0.05


@pytest.mark.parametrize("n_classes", [2, 3])
def test_host_predicts_the_probabilities_up_to_the_best_round(
    engine, n_classes, tmp_path
):
    X, X_val, y, y_val = split(n_classes)
    words = {"n_estimators": 300, "learning_rate": 0.3, engine.stop_after: 5}
    model = engine.classifier(**words)
    model.fit(X, y, X_val=X_val, y_val=y_val, **engine.silent)
    assert engine.best_round(model) < 200
    path = tmp_path / f"model.{engine.endings[0]}"
    model.booster_.save_model(path)
    assert_predicts_alike(engine, path, model, X_val)
    assert_host_predicts_the_probabilities(engine, path, model, X_val)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_models_of_older_versions_are_of_the_focal_link(engine, n_classes):
    X, y = table(n_classes)
    model = engine.classifier(focal_link="focal", focal_alpha="balanced").fit(X, y)
    state = json.loads(engine.Classifier._read_state(model.booster_).to_text())
    assert (state["format"], state.pop("focal_link")) == (2, "focal")
    assert not np.any(state.pop("calibration_shift"))
    booster = engine.with_state(model.booster_, json.dumps(state | {"format": 1}))
    restored = engine.Classifier.from_booster(booster)
    assert restored.loss_ == model.loss_
    assert (restored.focal_link, restored.calibration_shift_) == ("focal", 0.0)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    newer = engine.with_state(model.booster_, json.dumps(state | {"format": 3}))
    with pytest.raises(ValueError, match="state of format 2 or less, got 3: a newer"):
        engine.Classifier.from_booster(newer)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_pickle_and_joblib_are_exact(engine, tmp_path, n_classes, focal_link):
    X, y = table(n_classes)
    words = {"max_bin": 31, "focal_link": focal_link} | engine.further
    model = engine.classifier(**words).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    for copied in [*copies, joblib.load(tmp_path / "model")]:
        assert_array_equal(copied.predict_proba(X), model.predict_proba(X))
        assert_equal(copied.get_params(), model.get_params())


@pytest.mark.parametrize(
    "labels",
    [["no", "yes"], [1, 2], [-1.0, 3.0], [False, True], ["a]: b", "c", "\n\u00e9"]],
)
def test_a_saved_model_alone_makes_a_classifier(engine, tmp_path, labels):
    X, y = table(len(labels))
    y = np.array(labels)[y]
    model = engine.classifier(focal_gamma=1.5, focal_alpha="balanced").fit(X, y)
    path = tmp_path / f"model.{engine.endings[0]}"
    model.booster_.save_model(path)
    engine.load(path).save_model(path)
    for booster in (model.booster_, path, str(path)):
        restored = engine.Classifier.from_booster(booster)
        assert_array_equal(restored.predict(X), model.predict(X))
        assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
        assert restored.classes_.dtype == model.classes_.dtype
        assert (restored.loss_, restored.n_iter_) == (model.loss_, model.n_iter_)
        assert_allclose(restored.initial_score_, model.initial_score_)
        assert clone(restored).get_params()["focal_gamma"] == 1.5
    more = engine.classifier(n_estimators=5, focal_gamma=0.5)
    more.fit(X, y, **{engine.go_on: path})
    expected = FocalLoss(0.5, link="posterior")
    assert engine.Classifier.from_booster(more.booster_).loss_ == expected


def test_a_restored_classifier_knows_names_and_number_of_the_features(engine):
    X, y = frame()
    model = engine.classifier(**engine.categories).fit(X, y)
    restored = engine.Classifier.from_booster(model.booster_)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert_array_equal(restored.feature_names_in_, X.columns)
    with pytest.raises(ValueError, match="feature names"):
        restored.predict(X[["colour", "size", "age"]])
    unnamed = engine.classifier().fit(*table())
    with pytest.raises(ValueError, match="X has 2 features"):
        engine.Classifier.from_booster(unnamed.booster_).predict(np.zeros((9, 2)))


def test_a_model_of_another_kind_makes_no_classifier(engine):
    wrapper = engine.plain().fit(*table())
    message = f"booster must come from a {engine.Classifier.__name__}"
    with pytest.raises(ValueError, match=message):
        engine.Classifier.from_booster(engine.booster_of(wrapper))
    with pytest.raises(TypeError, match="booster must be a path, a Booster or"):
        engine.Classifier.from_booster(3)


def test_labels_that_no_file_can_hold_leave_the_rest_of_the_model(engine):
    X, y = table()
    labels = np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]")[y]
    model = engine.classifier().fit(X, labels)
    assert set(model.predict(X)) == set(labels)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    with pytest.raises(ValueError, match="numbers, booleans or strings"):
        engine.Classifier.from_booster(model.booster_)
