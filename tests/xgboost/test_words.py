"""Words that only XGBoost has: what they do, and which are refused."""

import json
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError

from skfocal import FocalXGBClassifier
from tests._boosting.data import split, table
from tests._boosting.engines import XGBOOST
from tests._boosting.refusals import assert_refused, assert_refused_unchanged

pytestmark = XGBOOST.marks
classifier, plain = XGBOOST.classifier, XGBOOST.plain


@pytest.mark.parametrize(
    ("words", "path", "expected"),
    [
        ({"max_depth": 3}, "tree_train_param/max_depth", "3"),
        ({"gamma": 0.25}, "tree_train_param/gamma", "0.25"),
        ({"reg_alpha": 0.5}, "tree_train_param/alpha", "0.5"),
        ({"eta": 0.5}, "tree_train_param/learning_rate", "0.5"),
    ],
)
def test_words_reach_the_engine(words, path, expected):
    model = classifier(**words).fit(*table())
    found = re.findall(
        f'"{path.split("/")[1]}":"([^"]*)"', model.booster_.save_config()
    )
    assert expected in found


def test_number_of_rounds():
    assert FocalXGBClassifier(max_depth=1).fit(*table()).n_iter_ == 100
    assert classifier(num_parallel_tree=3, subsample=0.5).fit(*table()).n_iter_ == 15


def test_number_of_threads():
    for words, expected in [
        ({"n_jobs": 2}, "2"),
        ({"n_jobs": None, "nthread": 1}, "1"),
    ]:
        model = classifier(**words).fit(*table())
        config = json.loads(model.booster_.save_config())
        assert config["learner"]["generic_param"]["nthread"] == expected


def test_threads_set_after_fit_reach_the_model():
    model = classifier(n_jobs=1).fit(*table())
    for words, expected in [({"n_jobs": 2}, "2"), ({"nthread": 1}, "1")]:
        config = json.loads(model.set_params(**words).booster_.save_config())
        assert config["learner"]["generic_param"]["nthread"] == expected


def test_an_alpha_that_is_a_penalty_is_told_from_that_of_the_focal_loss():
    X, y = table()
    with pytest.warns(UserWarning, match="reg_alpha; .* focal loss is focal_alpha"):
        model = classifier(alpha=0.25).fit(X, y)
    expected = classifier(reg_alpha=0.25).fit(X, y)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert model.loss_.alpha is None


def test_a_weight_of_the_positive_class_is_of_no_use_to_three():
    X, y = table(3)
    expected = classifier().fit(X, y).predict_proba(X)
    silent = classifier(scale_pos_weight=2.0, verbosity=0).fit(X, y)
    assert_array_equal(silent.predict_proba(X), expected)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier(scale_pos_weight=2.0).fit(X, y)
    (message,) = {str(warning.message) for warning in caught}
    assert '"scale_pos_weight" } are not used' in message


def test_device_is_handed_on():
    X, y = table()
    model = classifier(device="cpu").fit(X, y)
    assert_array_equal(model.predict_proba(X), classifier().fit(X, y).predict_proba(X))


def test_metrics_are_printed_only_if_asked_for(capfd):
    X, X_val, y, y_val = split()
    words = {"X_val": X_val, "y_val": y_val}
    classifier().fit(X, y, verbose=False, **words)
    assert capfd.readouterr() == ("", "")
    classifier().fit(X, y, verbose=5, **words)
    assert capfd.readouterr().out.count("validation_0-relative_focal_loss") == 4


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("booster", ["gbtree", "gblinear"])
def test_importances(n_classes, booster):
    X, y = table(n_classes)
    for kind in (None, "weight"):
        words = {"booster": booster, "importance_type": kind}
        got = classifier(**words).fit(X, y).feature_importances_
        expected = plain(**words).fit(X, y).feature_importances_
        assert got.shape == expected.shape
        assert got.sum() == pytest.approx(1.0)
    constant = classifier().fit(X * 0, y)
    assert_array_equal(constant.feature_importances_, np.zeros(6))


@pytest.mark.parametrize("where", ["constructor", "fit"])
def test_feature_weights_decide_what_is_drawn(where):
    X, y = table()
    weights = np.r_[np.zeros(5), 1.0]
    words = {"colsample_bynode": 0.2, "random_state": 0}
    if where == "constructor":
        model = classifier(feature_weights=weights, **words).fit(X, y)
    else:
        model = classifier(**words).fit(X, y, feature_weights=weights)
    assert_allclose(model.feature_importances_, weights)


def test_feature_weights_are_given_once():
    X, y = table()
    with pytest.raises(ValueError, match="feature_weights must be given once"):
        classifier(feature_weights=np.ones(6)).fit(X, y, feature_weights=np.ones(6))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"num_class": 3}, "num_class must be the number of classes in y (2), got 3"),
        ({"custom_metric": len}, "custom_metric must not be given"),
        ({"base_score": 1.0}, "base_score must be a probability inside (0, 1) for two"),
        ({"base_score": [0.1, 0.2]}, "base_score must be a probability inside (0, 1)"),
        ({"scale_pos_weight": -2.0}, "scale_pos_weight must be > 0 and finite"),
        ({"eval_metric": object()}, "eval_metric must be the name of a metric or call"),
        ({"eval_metric": ["auc", 3]}, "eval_metric must be the name of a metric or c"),
        (
            {"early_stopping_rounds": 3},
            "early_stopping_rounds must be None without validation data in eval_set or",
        ),
    ],
)
def test_refused_parameters(words, message):
    assert_refused_unchanged(XGBOOST, words, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"base_score": [0.1, 0.2]},
            "base_score must be a finite number or one per cl",
        ),
        ({"base_score": np.nan}, "base_score must be a finite number or one per class"),
    ],
)
def test_refused_parameters_of_more_classes(words, message):
    assert_refused(classifier(**words), message, *table(3))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"sample_weight_eval_set": [np.ones(2)]},
            "sample_weight_eval_set must come with eval_set, got no eval_set",
        ),
        ({"eval_set": [(1, 2, 3)]}, "eval_set must hold pairs (X, y), got 3 entries"),
        ({"eval_set": [5]}, "eval_set must hold pairs (X, y), got 5"),
    ],
)
def test_refused_words_of_fit(words, message):
    assert_refused(classifier(), message, *table(), **words)


def test_not_fitted():
    with pytest.raises(NotFittedError):
        classifier().apply(np.zeros((1, 2)))
    for method in ("get_booster", "evals_result"):
        with pytest.raises(NotFittedError):
            getattr(classifier(), method)()
