"""The classifier is its host's, takes labels of all kinds, and may be subclassed."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_validate

from tests._boosting.data import split, table
from tests._boosting.engines import ENGINES


def test_is_its_hosts_classifier(engine):
    X, y = table()
    model = engine.classifier()
    assert isinstance(model, engine.Wrapper)
    assert isinstance(copy.deepcopy(model.fit(X, y)), engine.Wrapper)


def subclass_of(engine):
    class Tagged(engine.Classifier):
        def __init__(self, *, tag="x", **kwargs):
            self.tag = tag
            super().__init__(**kwargs)

    return Tagged


def test_a_subclass_keeps_its_parents_parameters(engine):
    model = subclass_of(engine)(tag="y", focal_gamma=1.0, **engine.small)
    words = engine.classifier(focal_gamma=1.0).get_params() | {"tag": "y"}
    assert model.get_params().keys() == words.keys()
    cloned = clone(model)
    assert cloned.tag == "y"
    assert cloned.n_estimators == engine.small["n_estimators"]
    assert cloned.focal_gamma == 1.0
    cloned.set_params(focal_gamma=3.0, n_estimators=4, tag="z", **engine.further)
    again = clone(cloned)
    assert (again.focal_gamma, again.n_estimators, again.tag) == (3.0, 4, "z")
    assert again.get_params().items() >= engine.further.items()
    X, y = table()
    assert again.fit(X, y).n_iter_ == 4


def test_a_subclass_is_searched_with_its_parents_parameters(engine):
    X, y = table()
    model = subclass_of(engine)(**engine.small | {"n_estimators": 7})
    search = GridSearchCV(model, {"focal_gamma": [0.5, 2.0]}, cv=2).fit(X, y)
    assert search.best_estimator_.n_iter_ == 7


def test_a_subclass_of_named_parameters_has_only_those(engine):
    class Small(engine.Classifier):
        def __init__(self, n_estimators=3):
            super().__init__(n_estimators=n_estimators)

    assert list(Small().get_params()) == ["n_estimators"]
    assert clone(Small(5)).n_estimators == 5


LABELS = {
    "digits as text": np.array(["1", "2"]),
    "text": np.array(["no", "yes"]),
    "numbers": np.array([7, 11]),
    "booleans": np.array([False, True]),
}
KINDS = {
    "array": lambda y: y,
    "list": lambda y: y.tolist(),
    "Series": pd.Series,
    "nullable": lambda y: pd.Series(y).convert_dtypes(),
    "Categorical": pd.Categorical,
    "category": lambda y: pd.Series(y).astype("category"),
    "polars": pl.Series,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_all_kinds(engine, labels, kind):
    X, codes = table()
    values = LABELS[labels]
    weights = dict(zip(values.tolist(), [1.0, 10.0], strict=True))
    model = engine.classifier(focal_alpha=weights)
    y = KINDS[kind](values[codes])
    model.fit(X, y, X_val=X, y_val=y)
    assert model.classes_.tolist() == values.tolist()
    same = [type(label) for label in model.predict(X)[:2].tolist()]
    assert same == [type(values.tolist()[0])] * 2
    expected = engine.classifier(focal_alpha=[1.0, 10.0]).fit(X, codes)
    assert_array_equal(model.predict(X), values[expected.predict(X)])
    assert model.score(X, y) == expected.score(X, codes)


@pytest.mark.parametrize("engine", [ENGINES["lightgbm"]])
@pytest.mark.parametrize("labels", LABELS)
def test_class_weights_by_labels_of_all_kinds(engine, labels):
    X, codes = table()
    values = LABELS[labels]
    y, keys = values[codes], values.tolist()
    model = engine.classifier(class_weight={keys[1]: 10}).fit(X, y)
    expected = engine.classifier().fit(X, codes, np.where(codes == 1, 10.0, 1.0))
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    both = dict(zip(keys, [2.0, 1.0], strict=True)) | {"other": 9.0}
    engine.classifier(class_weight=both).fit(X, y)
    message = r"class_weight must have labels from \[.*\] as keys, got \['other'\]"
    with pytest.raises(ValueError, match=message):
        engine.classifier(class_weight={"other": 9.0}).fit(X, y)


@pytest.mark.parametrize("wrap", [list, lambda s: s[:, None], pd.DataFrame, pd.Series])
def test_starts_of_any_shape(engine, wrap):
    X, y = table()
    start = np.linspace(-1, 1, len(y))
    got, expected = (
        engine.classifier().fit(X, y, **{engine.offset: given}).decision_function(X)
        for given in (wrap(start), start)
    )
    assert_array_equal(got, expected)


def test_flat_starts_of_several_classes(engine):
    X, y = table(3)
    start = np.linspace(-1, 1, 3 * len(y)).reshape(-1, 3)
    flat = start.ravel(order=engine.pick(lightgbm="F", xgboost="C"))
    got, expected = (
        engine.classifier().fit(X, y, **{engine.offset: given}).decision_function(X)
        for given in (flat, start)
    )
    assert_array_equal(got, expected)


def test_cross_validation_does_not_slice_validation_data_in_a_tuple(engine):
    X, y = table()
    words = {"X_val": (X,), "y_val": (y,)}
    found = cross_validate(
        engine.classifier(), X, y, cv=2, params=words, return_estimator=True
    )
    for model in found["estimator"]:
        ((score, *_),) = (
            values for values in model.evals_result_[engine.first_set].values()
        )
        expected = engine.score(model.loss_, y, start_of(model, y))
        assert score < expected
        got = model.evals_result_[engine.first_set][engine.focal_metric][-1]
        raw = engine.watched_raw(model, X)
        assert got == pytest.approx(engine.score(model.loss_, y, raw), abs=1e-6)


def start_of(model, y):
    return np.full(len(y), model.initial_score_)


def test_validation_data_split_off_inside_fit(engine):
    X, _, y, _ = split()
    words = {"n_estimators": 300, engine.stop_after: 5, "validation_fraction": 0.25}
    model = engine.classifier(**words).fit(X, y, **engine.silent)
    assert 0 < model.n_iter_ < 300
    held_out = model.evals_result_[engine.first_set][engine.focal_metric]
    assert len(held_out) > model.n_iter_
    again = clone(model).fit(X, y, **engine.silent)
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    # Data that is given comes first, and without early stopping none is split off.
    given = {"X_val": X[:50], "y_val": y[:50]} | engine.silent
    words.pop("validation_fraction")
    got = clone(model).fit(X, y, **given)
    expected = engine.classifier(**words).fit(X, y, **given)
    assert_array_equal(got.predict_proba(X), expected.predict_proba(X))
    whole = engine.classifier(validation_fraction=0.25).fit(X, y)
    expected = engine.classifier().fit(X, y).predict_proba(X)
    assert_array_equal(whole.predict_proba(X), expected)
    with pytest.raises(ValueError, match=r"validation_fraction must be None or inside"):
        clone(model).set_params(validation_fraction=1.5).fit(X, y)


def test_threads_chosen_after_fit(engine):
    X, y = table()
    model = engine.classifier(n_jobs=1).fit(X, y)
    expected = model.predict_proba(X)
    model.set_params(n_jobs=2)
    assert_array_equal(model.predict_proba(X), expected)
