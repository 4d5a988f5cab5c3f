"""Models whose outputs or whose state are those of no classifier, or of another."""

import json
import re

import numpy as np
import pytest

from skfocal import FocalLoss
from tests._boosting.data import frame, table
from tests._boosting.refusals import assert_refused

TWO_OUTPUTS = "a model of two classes must have one raw prediction, got one of obj"


def state_of(engine, model):
    return json.loads(engine.Classifier._read_state(model.booster_).to_text())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"format": "2"}, "'format' of the model's state must be there, of type int"),
        ({"focal_gamma": -1.0}, "focal_gamma must be >= 0"),
        ({"focal_gamma": [1.0, 2.0, 3.0]}, "focal_gamma must have one entry per class"),
        ({"focal_gamma": "2"}, "'focal_gamma' of the model's state must be there, of"),
        ({"focal_alpha": 2.0}, "focal_alpha must be in (0, 1)"),
        ({"focal_link": "logit"}, "focal_link must be one of"),
        ({"classes": [1, 1]}, "'classes' of the model's state must be two or more"),
        ({"classes": [1, 0]}, "'classes' of the model's state must be two or more"),
        ({"classes": [0]}, "'classes' of the model's state must be two or more"),
        ({"classes": [[0, 1]]}, "'classes' of the model's state must be two or more"),
        ({"classes": ["a", "b"]}, "'classes' and 'classes_dtype' of the model's state"),
        ({"classes_dtype": "x9"}, "'classes' and 'classes_dtype' of the model's state"),
        ({"classes": [0, 1, 2]}, "'classes' of the model's state must be one label"),
        ({"initial_score": [0.5]}, "'initial_score' of the model's state must be fin"),
        ({"initial_score": "x"}, "'initial_score' of the model's state must be there"),
        ({"initial_score": float("nan")}, "'initial_score' of the model's state must"),
        ({"calibration_shift": ["a"]}, "'calibration_shift' of the model's state must"),
        ({"feature_names": ["a"] * 3}, "'feature_names' of the model's state must be"),
        ({"feature_names": [1, 2, 3]}, "'feature_names' of the model's state must be"),
        ({"feature_names": ["a", "b"]}, "'feature_names' of the model's state must be"),
        ({"words": None}, "'words' of the model's state must be there, of type dict"),
    ],
)
def test_an_edited_state_is_refused_by_the_field(engine, edit, message):
    X, y = frame()
    X = X.assign(colour=X["colour"].cat.codes)
    model = engine.classifier().fit(X, y.astype(int))
    edited = json.dumps(state_of(engine, model) | edit)
    booster = engine.with_state(model.booster_, edited)
    with pytest.raises(ValueError, match=re.escape(message)):
        engine.Classifier.from_booster(booster)
    assert_refused_to_go_on(engine, booster, message, X, y.astype(int))


def assert_refused_to_go_on(engine, booster, message, X, y):
    with pytest.raises(ValueError, match=re.escape(message)):
        engine.classifier().fit(X, y, **{engine.go_on: booster})


def test_a_state_that_lacks_a_field_or_is_none(engine):
    model = engine.classifier().fit(*table())
    state = state_of(engine, model)
    del state["classes_dtype"]
    for text, message in (
        (json.dumps(state), "'classes_dtype' of the model's state must be there"),
        ("[1]", "the model's state must be a JSON object"),
        ('{"format', "the model's state must be a JSON object"),
    ):
        booster = engine.with_state(model.booster_, text)
        with pytest.raises(ValueError, match=re.escape(message)):
            engine.Classifier.from_booster(booster)


def test_labels_fewer_than_the_trees_have_outputs(engine):
    """LightGBM would read and write behind its arrays."""
    model = engine.classifier().fit(*table(3))
    two = {"classes": [0, 1], "initial_score": 0.0, "calibration_shift": 0.0}
    edited = json.dumps(state_of(engine, model) | two)
    booster = engine.with_state(model.booster_, edited)
    message = "'classes' of the model's state must be one label for each of the model'"
    assert_refused_to_go_on(engine, booster, message, *table())


def test_two_outputs_for_two_classes(engine):
    """LightGBM would crash, XGBoost speak of base_score."""
    booster = engine.softmax_of_two(*table())
    assert_refused_to_go_on(engine, booster, TWO_OUTPUTS, *table())
    with pytest.raises(ValueError, match=TWO_OUTPUTS):
        engine.Classifier.from_booster(booster, loss=FocalLoss(link="posterior"))


def test_a_fitted_host_whose_labels_are_not_those_of_its_trees(engine):
    host = engine.plain().fit(*table(3))
    engine.set_labels(host, np.array([0, 1]))
    message = f"{engine.go_on} must have trees for 2 classes, as y has, got those for 3"
    assert_refused(engine.classifier(), message, *table(), **{engine.go_on: host})


def test_a_model_of_other_features(engine):
    X, y = table()
    first = engine.classifier().fit(X[:, :4], y)
    message = f"{engine.go_on} must have the 6 features of X, got 4"
    assert_refused(engine.classifier(), message, X, y, **{engine.go_on: first})


def test_a_regression_is_no_classifier(engine):
    X, y = table()
    booster = engine.regression(X, y)
    with pytest.raises(ValueError, match=r"^booster must be "):
        engine.Classifier.from_booster(booster, loss=FocalLoss(link="posterior"))


def test_several_labels_at_once_are_no_classes():
    xgboost = pytest.importorskip("xgboost")
    from skfocal import FocalXGBClassifier

    X, y = table()
    host = xgboost.XGBClassifier(n_estimators=2).fit(X, np.column_stack([y, 1 - y]))
    booster = host.get_booster()
    with pytest.raises(ValueError, match="must have one target, got one of 2 labels"):
        FocalXGBClassifier().fit(X, y, xgb_model=booster)
    with pytest.raises(ValueError, match="must have one target, got one of 2 labels"):
        FocalXGBClassifier.from_booster(booster, loss=FocalLoss(link="posterior"))
