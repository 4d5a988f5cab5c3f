"""Starts that base_score can't hold: XGBoost clips their probability at 1e-6."""

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from skfocal import FocalXGBClassifier
from tests._boosting.data import table
from tests._boosting.engines import XGBOOST

pytestmark = XGBOOST.marks
classifier = XGBOOST.classifier
SHARES = pytest.mark.parametrize("share", [1e-7, 1e-8, 1e-10, 1 - 1e-8])
MODES = pytest.mark.parametrize(
    "words",
    [
        {},
        {"tree_method": "exact"},
        {"booster": "dart", "rate_drop": 0.5},
        {"subsample": 0.5, "num_parallel_tree": 2},
        {"booster": "gblinear"},
    ],
    ids=str,
)
# So rare are they that trees grow only with large weights.
TOTAL = 1e12


def rare_table(share, total=TOTAL):
    """Return data of which class 1 has that share of the weight."""
    X, y = table()
    weight = np.where(y == 1, share / y.sum(), (1 - share) / (y == 0).sum())
    return X, y, weight * total


def log_odds(share):
    # Of 1 - share no digits are lost: it was rounded where it was written down.
    return np.log(share) - np.log1p(-share)


def mean_of_rarer(model, X, weight, share):
    proba = model.predict_proba(X)[:, 0 if share > 0.5 else 1]
    return np.average(proba, weights=weight) / min(share, 1 - share)


@SHARES
@MODES
def test_mean_probability_is_the_share(share, words):
    X, y, weight = rare_table(share)
    model = classifier(**words).fit(X, y, weight)
    assert np.ptp(model.decision_function(X)) > 0.01
    assert mean_of_rarer(model, X, weight, share) == pytest.approx(1.0, rel=1e-5)
    assert model.initial_score_ == pytest.approx(log_odds(share), rel=1e-7)


@pytest.mark.parametrize("focal_link", ["posterior", "focal"])
@pytest.mark.parametrize("focal_gamma", [0.0, 2.0])
@SHARES
def test_a_model_that_splits_nothing_predicts_the_share(share, focal_gamma, focal_link):
    X, y, weight = rare_table(share, total=1.0)
    words = {"focal_gamma": focal_gamma, "focal_link": focal_link}
    model = classifier(**words).fit(X, y, weight)
    assert np.ptp(model.decision_function(X)) == 0.0
    # The paper's log-odds, a third of the others, are held to six digits by base_score.
    assert mean_of_rarer(model, X, weight, share) == pytest.approx(1.0, rel=3e-5)
    start = model.loss_.raw_from_proba([share])
    assert model.initial_score_ == pytest.approx(start[0], rel=1e-7)


@MODES
@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_xgboost_alone_predicts_the_same_from_the_file(words, ending, tmp_path):
    X, y, weight = rare_table(1e-8)
    model = classifier(**words).fit(X, y, weight)
    path = tmp_path / f"model.{ending}"
    model.save_model(path)
    booster, data = xgb.Booster(model_file=path), xgb.DMatrix(X)
    raw = booster.predict(data, output_margin=True)
    assert_array_equal(raw, model.decision_function(X))
    assert_allclose(booster.predict(data), model.predict_proba(X)[:, 1], rtol=1e-5)
    for words in ({}, {"approx_contribs": True}):
        parts = booster.predict(data, pred_contribs=True, **words)
        assert_allclose(parts.sum(axis=1), raw, rtol=0, atol=5e-5)
    restored = FocalXGBClassifier.from_booster(path)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert restored.initial_score_ == model.initial_score_
    assert restored.calibration_shift_ == model.calibration_shift_


def test_a_file_says_no_more_than_xgboost_reads(tmp_path):
    """Other readers take base_score as it stands."""
    X, y, weight = rare_table(1e-8)
    model = classifier().fit(X, y, weight)
    model.save_model(tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text()
    assert '"base_score":"[1E-6]"' in text


@pytest.mark.parametrize("share", [1e-8, 1e-5, 0.3, 1 - 1e-5, 1 - 1e-9])
def test_without_trees_the_start_is_the_nearest_that_base_score_holds(share):
    X, y, weight = rare_table(share)
    model = classifier(n_estimators=0).fit(X, y, weight)
    nearest = np.clip(share, 1e-6, 1 - 1e-6)
    # float32 holds probabilities next to 1 by six digits of their distance at most.
    rtol = 1e-6 if share < 0.5 else 6e-3
    assert_allclose(model.initial_score_, log_odds(nearest), rtol=rtol)
    held = model.initial_score_ + model.calibration_shift_
    assert_allclose(model.decision_function(X), held, rtol=1e-6)


@pytest.mark.parametrize("share", [1e-5, 0.3])
def test_what_base_score_holds_stands_there_alone(share, monkeypatch):
    monkeypatch.setattr("skfocal.xgboost._start._add_to_first_tree", None)
    X, y, weight = rare_table(share)
    model = classifier().fit(X, y, weight)
    start = model.initial_score_ + model.calibration_shift_
    assert_allclose(model.intercept_, expit(start), rtol=1e-5)


def test_the_start_that_a_user_chose():
    X, y = table()
    words = {"focal_link": "focal", "focal_gamma": 0.0, "learning_rate": 1e-9}
    model = classifier(base_score=1e-9, **words).fit(X, y)
    start = log_odds(1e-9)
    assert_allclose(model.decision_function(X), start, rtol=1e-6)
    assert model.initial_score_ == pytest.approx(start)


def test_validation_scores_are_those_of_the_start():
    X, y, weight = rare_table(1e-8, total=1.0)
    words = {"focal_link": "focal", "focal_gamma": 0.0, "eval_metric": "logloss"}
    model = classifier(n_estimators=3, **words)
    model.fit(X, y, weight, eval_set=[(X, y), (X[y == 1], y[y == 1])], verbose=False)
    expected = -np.mean(np.log(np.where(y == 1, 1e-8, 1 - 1e-8)))
    first, second = (of["logloss"] for of in model.evals_result_.values())
    assert_allclose(first, expected, rtol=1e-6)
    assert_allclose(second, -np.log(1e-8), rtol=1e-6)


@pytest.mark.parametrize("words", [{}, {"booster": "dart", "rate_drop": 0.3}])
def test_the_best_rounds_keep_the_start(words):
    X, y, weight = rare_table(1e-8)
    model = classifier(n_estimators=300, early_stopping_rounds=2, **words)
    given = {"X_val": X[::2], "y_val": y[::2], "sample_weight_val": weight[::-2]}
    model.fit(X, y, weight, verbose=False, **given)
    assert model.n_iter_ < 300
    assert mean_of_rarer(model, X, weight, 1e-8) == pytest.approx(1.0, rel=1e-5)
    first = model.decision_function(X, iteration_range=(0, 1))
    assert np.all(first < -15.0)


@MODES
def test_training_goes_on_from_the_start(words):
    X, y, weight = rare_table(1e-8)
    first = classifier(**words).fit(X, y, weight)
    model = classifier(n_estimators=5, **words).fit(X, y, weight, xgb_model=first)
    assert mean_of_rarer(model, X, weight, 1e-8) == pytest.approx(1.0, rel=1e-5)
    if not words:
        head = model.decision_function(X, iteration_range=(0, first.n_iter_))
        expected = first.decision_function(X) + model.calibration_shift_
        assert_allclose(head, expected, rtol=1e-6)


def test_the_start_of_a_native_training():
    X, y = table()
    objective, start = XGBOOST.Objective(), log_odds(1e-8)
    data = xgb.DMatrix(X, y, base_margin=np.full(len(y), start))
    words = {"objective": "binary:logistic", "base_score": 0.5}
    booster = xgb.train(words, data, 3, obj=objective)
    raw = booster.predict(data, output_margin=True)
    model = FocalXGBClassifier.from_booster(booster, loss=objective.loss, start=start)
    assert_allclose(model.decision_function(X), raw, rtol=1e-6)
    assert model.initial_score_ == pytest.approx(start)
