"""What constructor and fit refuse, and in what words."""

import numpy as np
import pytest

from tests._boosting.data import table
from tests._boosting.refusals import assert_refused, assert_refused_unchanged


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_gamma": -1.0}, "focal_gamma must be >= 0 and finite, got -1.0"),
        ({"focal_gamma": (1, 2, 3)}, "focal_gamma must have one entry per class (2)"),
        (
            {"focal_alpha": 1.5},
            "focal_alpha must be in (0, 1) if it is a float, got 1.5",
        ),
        ({"focal_alpha": [1, 2, 3]}, "focal_alpha must have one entry per class (2)"),
        ({"focal_alpha": "best"}, "focal_alpha must be None, a number, 'balanced', a"),
        (
            {"focal_alpha": {7: 2.0}},
            "focal_alpha must have labels from [0, 1] as keys, got [7]",
        ),
        (
            {"focal_link": "logit"},
            "focal_link must be one of ['focal', 'posterior'], got 'logit'",
        ),
        ({"focal_gama": 1.0}, "the parameters of the focal loss must be ["),
        (
            {"objective": "regression"},
            "objective must be None or one of [",
        ),
    ],
)
def test_parameters(engine, words, message):
    assert_refused_unchanged(engine, words, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"sample_weight": np.zeros(600)},
            "sample_weight must not be all zero, got a sum of 0.0",
        ),
        (
            {"sample_weight": -np.ones(600)},
            "sample_weight must be >= 0 and finite, got -1.0",
        ),
        (
            {"eval_set": [(np.zeros((2, 6)), [0, 5])]},
            "eval_set must hold only labels from [0, 1], got [5]",
        ),
        (
            {"X_val": np.zeros((2, 6)), "y_val": [0, 5]},
            "y_val must hold only labels from [0, 1], got [5]",
        ),
        (
            {"X_val": np.zeros((2, 6)), "y_val": [0, 1, 1]},
            "y_val must have one entry per sample (2), got 3",
        ),
        ({"y_val": [0, 1]}, "X_val and y_val must be given together, got no X_val"),
        ({"eval_set": [(1, 2, 3)]}, "eval_set must hold pairs (X, y), got "),
    ],
)
def test_words_of_fit(engine, words, message):
    assert_refused(engine.classifier(), message, *table(), **words)


def test_lists_of_another_length_than_the_validation_sets(engine):
    for name in (engine.weights_of_sets, engine.offsets_of_sets):
        words = {"eval_set": [(np.zeros((2, 6)), [0, 1])], name: []}
        message = f"{name} must have one entry per validation set (1), got 0"
        assert_refused(engine.classifier(), message, *table(), **words)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5,), "must have shape (600,), one raw prediction per sample"),
        ((600, 2), "must have shape (600,), one raw prediction per sample"),
    ],
)
def test_offsets_of_another_shape(engine, shape, message):
    words = {engine.offset: np.zeros(shape)}
    message = f"{engine.offset} {message}"
    assert_refused(engine.classifier(), message, *table(), **words)


def test_one_class(engine):
    with pytest.raises(ValueError, match=r"two classes .* got only the class \['a'\]"):
        engine.classifier().fit(np.zeros((3, 1)), ["a"] * 3)


def test_validation_data_with_other_columns(engine):
    X, y = table()
    with pytest.raises(ValueError, match="X has 3 features"):
        engine.classifier().fit(X, y, X_val=X[:, :3], y_val=y)
