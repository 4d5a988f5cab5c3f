"""FocalLogisticRegression against scikit-learn and an independent gradient."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from skfocal.linear_model import FocalLogisticRegression

RNG = np.random.default_rng(0)


def make_data(n=400, d=6, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.uniform(0.2, 3.0, d) + rng.normal(size=d)
    score = X @ rng.normal(size=(d, n_classes)) + 2.0 * rng.gumbel(size=(n, n_classes))
    score[:, 0] += 2.0
    return X, score.argmax(axis=1)


def slow_objective(theta, X, y, gamma, alpha, weight, C, l1_ratio, n_classes):
    """The objective divided by C and the total weight, as plainly as can be."""
    X = np.asarray(X, dtype=float)
    theta = theta.reshape(-1, X.shape[1] + 1)
    z = X @ theta[:, :-1].T + theta[:, -1]
    if n_classes == 2:
        z = np.column_stack([np.zeros(len(y)), z[:, 0]])
    log_p = log_softmax(z, axis=1)[np.arange(len(y)), y]
    losses = alpha[y] * (-np.expm1(log_p)) ** gamma * -log_p
    w = theta[:, :-1]
    penalty = (1 - l1_ratio) / 2 * (w**2).sum() + l1_ratio * np.abs(w).sum()
    return (weight @ losses + penalty / C) / weight.sum()


def stationarity(model, X, y, weight=None):
    """Largest scaled entry of the numerical gradient of the objective."""
    weight = np.ones(len(y)) if weight is None else weight
    K = len(model.classes_)
    gamma, alpha = model.loss_._class_values(K)
    args = (X, y, gamma[0], alpha, weight, model.C, 0.0, K)
    theta = np.column_stack([model.coef_, model.intercept_]).ravel()
    mean = np.average(X, axis=0, weights=weight)
    unit = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weight))
    width = np.tile(np.append(1.0 / unit, 1.0), len(model.coef_))
    gradient = np.empty(len(theta))
    for j, step in enumerate(1e-4 * width):
        points = [theta + k * step * np.eye(len(theta))[j] for k in (-2, -1, 1, 2)]
        f = [slow_objective(point, *args) for point in points]
        gradient[j] = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step)
    gradient = gradient.reshape(model.coef_.shape[0], -1)
    by_coef = (gradient[:, :-1] - gradient[:, -1:] * mean) / unit
    return max(np.abs(by_coef).max(), np.abs(gradient[:, -1]).max())


def assert_same_model(model, expected, rtol=1e-5):
    scale = np.abs(expected.coef_).max()
    assert_allclose(model.coef_, expected.coef_, rtol=rtol, atol=rtol * scale)
    assert_allclose(model.intercept_, expected.intercept_, rtol=rtol, atol=rtol * scale)


PENALTIES = {
    "l2": ({"C": 0.3}, {"solver": "newton-cholesky"}),
    "l1": ({"C": 0.02, "l1_ratio": 1.0}, {"solver": "saga"}),
    "elastic net": ({"C": 0.02, "l1_ratio": 0.4}, {"solver": "saga"}),
    "none": ({"C": np.inf}, {"solver": "newton-cholesky"}),
}
SKLEARN_PENALTY = {"l2": "l2", "l1": "l1", "elastic net": "elasticnet", "none": None}


def scikit_learn_model(name, X, y, weight=None, **words):
    mine, solver = PENALTIES[name]
    settings = {"max_iter": 100_000, "tol": 1e-12 if name != "l1" else 1e-10}
    words = {**mine, **solver, **settings, **words}
    model = LogisticRegression(**words)
    if model.get_params().get("penalty", "deprecated") != "deprecated":
        # The word of scikit-learn before 1.8.
        model.set_params(penalty=SKLEARN_PENALTY[name])
    with warnings.catch_warnings():
        # newton-cholesky tells that it goes on with lbfgs where the Hessian is flat.
        warnings.simplefilter("ignore")
        model.fit(X, y, weight)
    if len(model.classes_) > 2:
        # Some solvers leave the sum of the intercepts, which changes nothing, anywhere.
        model.intercept_ -= model.intercept_.mean()
    return model


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
def test_gamma_zero_is_scikit_learns_model(name, n_classes, weighted, kind):
    X, y = make_data(n_classes=n_classes)
    X = X / X.std(axis=0)
    if kind != "dense":
        X[np.abs(X) < 0.5] = 0.0
    weight = RNG.uniform(0.1, 3.0, len(y)) if weighted else None
    expected = scikit_learn_model(name, X, y, weight)
    if kind != "dense":
        X = sparse.csr_matrix(X) if kind == "csr" else sparse.csc_matrix(X)
    words = PENALTIES[name][0] | {"tol": 1e-10, "max_iter": 10_000}
    model = FocalLogisticRegression(0.0, **words).fit(X, y, weight)
    assert_same_model(model, expected)
    if "l1_ratio" in words:
        assert (model.coef_ == 0.0).any()
        assert_array_equal(model.coef_ == 0.0, expected.coef_ == 0.0)


@pytest.mark.parametrize("solver", ["lbfgs", "trust-exact", "trust-ncg"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_solvers_find_the_same_stationary_point(solver, n_classes, gamma):
    X, y = make_data(n_classes=n_classes)
    words = {"C": 2.0, "tol": 1e-9, "max_iter": 1000}
    expected = FocalLogisticRegression(gamma, **words).fit(X, y)
    model = FocalLogisticRegression(gamma, solver=solver, **words).fit(X, y)
    assert_same_model(model, expected, rtol=1e-5)
    assert stationarity(model, X, y) < 1e-8


@pytest.mark.parametrize("alpha", [None, "balanced", {1: 5.0}])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("gamma", [0.3, 1.0, 3.0])
def test_stationary_to_tol(gamma, n_classes, alpha):
    X, y = make_data(n_classes=n_classes, seed=3)
    weight = RNG.uniform(0.0, 2.0, len(y))
    tol = 1e-6
    model = FocalLogisticRegression(gamma, alpha, tol=tol).fit(X, y, weight)
    assert stationarity(model, X, y, weight) <= 1.01 * tol + 1e-10
