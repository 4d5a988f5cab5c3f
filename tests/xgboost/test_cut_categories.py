"""A model that early stopping cut codes the categories of a frame as the whole did."""

import pickle

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal

from skfocal import FocalXGBClassifier
from tests._boosting.data import frame, recoded
from tests._boosting.engines import XGBOOST

pytestmark = XGBOOST.marks
FRAMES = {
    "as trained": lambda X: X,
    "recoded": recoded,
    "subset": lambda X: _only(X, "red", "blue"),
    "one row": lambda X: _only(X, "red")[:1],
}
STOPPING = {
    "word": lambda: {"early_stopping_rounds": 3},
    "callback": lambda: {"callbacks": [xgb.callback.EarlyStopping(rounds=3)]},
    "callback that cuts": lambda: {
        "callbacks": [xgb.callback.EarlyStopping(rounds=3, save_best=True)]
    },
}
frames = pytest.mark.parametrize("change", FRAMES.values(), ids=FRAMES)


def _only(X, *colours):
    X = X[X["colour"].isin(colours)]
    return X.assign(colour=X["colour"].cat.set_categories(colours))


def _hard_frame(n=800):
    """A frame whose labels are noisy enough for training to stop early."""
    X, y = frame(n)
    return X, y ^ (np.random.default_rng(1).random(n) < 0.2)


def _stopped(stop_after="word", **words):
    X, y = _hard_frame()
    words |= {"n_estimators": 200, "enable_categorical": True, "learning_rate": 0.5}
    words |= STOPPING[stop_after]()
    model = XGBOOST.classifier(**words)
    model.fit(X[:400], y[:400], eval_set=[(X[400:], y[400:])], verbose=False)
    assert 0 < model.best_iteration_ < 199
    return model, X


def _margin_of_a_model_of_that_many_rounds(model, X):
    """What the rounds up to the best give, trained without a need to cut."""
    words = model.get_params() | {"early_stopping_rounds": None, "callbacks": None}
    whole = FocalXGBClassifier(**words | {"n_estimators": model.n_iter_})
    data, y = _hard_frame()
    whole.fit(data[:400], y[:400])
    return whole.decision_function(X)


@frames
@pytest.mark.parametrize("stop_after", STOPPING)
@pytest.mark.parametrize("booster", ["gbtree", "dart"])
def test_frames_of_other_codes(booster, stop_after, change):
    model, X = _stopped(stop_after, booster=booster)
    other = change(X)
    expected = model.decision_function(X.loc[other.index])
    assert_array_equal(model.decision_function(other), expected)
    assert_allclose(expected, _margin_of_a_model_of_that_many_rounds(model, other))


@pytest.mark.parametrize("focal_link", ["posterior", "focal"])
def test_callbacks_in_any_order(monkeypatch, focal_link):
    """In which XGBoost 3.1 asks them."""
    expected, X = _stopped("callback that cuts", focal_link=focal_link)

    class Reversed(xgb.callback.CallbackContainer):
        def __init__(self, callbacks, *args, **words):
            super().__init__(callbacks, *args, **words)
            self.callbacks = list(reversed(callbacks))

    monkeypatch.setattr(xgb.training, "CallbackContainer", Reversed)
    model, _ = _stopped("callback that cuts", focal_link=focal_link)
    got = model.decision_function(recoded(X))
    assert_allclose(got, expected.decision_function(X), atol=1e-6)


@frames
def test_files_and_copies(change, tmp_path):
    model, X = _stopped()
    model.save_model(tmp_path / "model.ubj")
    loaded = FocalXGBClassifier()
    loaded.load_model(tmp_path / "model.ubj")
    restored = FocalXGBClassifier.from_booster(model.booster_)
    pickled = pickle.loads(pickle.dumps(model))
    other = change(X)
    expected = model.decision_function(X.loc[other.index])
    for copied in (loaded, restored, pickled):
        assert_array_equal(copied.decision_function(other), expected)


@frames
def test_xgboosts_own_model_read_in(change):
    X, y = _hard_frame()
    words = {"n_estimators": 200, "enable_categorical": True, "learning_rate": 0.5}
    first = XGBOOST.plain(**words, early_stopping_rounds=3)
    first.fit(X[:400], y[:400], eval_set=[(X[400:], y[400:])], verbose=False)
    best = first.best_iteration + 1
    assert best < first.get_booster().num_boosted_rounds()
    model = XGBOOST.classifier(enable_categorical=True, n_estimators=2)
    model.fit(recoded(X[:400]), y[:400], xgb_model=first)
    other = change(X)
    head = model.decision_function(other, iteration_range=(0, best))
    expected = first.predict(other, output_margin=True)
    assert_allclose(head - model.calibration_shift_, expected, rtol=0, atol=2e-6)


def test_training_that_goes_on_knows_the_codes():
    model, X = _stopped()
    _, y = _hard_frame()
    as_trained, again = (
        XGBOOST.classifier(enable_categorical=True, n_estimators=5).fit(
            data, y, xgb_model=model
        )
        for data in (X, recoded(X))
    )
    assert_allclose(again.predict_proba(X), as_trained.predict_proba(X), rtol=1e-6)


def test_unseen_categories_are_refused_as_by_a_whole_model():
    X, y = _hard_frame()
    violet = X.assign(colour=pd.Categorical(["violet"] * len(X)))
    stopped, _ = _stopped()
    whole = XGBOOST.classifier(enable_categorical=True).fit(X, y)
    for model in (whole, stopped):
        with pytest.raises(ValueError, match="category not in the training set"):
            model.predict(violet)


def test_the_cut_model_keeps_the_parameters_of_its_training():
    model, _ = _stopped(max_depth=3)
    assert '"max_depth":"3"' in model.booster_.save_config()
    assert model.booster_.feature_types == ["float", "c", "float"]
