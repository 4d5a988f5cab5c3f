"""What scikit-learn's logistic regressions have, ours have, or it is named here.

Written for scikit-learn from 1.6 on: what a version lacks isn't asked for.
"""

import inspect
import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.preprocessing import scale

from skfocal import FocalLogisticRegression, FocalLogisticRegressionCV

PAIRS = [
    (LogisticRegression, FocalLogisticRegression),
    (LogisticRegressionCV, FocalLogisticRegressionCV),
]
both_classes = pytest.mark.parametrize(("host", "own"), PAIRS)

MISSING_NAMES = {
    "multi_class": "deprecated since 1.5 and gone in 1.8: a softmax is what is fitted",
    "set_callbacks": "new in 1.9: the callbacks ask for a protocol inside fit",
    "param": "a loop variable that scikit-learn left in the body of the class",
}
OTHER_DEFAULTS = {
    "solver": "'auto' chooses by the size of the data",
    "penalty": "'l2' before 1.8, which the default l1_ratio is",
    "l1_ratio": "None before 1.8, which means 0",
    "l1_ratios": "(0.0,) from 1.10 on, and None, which means it, before",
    "scoring": "the log loss from 1.11 on, the accuracy before",
    "use_legacy_attributes": "False from 1.10 on; the old shapes have no gamma",
}

IRIS = load_iris(return_X_y=True)
IRIS = scale(IRIS[0]), IRIS[1]
BINARY = IRIS[0], (IRIS[1] == 1).astype(int)


def parameters(callable_):
    return inspect.signature(callable_).parameters


def fit_host(host, X, y, **words):
    """Fit scikit-learn's, whose deprecations are not ours."""
    known = parameters(host)
    words = {name: value for name, value in words.items() if name in known}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return host(**words).fit(X, y)


@both_classes
@pytest.mark.parametrize("data", [BINARY, IRIS], ids=["two", "three"])
def test_every_public_name_exists(host, own, data):
    theirs = fit_host(host, *data, max_iter=1000)
    mine = own().fit(*data)
    missing = {name for name in dir(theirs) if not name.startswith("_")} - {*dir(mine)}
    assert missing <= set(MISSING_NAMES)


@both_classes
def test_every_constructor_parameter_exists_with_its_default(host, own):
    mine, theirs = parameters(own), parameters(host)
    assert set(theirs) - set(mine) <= set(MISSING_NAMES)
    defaults = {name for name in theirs if name in mine}
    others = {name for name in defaults if mine[name].default != theirs[name].default}
    assert others <= set(OTHER_DEFAULTS)


@both_classes
def test_every_method_takes_the_same_arguments(host, own):
    for name, method in inspect.getmembers(host, callable):
        if name.startswith(("_", "set_")) or name in MISSING_NAMES:
            continue
        mine = parameters(getattr(own, name))
        assert list(parameters(method)) == list(mine), name


@both_classes
def test_fitted_attributes_have_the_same_shapes(host, own):
    for X, y in (BINARY, IRIS):
        words = {"use_legacy_attributes": False, "l1_ratios": [0.0], "max_iter": 1000}
        theirs, mine = fit_host(host, X, y, **words), own().fit(X, y)
        for name in ("coef_", "intercept_", "classes_", "n_iter_"):
            expected, got = getattr(theirs, name), getattr(mine, name)
            assert got.dtype == expected.dtype
            if name != "n_iter_" or own is FocalLogisticRegression:
                assert got.shape == expected.shape
        assert theirs.predict_proba(X).shape == mine.predict_proba(X).shape
        assert theirs.decision_function(X).shape == mine.decision_function(X).shape


@both_classes
def test_the_hosts_parameters_are_taken_as_they_are(host, own):
    X, y = IRIS
    words = host().get_params()
    words.pop("multi_class", None)
    gamma = {next(iter(parameters(own))): 0.0 if host is LogisticRegression else [0.0]}
    model = own(**gamma, **words | {"max_iter": 1000}).fit(X, y)
    # Not given, scoring is the accuracy before 1.8, and ours since.
    chosen = {} if words.get("scoring", "warn") == "warn" else {"scoring": None}
    expected = own(**gamma, **chosen, solver="lbfgs", max_iter=1000).fit(X, y)
    assert_array_equal(model.coef_, expected.coef_)


SOLVERS = {
    "lbfgs": "lbfgs",
    "newton-cholesky": "trust-exact",
    "newton-cg": "trust-ncg",
    "liblinear": "auto",
    "sag": "auto",
    "saga": "auto",
}
EXACT = {"tol": 1e-10, "max_iter": 100_000}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("data", [BINARY, IRIS], ids=["two", "three"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_solvers_name_gives_its_coefficients(solver, data, fit_intercept):
    X, y = data
    words = {"C": 0.5, "fit_intercept": fit_intercept, "solver": solver, **EXACT}
    model = FocalLogisticRegression(0.0, **words).fit(X, y)
    own = FocalLogisticRegression(0.0, **words | {"solver": SOLVERS[solver]})
    assert_array_equal(model.coef_, own.fit(X, y).coef_)
    if solver == "liblinear" and (data is IRIS or fit_intercept):
        # It fits no softmax, and penalises the intercept.
        words["solver"] = "lbfgs"
    expected = fit_host(LogisticRegression, X, y, **words)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-4, atol=1e-5)
    proba = expected.predict_proba(X)
    assert_allclose(model.predict_proba(X), proba, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("solver", ["liblinear", "saga"])
@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0])
def test_an_l1_penalty_by_the_solvers_that_have_one(solver, ratio):
    X, y = BINARY
    words = {"C": 0.3, "solver": solver, "fit_intercept": False, **EXACT}
    if solver == "liblinear" and ratio not in (0.0, 1.0):
        words["solver"] = "saga"
    old = {0.0: "l2", 0.3: "elasticnet", 1.0: "l1"}[ratio]
    expected = fit_host(LogisticRegression, X, y, penalty=old, l1_ratio=ratio, **words)
    words["solver"] = solver
    model = FocalLogisticRegression(0.0, l1_ratio=ratio, **words).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"penalty": "l2"}, {}),
        ({"penalty": "l2", "l1_ratio": None}, {}),
        ({"l1_ratio": None}, {}),
        ({"penalty": "l1"}, {"l1_ratio": 1.0}),
        ({"penalty": "l1", "l1_ratio": None}, {"l1_ratio": 1.0}),
        ({"penalty": "l1", "l1_ratio": 1.0}, {"l1_ratio": 1.0}),
        ({"penalty": "elasticnet", "l1_ratio": 0.3}, {"l1_ratio": 0.3}),
        ({"penalty": None}, {"C": np.inf}),
        ({"penalty": None, "C": np.inf}, {"C": np.inf}),
        ({"dual": False, "intercept_scaling": 1.0, "n_jobs": 2}, {}),
    ],
)
def test_older_ways_to_say_the_same(old, new):
    X, y = IRIS
    settings = {"C": 0.5} if "C" not in new else {}
    model = FocalLogisticRegression(**settings | old, max_iter=1000).fit(X, y)
    expected = FocalLogisticRegression(**settings | new, max_iter=1000).fit(X, y)
    assert_array_equal(model.coef_, expected.coef_)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"penalty": "l2"}, {}),
        ({"penalty": "l2", "l1_ratios": None}, {}),
        ({"l1_ratios": None}, {}),
        ({"penalty": "l1"}, {"l1_ratios": [1.0]}),
        ({"penalty": "l1", "l1_ratios": None}, {"l1_ratios": [1.0]}),
        ({"penalty": "elasticnet", "l1_ratios": [0, 0.5]}, {"l1_ratios": [0.0, 0.5]}),
        ({"scoring": None}, {"scoring": "accuracy"}),
        ({"use_legacy_attributes": False, "dual": False, "intercept_scaling": 1}, {}),
    ],
)
def test_older_ways_to_say_the_same_of_the_cross_validation(old, new):
    words = {"focal_gammas": [1.0], "Cs": [0.1, 1.0], "cv": 3, "max_iter": 1000}
    model = FocalLogisticRegressionCV(**words, **old).fit(*IRIS)
    expected = FocalLogisticRegressionCV(**words, **new).fit(*IRIS)
    assert_array_equal(model.l1_ratios_, expected.l1_ratios_)
    assert_array_equal(model.scores_, expected.scores_)
    assert_array_equal(model.coef_, expected.coef_)


def test_penalty_none_warns_of_what_it_ignores():
    expected = FocalLogisticRegression(C=np.inf).fit(*BINARY)
    model = FocalLogisticRegression(penalty=None, C=0.1)
    with pytest.warns(UserWarning, match="penalty=None ignores C .* got C=0.1"):
        model.fit(*BINARY)
    assert_array_equal(model.coef_, expected.coef_)


COMMON_ERRORS = [
    ({"dual": True}, "dual must be False, .* got True"),
    ({"dual": "no"}, "dual must be True or False, got 'no'"),
    ({"intercept_scaling": 2.0}, "intercept_scaling must be 1, .* got 2.0"),
    ({"n_jobs": 1.5}, "n_jobs must be an int or None, got 1.5"),
    ({"penalty": "l3"}, "penalty must be .*, got 'l3'"),
    ({"solver": "newton-cg", "penalty": "l1"}, "solver must be .* got 'newton-cg'"),
]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *COMMON_ERRORS,
        ({"penalty": "l2", "l1_ratio": 0.5}, "l1_ratio must be 0 or .* got 0.5"),
        ({"penalty": "l1", "l1_ratio": 0.5}, "l1_ratio must be 1 or .* got 0.5"),
        ({"penalty": "elasticnet", "l1_ratio": None}, "l1_ratio must be given"),
        ({"warm_start": "yes"}, "warm_start must be True or False, got 'yes'"),
        ({"focal_gamma": "l2"}, "focal_gamma must be a number .* got 'l2'"),
    ],
)
def test_what_cannot_be_had_is_named(words, message):
    model = FocalLogisticRegression(**words)
    with pytest.raises(ValueError, match=message):
        model.fit(*BINARY)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        *COMMON_ERRORS,
        ({"penalty": "l2", "l1_ratios": [0.5]}, "l1_ratios must be 0 or .* got 0.5"),
        ({"penalty": "l1", "l1_ratios": [0.5]}, "l1_ratios must be 1 or .* got 0.5"),
        ({"penalty": "elasticnet", "l1_ratios": None}, "l1_ratios must be given"),
        ({"penalty": None}, r"penalty must be .* or Cs=\(numpy.inf,\) .* got None"),
        ({"use_legacy_attributes": True}, "use_legacy_attributes must be .* got True"),
    ],
)
def test_what_cannot_be_had_of_the_cross_validation_is_named(words, message):
    model = FocalLogisticRegressionCV(**words)
    with pytest.raises(ValueError, match=message):
        model.fit(*BINARY)
    assert not hasattr(model, "classes_")


@pytest.mark.skipif(
    "use_legacy_attributes" not in parameters(LogisticRegressionCV),
    reason="scikit-learn's attributes are dicts before 1.8",
)
@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
@pytest.mark.parametrize("data", [BINARY, IRIS], ids=["two", "three"])
def test_at_gamma_zero_it_is_the_hosts_cross_validation(
    refit, fit_intercept, scoring, data
):
    words = {"Cs": [0.01, 0.1, 1.0, 3.0], "cv": 3, "refit": refit, "scoring": scoring}
    words |= {"fit_intercept": fit_intercept, "tol": 1e-9, "max_iter": 1000}
    host = {"l1_ratios": (0.0,), "use_legacy_attributes": False}
    if not refit and sklearn.__version__.startswith("1.8"):
        pytest.skip("scikit-learn 1.8 asks for float(None) here")
    expected = fit_host(LogisticRegressionCV, *data, **words, **host)
    model = FocalLogisticRegressionCV([0.0], **words).fit(*data)
    for name in ("C_", "l1_ratio_", "Cs_", "l1_ratios_"):
        assert_allclose(getattr(model, name), getattr(expected, name))
        assert type(getattr(model, name)) is type(getattr(expected, name))
    # There is a gamma more to a score.
    assert_allclose(model.scores_[:, 0], expected.scores_, rtol=1e-4)
    assert model.n_iter_[:, 0].shape == expected.n_iter_.shape
    paths, theirs = model.coefs_paths_[:, 0], expected.coefs_paths_
    if fit_intercept and data is IRIS:
        # Their mean, which changes nothing, scikit-learn leaves anywhere.
        theirs[..., -1] -= theirs[..., -1].mean(axis=-1, keepdims=True)
    assert_allclose(paths, theirs, rtol=1e-3, atol=1e-4)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-3, atol=1e-4)


def objective(model, X, y):
    raw = X @ model.coef_.T + model.intercept_
    if raw.shape[1] == 1:
        raw = np.column_stack([np.zeros(len(raw)), raw[:, 0]])
    loss = -log_softmax(raw, axis=1)[np.arange(len(y)), y].mean()
    return loss + 0.5 * (model.coef_**2).sum() / model.C / len(y)


LOADERS = [load_iris, load_wine, load_breast_cancer, load_digits]
NEAR = {loader.__name__: loader(return_X_y=True) for loader in LOADERS}
NEAR["many features"] = make_classification(500, 300, n_informative=50, random_state=0)
NEAR["redundant"] = make_classification(
    2000, n_informative=5, weights=[0.9], random_state=0
)


@pytest.mark.parametrize("name", NEAR)
@pytest.mark.parametrize("C", [1.0, 100.0])
def test_lbfgs_ends_as_near_the_optimum_as_the_hosts(name, C):
    X, y = NEAR[name]
    X, words = scale(X), {"C": C, "max_iter": 10_000}
    best = FocalLogisticRegression(0.0, **words | {"tol": 1e-11}).fit(X, y)
    model = FocalLogisticRegression(0.0, solver="lbfgs", **words).fit(X, y)
    host = fit_host(LogisticRegression, X, y, **words)
    least = objective(best, X, y)
    # Where both are there, digits differ.
    excess = max(objective(host, X, y) - least, 1e-6 * least)
    assert objective(model, X, y) - least <= excess
