"""What constructor and fit refuse, and in what words."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_equal

from tests._boosting.data import frame, table
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
        (
            {"objective": "regression"},
            "objective must be None or one of [",
        ),
    ],
)
def test_parameters(engine, words, message):
    assert_refused_unchanged(engine, words, message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("focal_gama", "the parameters of the focal loss must be ['focal_alpha', "),
        ("focalgamma", "focal_gamma must be spelt so, got focalgamma"),
        ("fokal_alpha", "focal_alpha must be spelt so, got fokal_alpha"),
        (
            "validation_fracton",
            "validation_fraction must be spelt so, got validation_f",
        ),
    ],
)
def test_misspelt_parameters(engine, name, message):
    model = engine.classifier()
    before = model.get_params()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        model.set_params(n_estimators=3, **{name: 1.0})
    assert_equal(model.get_params(), before)
    # scikit-learn lets no constructor raise: fit does.
    assert_refused(engine.classifier(**{name: 1.0}), message, *table())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"n_estimators": "5"}, "n_estimators must be a whole number >= "),
        ({"n_estimators": 1.5}, "n_estimators must be a whole number >= "),
        ({"n_estimators": -1}, "n_estimators must be a whole number >= "),
        ({"n_estimators": True}, "n_estimators must be a whole number >= "),
        ({"n_jobs": "x"}, "n_jobs must be a whole number, got 'x'"),
        ({"n_jobs": 1.5}, "n_jobs must be a whole number, got 1.5"),
        (
            {"scale_pos_weight": "2"},
            "scale_pos_weight must be > 0 and finite, got '2'",
        ),
    ],
)
def test_parameters_that_are_no_numbers(engine, words, message):
    assert_refused_unchanged(engine, words, message)


def test_only_xgboost_has_a_default_number_of_rounds(engine):
    model = engine.classifier(n_estimators=None)
    if engine.name == "lightgbm":
        message = "n_estimators must be a whole number >= 1, got None"
        assert_refused(model, message, *table())
    else:
        assert model.fit(*table()).n_iter_ == 100


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda X: X[[]],
            "X must have at least one row and column, got shape (400, 0)",
        ),
        (lambda X: X[:0], "X must have at least one row and column, got shape (0, 1)"),
        (
            lambda X: pd.concat([X, X], axis=1),
            "X must have columns of different names, got twice ['size']",
        ),
    ],
)
def test_tables_without_rows_or_columns_or_with_one_name_twice(engine, make, message):
    X, y = frame()
    X = X[["size"]]
    model = engine.classifier().fit(X, y)
    other = make(X)
    assert_refused(engine.classifier(), message, other, y[: len(other)])
    words = {"X_val": other, "y_val": y[: len(other)]}
    assert_refused(engine.classifier(), message, X, y, **words)
    with pytest.raises(ValueError, match=re.escape(message)):
        model.predict(other)


MISSING, KIND = (
    "y must hold no missing labels, got ",
    "y must hold labels of one kind, ",
)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.Series(["a", "b", None], dtype="string"), f"{MISSING}<NA>"),
        (np.array(["a", "b", None], dtype=object), f"{MISSING}None"),
        (np.array(["a", "b", np.nan], dtype=object), f"{MISSING}nan"),
        (["a", "b", None], f"{MISSING}None"),
        (pd.Series(["a", "b", None], dtype="category"), f"{MISSING}nan"),
        (np.array([0, 1, "1"], dtype=object), f"{KIND}got ['int', 'str']"),
        ([0, 1, "1"], f"{KIND}got ['int', 'str']"),
        (np.array([0, 1, True], dtype=object), f"{KIND}got ['bool', 'int']"),
    ],
)
def test_labels_that_are_missing_or_of_several_kinds(engine, y, message):
    X = np.arange(3.0)[:, None]
    assert_refused(engine.classifier(), message, X, y)
    words = {"X_val": X, "y_val": y}
    message = message.replace("y must", "y_val must", 1)
    assert_refused(engine.classifier(), message, X, [y[0], y[1], y[0]], **words)


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
