"""The constructors: the engine's words with its defaults, and its further ones."""

import copy
import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal, assert_equal
from sklearn.base import clone

from skfocal._boosting.words import OWN_WORDS
from tests._boosting.data import table


def parameters_of(function):
    return inspect.signature(function).parameters.keys()


def test_every_word_of_the_engines_classifier_has_its_name_and_default(engine):
    own, theirs = engine.Classifier().get_params(), engine.Wrapper().get_params()
    link = engine.pick(lightgbm=None, xgboost="binary:logistic")
    assert theirs.pop("objective") == link
    assert own.pop("objective") is None
    # Unlike ==, it takes NaN, XGBoost's missing value, for equal.
    assert_equal({name: own[name] for name in theirs}, theirs)
    assert set(own) - set(theirs) == OWN_WORDS
    assert own["focal_link"] == "posterior"


def test_every_word_of_fit(engine):
    own = parameters_of(engine.Classifier.fit)
    assert own >= parameters_of(engine.Wrapper.fit)
    assert own >= {"X_val", "y_val", "sample_weight_val"}
    assert own >= {engine.offset, engine.offsets_of_sets, engine.weights_of_sets}
    assert own >= {"X", "y", "sample_weight", "eval_set", engine.go_on}


def test_further_words_are_parameters(engine):
    model = engine.classifier(**engine.further)
    assert model.get_params().items() >= engine.further.items()
    assert_equal(clone(model).get_params(), model.get_params())
    assert clone(model).get_params(deep=False).keys() == model.get_params().keys()
    changed = {
        "focal_gamma": 1.0,
        "focal_link": "focal",
        "max_depth": 2,
    } | engine.changed
    model.set_params(**changed)
    assert model.get_params().items() >= changed.items()
    assert_equal(clone(model).get_params(), model.get_params())


def test_set_params_leaves_a_clone_alone(engine):
    model = engine.classifier(**engine.further)
    copy.copy(model).set_params(**engine.changed)
    assert model.get_params().items() >= engine.further.items()


def test_a_word_given_by_its_alias_beats_the_default_of_the_other(engine):
    X, y = table()
    name, alias = (engine.classifier(**words).fit(X, y) for words in engine.synonyms)
    expected = name.decision_function(X)
    assert_array_equal(alias.decision_function(X), expected)
    default = engine.classifier().fit(X, y).decision_function(X)
    assert not np.array_equal(default, expected)


def test_random_state_decides_the_subsamples(engine):
    X, y = table()

    def predict(random_state):
        model = engine.classifier(random_state=random_state, **engine.subsampled)
        return model.fit(X, y).predict_proba(X)

    assert_array_equal(predict(1), predict(1))
    assert not np.array_equal(predict(1), predict(2))
    for kind in (np.random.RandomState, np.random.default_rng):
        assert_array_equal(predict(kind(3)), predict(kind(3)))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_nothing_is_printed_unless_asked_for(engine, capfd, n_classes):
    X, y = table(n_classes)
    engine.classifier().fit(X, y, X_val=X, y_val=y, **engine.silent)
    engine.classifier().fit(X * 0, y)
    assert capfd.readouterr() == ("", "")
