import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, softmax
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import cross_val_score

from skfocal import FocalLoss
from skfocal.metrics import focal_loss

RNG = np.random.default_rng(0)
Y = np.r_[0, 1, RNG.integers(0, 2, 48)]
PROBA = RNG.uniform(0.01, 0.99, 50)
WEIGHT = RNG.uniform(0.1, 2.0, 50)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_gamma_zero_is_the_log_loss(weight, normalize):
    kwargs = {"sample_weight": weight, "normalize": normalize}
    expected = log_loss(Y, PROBA, **kwargs)
    assert focal_loss(Y, PROBA, gamma=0.0, **kwargs) == pytest.approx(expected)


@pytest.mark.parametrize("loss", [FocalLoss(2.0), FocalLoss((1.0, 3.0), alpha=0.2)])
def test_equals_the_loss_of_the_raw_predictions(loss):
    raw = RNG.normal(size=50)
    expected = loss(Y, raw, WEIGHT)
    got = focal_loss(
        Y, expit(raw), gamma=loss.gamma, alpha=loss.alpha, sample_weight=WEIGHT
    )
    assert got == pytest.approx(expected, rel=1e-12)


def test_multiclass_with_string_labels_and_an_absent_one():
    raw = RNG.normal(size=(6, 3))
    y = np.array([0, 2, 2, 0, 2, 0])
    names = np.array(["ant", "bee", "cat"])
    loss = FocalLoss(1.5, alpha=(1.0, 2.0, 3.0))
    kwargs = {"gamma": 1.5, "alpha": (1.0, 2.0, 3.0), "labels": ["cat", "bee", "ant"]}
    got = focal_loss(names[y], softmax(raw, axis=1), **kwargs)
    assert got == pytest.approx(loss(y, raw), rel=1e-12)


def test_two_columns_equal_one():
    both = np.column_stack([1 - PROBA, PROBA])
    assert focal_loss(Y, both) == pytest.approx(focal_loss(Y, PROBA), rel=1e-12)


def test_probability_zero_of_the_truth_costs_infinity():
    assert focal_loss([0, 1], [0.5, 0.0]) == np.inf
    assert focal_loss([0, 1], [0.0, 1.0]) == 0.0


def test_is_not_least_at_the_true_probabilities():
    # one sample in five is positive, whatever the features
    y = [1, 0, 0, 0, 0]
    at_truth, pulled = focal_loss(y, [0.2] * 5), focal_loss(y, [0.32] * 5)
    assert pulled < at_truth


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scorer_works_in_cross_validation(n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], load_iris().target_names[y[y < n_classes]]
    scorer = make_scorer(
        focal_loss, response_method="predict_proba", greater_is_better=False, gamma=0.0
    )
    model = LogisticRegression(max_iter=1000)
    scores = cross_val_score(model, X, y, scoring=scorer)
    expected = cross_val_score(model, X, y, scoring="neg_log_loss")
    assert_allclose(scores, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (([0, 1], [0.5, 1.5]), {}, "y_proba must be in [0, 1], got 1.5"),
        (([0, 1], [-0.5, 0.5]), {}, "y_proba must be in [0, 1], got -0.5"),
        (
            ([0, 1, 2], [0.5, 0.5, 0.5]),
            {},
            "y_proba must have one column per label [0, 1, 2], got 2 columns",
        ),
        (
            ([0, 1], [[0.5, 0.25], [0.5, 0.5]]),
            {},
            "y_proba must have rows that sum to 1, got 0.75",
        ),
        (
            ([1, 1], [0.5, 0.5]),
            {},
            "y_true must hold at least two labels if labels is not given, got only [1]",
        ),
        (([1, 1], [0.5, 0.5]), {"labels": [1]}, "labels must hold at least two labels"),
        (
            ([0, 7], [0.5, 0.5]),
            {"labels": [0, 1]},
            "y_true must hold only labels from [0, 1], got [7]",
        ),
        (([0, 1], [0.5, 0.5]), {"gamma": -1}, "gamma must be >= 0 and finite, got -1"),
        (
            ([0, 1], [0.5, 0.5]),
            {"sample_weight": [0.0, 0.0]},
            "sample_weight must not be all zero, got a sum of 0.0",
        ),
        (([0, 1], [0.5]), {}, "inconsistent numbers of samples"),
        (([0, 1], [0.5, np.nan]), {}, "Input y_proba contains NaN"),
    ],
)
def test_errors(args, kwargs, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        focal_loss(*args, **kwargs)
