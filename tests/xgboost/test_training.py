"""Starts, weights and rounds by XGBoost's own words for them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from tests._boosting.data import split, table
from tests._boosting.engines import XGBOOST

classifier, plain = XGBOOST.classifier, XGBOOST.plain
LINKS = pytest.mark.parametrize("link", ["posterior", "focal"])
pytestmark = XGBOOST.marks


@LINKS
@pytest.mark.parametrize("tree_method", ["hist", "exact"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_weight_of_three_is_a_row_three_times(n_classes, tree_method, link):
    X, y = table(n_classes, n=300)
    times = np.arange(len(y)) % 4 + 1
    words = {"tree_method": tree_method, "max_bin": 1000, "min_child_weight": 0}
    words["focal_link"] = link
    weighted = classifier(**words).fit(X, y, times)
    repeated = classifier(**words).fit(np.repeat(X, times, 0), np.repeat(y, times))
    # scikit-learn's own check of this has fifteen rows.
    assert_allclose(
        weighted.decision_function(X), repeated.decision_function(X), rtol=1e-7
    )


def test_scale_pos_weight_multiplies_the_weights_of_the_second_class():
    X, y = table()
    labels = np.array(["no", "yes"])[y]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for own in (None, weight):
        got = classifier(scale_pos_weight=3.0).fit(X, labels, own)
        ones = np.ones(len(y)) if own is None else own
        expected = classifier().fit(X, y, ones * np.where(y == 1, 3.0, 1.0))
        assert_array_equal(got.decision_function(X), expected.decision_function(X))


@LINKS
@pytest.mark.parametrize(
    ("n_classes", "base_score", "start"),
    [
        (2, 0.9, logit(0.9)),
        (3, 0.5, [0.5] * 3),
        (3, [0.1, 0.2, -0.3], [0.1, 0.2, -0.3]),
    ],
)
def test_base_score_is_the_start_that_the_user_chose(
    n_classes, base_score, start, link
):
    X, y = table(n_classes)
    words = {"learning_rate": 1e-9, "n_estimators": 1}
    model = classifier(base_score=base_score, focal_link=link, **words).fit(X, y)
    raw = XGBOOST.watched_raw(model, X)
    assert_allclose(raw, np.broadcast_to(start, raw.shape), atol=1e-6)
    assert_allclose(model.initial_score_, start)
    # One round of no length, which nothing but the constant balances.
    share = np.bincount(y) / len(y)
    balanced = np.allclose(model.predict_proba(X).mean(axis=0), share, atol=1e-6)
    assert balanced == (link == "posterior")


@LINKS
@pytest.mark.parametrize("base_score", [None, 0.9])
def test_going_on_starts_at_the_best_round_and_does_not_move_the_old_model(
    base_score, link
):
    X, X_val, y, y_val = split()
    words = {"n_estimators": 200, "learning_rate": 0.5, "early_stopping_rounds": 3}
    first = plain(**words, eval_metric="logloss")
    first.fit(X, y, eval_set=[(X_val, y_val)], verbose=False)
    best = first.best_iteration + 1
    assert best < first.get_booster().num_boosted_rounds()
    # In the focal link only the log loss goes on from a log loss.
    gamma = 0.0 if link == "focal" else 2.0
    words = {"focal_gamma": gamma, "focal_link": link, "base_score": base_score}
    model = classifier(n_estimators=4, **words)
    model.fit(X, y, xgb_model=first)
    assert model.n_iter_ == best + 4
    head = model.decision_function(X, iteration_range=(0, best))
    expected = first.predict(X, output_margin=True)
    if link == "focal":
        assert_array_equal(head, expected)
    assert_allclose(head - model.calibration_shift_, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_linear_model_goes_on(n_classes):
    X, y = table(n_classes)
    words = {"booster": "gblinear", "updater": "coord_descent"}
    first = classifier(n_estimators=5, **words).fit(X, y)
    still = classifier(n_estimators=2, learning_rate=0.0, **words)
    still.fit(X, y, xgb_model=first)
    raw = still.decision_function(X) - still.calibration_shift_
    assert_allclose(raw, first.decision_function(X), rtol=0, atol=1e-6)
    more = classifier(n_estimators=100, **words).fit(X, y, xgb_model=first)
    whole = classifier(n_estimators=105, **words).fit(X, y)
    assert more.n_iter_ == 105
    # Where it started is no matter in the end.
    assert_allclose(more.predict_proba(X), whole.predict_proba(X), rtol=0, atol=1e-2)


@pytest.mark.parametrize(
    ("of_first", "then", "known"),
    [
        ("gblinear", None, "gblinear"),
        ("gblinear", "gbtree", "gblinear"),
        ("gblinear", "dart", "gblinear"),
        (None, "gblinear", "gbtree"),
    ],
)
def test_going_on_with_another_kind_of_model_is_refused(of_first, then, known):
    """XGBoost would begin anew without a word."""
    X, y = table()
    first = classifier(booster=of_first).fit(X, y)
    message = f"^booster must be '{known}', as xgb_model has it, .*, got {then!r}"
    with pytest.raises(ValueError, match=message):
        classifier(booster=then).fit(X, y, xgb_model=first)


@pytest.mark.parametrize(("of_first", "then"), [(None, "dart"), ("dart", "gbtree")])
def test_trees_and_dart_go_on_from_each_other_or_not_at_all(of_first, then):
    """From XGBoost 3.3 on they are of one kind."""
    X, y = table()
    first = classifier(booster=of_first, n_estimators=3).fit(X, y)
    model = classifier(booster=then, n_estimators=2)
    try:
        model.fit(X, y, xgb_model=first)
    except ValueError as error:
        assert "as xgb_model has it" in str(error)  # noqa: PT017
    else:
        assert model.n_iter_ == 5


@LINKS
@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_start_at_a_base_margin(n_classes, link):
    X, y = table(n_classes)
    first, longer = (
        classifier(n_estimators=n, focal_link=link).fit(X, y) for n in (5, 15)
    )
    offset, expected = (XGBOOST.watched_raw(m, X) for m in (first, longer))
    model = classifier(n_estimators=10, focal_link=link)
    model.fit(X, y, base_margin=offset)
    given = model.decision_function(X, base_margin=offset)
    assert_allclose(given, expected, atol=1e-4)
    proba = model.predict_proba(X, base_margin=offset)
    assert_array_equal(proba, model.loss_.predict_proba(given))
    assert_array_equal(
        model.predict(X, base_margin=offset), model.classes_[np.argmax(proba, axis=1)]
    )


def test_predict_may_return_the_margin():
    X, y = table()
    model = classifier().fit(X, y)
    raw = model.decision_function(X, iteration_range=(0, 1))
    got = model.predict(X, output_margin=True, iteration_range=(0, 1))
    assert_array_equal(got, raw)
    assert model.best_iteration_ is None
    assert model.best_score_ is None
