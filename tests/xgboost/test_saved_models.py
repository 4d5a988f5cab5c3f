"""Saved models under XGBoost's own names for it."""

import json

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal

from skfocal import FocalXGBClassifier
from tests._boosting.data import frame, link, split, table
from tests._boosting.engines import XGBOOST

pytestmark = XGBOOST.marks
classifier, plain = XGBOOST.classifier, XGBOOST.plain


@pytest.mark.parametrize("ending", ["json", "ubj"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("words", XGBOOST.modes, ids=str)
def test_xgboosts_classifier_loads_the_model(tmp_path, words, n_classes, ending):
    X, y = table(n_classes)
    model = classifier(focal_alpha="balanced", **words).fit(X, y)
    path = tmp_path / f"model.{ending}"
    model.booster_.save_model(path)
    wrapper = plain()
    wrapper.load_model(path)
    linked = np.c_[link(model.decision_function(X))]
    proba = wrapper.predict_proba(X)
    assert_allclose(proba[:, 1:], linked[:, -(n_classes - 1) :], atol=1e-6)
    assert_allclose(proba, model.predict_proba(X), rtol=0, atol=2e-6)


def test_a_restored_classifier_knows_what_is_missing():
    X, y = frame()
    model = classifier(enable_categorical=True, missing=-1.0)
    X = X.assign(age=X["age"].fillna(-1.0))
    model.fit(X, y)
    restored = FocalXGBClassifier.from_booster(model.booster_)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert_array_equal(restored.feature_names_in_, X.columns)
    assert (restored.missing, restored.enable_categorical) == (-1.0, True)


def test_save_and_load_under_xgboosts_names(tmp_path):
    X, y = table(3)
    labels = np.array(["a", "b", "c"])[y]
    model = classifier(focal_gamma=1.0, focal_alpha=[1, 2, 3]).fit(X, labels)
    model.save_model(tmp_path / "model.json")
    other = classifier(max_depth=2)
    other.load_model(tmp_path / "model.json")
    assert_array_equal(other.predict(X), model.predict(X))
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert (other.max_depth, other.focal_gamma) == (2, 1.0)
    old = classifier(focal_link="focal").fit(X, labels)
    old.save_model(tmp_path / "old.json")
    other.load_model(tmp_path / "old.json")
    assert other.focal_link == "focal"
    assert_array_equal(other.predict_proba(X), old.predict_proba(X))
    other.load_model(tmp_path / "model.json")
    assert other.focal_link == "posterior"
    assert other.get_booster() is other.booster_
    assert_array_equal(other.apply(X), model.apply(X))
    assert model.apply(X, iteration_range=(0, 2)).shape == (len(y), 6)


def test_loading_forgets_what_the_file_does_not_hold(tmp_path):
    X, X_val, y, _ = split()
    filled = np.where(abs(X) < 0.5, -99.0, X)
    saved = classifier(missing=-99.0).fit(filled, y)
    saved.save_model(tmp_path / "model.json")
    words = {"early_stopping_rounds": 3, "focal_alpha": 0.3, "booster": "dart"}
    other = classifier(missing=-1.0, **words)
    named = pd.DataFrame(X, columns=list("abcdef"))
    other.fit(named, y, eval_set=[(named, y)], verbose=False)
    for model in (other, classifier()):
        model.load_model(tmp_path / "model.json")
        assert_array_equal(model.predict_proba(filled), saved.predict_proba(filled))
        assert model.best_iteration_ is None
        assert model.evals_result_ == {}
        assert not hasattr(model, "feature_names_in_")
        assert (model.focal_alpha, model.missing, model.booster) == (None, -99.0, None)
    saved = classifier().fit(X, y)
    saved.save_model(tmp_path / "model.json")
    other.load_model(tmp_path / "model.json")
    assert_array_equal(other.predict_proba(X_val), saved.predict_proba(X_val))
    assert np.isnan(other.missing)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_children", 99),
        ("left_children", -1),
        ("right_children", -7),
        ("right_children", 0),
        ("split_indices", 6),
        ("split_indices", -1),
    ],
)
@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_trees_that_would_end_the_process_are_refused(tmp_path, field, value, ending):
    """What is let through kills pytest, or never returns."""
    X, y = table()
    model = XGBOOST.classifier().fit(X, y)
    content = json.loads(model.booster_.save_raw("json"))
    tree = content["learner"]["gradient_booster"]["model"]["trees"][2]
    tree[field][0] = value
    path = tmp_path / f"model.{ending}"
    damaged = xgb.Booster(model_file=bytearray(json.dumps(content).encode()))
    damaged.save_model(path)
    message = "must be a whole and undamaged model file of XGBoost, got .* tree 2 isn't"
    with pytest.raises(ValueError, match=f"^booster {message}"):
        type(model).from_booster(path)
    with pytest.raises(ValueError, match=f"^xgb_model {message}"):
        model.fit(X, y, xgb_model=path)
    with pytest.raises(ValueError, match=f"^booster {message}"):
        model.load_model(path)
