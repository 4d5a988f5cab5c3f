"""FocalLogisticRegression against scikit-learn and an independent gradient."""

import os
import tracemalloc
import warnings
from contextlib import ExitStack

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize, sparse
from scipy.special import expit, log_softmax, softmax
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

from skfocal import FocalLogisticRegression, FocalLoss
from skfocal._compute import threads
from skfocal.linear_model import _blas, _design, _fit, _solvers
from skfocal.linear_model._design import as_design
from skfocal.linear_model._fit import fit_linear
from skfocal.linear_model._problem import LinearProblem

RNG = np.random.default_rng(0)


def make_data(n=400, d=6, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.uniform(0.2, 3.0, d) + rng.normal(size=d)
    score = X @ rng.normal(size=(d, n_classes)) + 2.0 * rng.gumbel(size=(n, n_classes))
    score[:, 0] += 2.0
    return X, score.argmax(axis=1)


def slow_loss(loss, y, raw, n_classes):
    """The loss of each row, in the focal link as plainly as can be.

    Of the other link it is FocalLoss's own, which tests/loss compares with mpmath.
    """
    if loss.link == "posterior":
        return loss.loss(y, raw[:, 0] if n_classes == 2 else raw)
    if n_classes == 2:
        raw = np.column_stack([np.zeros(len(y)), raw[:, 0]])
    gamma, alpha = loss._class_values(n_classes)
    log_p = log_softmax(raw, axis=1)[np.arange(len(y)), y]
    return alpha[y] * (-np.expm1(log_p)) ** gamma[0] * -log_p


def slow_objective(theta, X, y, loss, weight, C, l1_ratio, n_classes):
    """The objective divided by C and the total weight."""
    X = np.asarray(X, dtype=float)
    theta = theta.reshape(-1, X.shape[1] + 1)
    losses = slow_loss(loss, y, X @ theta[:, :-1].T + theta[:, -1], n_classes)
    if loss.link == "posterior" and n_classes > 2:
        losses = (1.0 + np.mean(loss.gamma)) * losses
    w = theta[:, :-1]
    penalty = (1 - l1_ratio) / 2 * (w**2).sum() + l1_ratio * np.abs(w).sum()
    return (weight @ losses + penalty / C) / weight.sum()


def stationarity(model, X, y, weight=None):
    """Largest scaled entry of the numerical gradient of the objective."""
    weight = np.ones(len(y)) if weight is None else weight
    args = (X, y, model.loss_, weight, model.C, 0.0, len(model.classes_))
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


both_links = pytest.mark.parametrize("link", ["focal", "posterior"])


@both_links
@pytest.mark.parametrize("solver", ["lbfgs", "trust-exact", "trust-ncg"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_solvers_find_the_same_stationary_point(solver, n_classes, gamma, link):
    X, y = make_data(n_classes=n_classes)
    words = {"C": 2.0, "tol": 1e-9, "max_iter": 1000, "focal_link": link}
    expected = FocalLogisticRegression(gamma, **words).fit(X, y)
    model = FocalLogisticRegression(gamma, solver=solver, **words).fit(X, y)
    assert_same_model(model, expected, rtol=1e-5)
    assert stationarity(model, X, y) < 1e-8


def test_a_gamma_per_class_scales_the_loss_of_a_softmax_by_their_mean():
    X, y = make_data(n_classes=3)
    model = FocalLogisticRegression([0.0, 1.0, 3.5], tol=1e-9).fit(X, y)
    assert stationarity(model, X, y) < 1e-8


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_the_penalty_of_a_softmax_is_as_strong_as_with_the_log_loss(gamma):
    X, y = load_iris(return_X_y=True)
    scores = [
        cross_val_score(FocalLogisticRegression(g), scale(X), y, scoring="neg_log_loss")
        for g in (0.0, gamma)
    ]
    # Without the factor 1 + gamma it is 1.3 at gamma 1 and 1.6 at gamma 2.
    assert np.mean(scores[1]) / np.mean(scores[0]) == pytest.approx(1.0, abs=0.1)


@both_links
@pytest.mark.parametrize("alpha", [None, "balanced", {1: 5.0}])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("gamma", [0.3, 1.0, 3.0])
def test_stationary_to_tol(gamma, n_classes, alpha, link):
    X, y = make_data(n_classes=n_classes, seed=3)
    weight = RNG.uniform(0.0, 2.0, len(y))
    tol = 1e-6
    words = {"tol": tol, "focal_link": link}
    model = FocalLogisticRegression(gamma, alpha, **words).fit(X, y, weight)
    assert stationarity(model, X, y, weight) <= 1.01 * tol + 1e-10


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
# W makes the posterior link's gradients smaller, but not the coefficients.
@pytest.mark.parametrize(("link", "tol"), [("focal", 1e-8), ("posterior", 1e-9)])
def test_many_rows_start_from_a_sample(solver, link, tol):
    X, y = make_data(n=30_000, seed=1)
    y = np.where(RNG.uniform(size=len(y)) < 0.9, 0, y)  # a rare class
    words = {"tol": tol, "focal_link": link}
    model = FocalLogisticRegression(2.0, solver=solver, **words).fit(X, y)
    assert stationarity(model, X, y) < 1e-7
    other = FocalLogisticRegression(2.0, random_state=3, **words).fit(X, y)
    assert_same_model(model, other, rtol=1e-6)
    if solver == "auto":
        assert model.n_iter_ <= 8


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_that_a_sample_misses(n_classes):
    # A few rows of huge weight decide all: what the sample says is of no use.
    X, y = make_data(n=30_000, n_classes=n_classes, seed=2)
    weight = np.ones(len(y))
    weight[1::300] = 1e5
    model = FocalLogisticRegression(1.0, tol=1e-8).fit(X, y, weight)
    assert stationarity(model, X, y, weight) < 1e-7


def texts(n=1000, d=3000, n_classes=2):
    """Some frequent words, and many that are in a text or two."""
    rng = np.random.default_rng(4)
    X = sparse.csr_matrix(rng.uniform(size=(n, d)) < 0.5 / np.arange(1, d + 1))
    X = X[:, np.asarray(X.sum(axis=0)).ravel() > 0].astype(np.float64)
    score = X @ rng.normal(size=(X.shape[1], n_classes)) + rng.gumbel(
        size=(n, n_classes)
    )
    return X, score.argmax(axis=1)


@both_links
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_rare_features_need_no_more_iterations(n_classes, gamma, link):
    X, y = texts(n_classes=n_classes)
    words = {"focal_link": link, "solver": "lbfgs"}
    model = FocalLogisticRegression(gamma, **words).fit(X, y)
    # 6 to 16; 22 to 28 in units that leave out the penalty.
    assert model.n_iter_ <= 20


@both_links
@pytest.mark.parametrize("n_classes", [2, 3])
def test_tol_is_in_deviations_whatever_the_penalty(n_classes, link):
    # A penalty as strong as the data, by features that hardly vary.
    X, y = make_data(n_classes=n_classes)
    X *= 0.02
    words = {"focal_link": link, "solver": "lbfgs"}
    tol = 1e-5
    model = FocalLogisticRegression(1.0, C=1.0, tol=tol, **words).fit(X, y)
    assert stationarity(model, X, y) <= 0.1 * tol * 1.01


def n_optima(X, y, loss, n_classes, n_starts=20):
    """Return how many different objectives random starts lead to."""
    problem = LinearProblem(
        *(as_design(X), y.astype(np.int32), None, loss),
        *(n_classes, 1.0, 0.0, True),
    )
    objective = problem.objective(problem.penalty(), problem.scaling())
    values = set()
    for seed in range(n_starts):
        rng = np.random.default_rng(seed)
        theta = 2.0 * rng.normal(size=objective.size)
        fit = fit_linear(
            problem, tol=1e-7, max_iter=1000, start=objective.coefficients(theta)
        )
        theta = objective.theta_of(fit.coef, fit.intercept)
        values.add(round(objective.value_gradient(theta)[0], 9))
    return len(values)


@both_links
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("gamma", [1.0, 2.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_random_starts_find_one_optimum(seed, gamma, n_classes, link):
    X, y = make_data(n=300, d=2 + seed % 5, seed=seed, n_classes=n_classes)
    assert n_optima(X, y, FocalLoss(gamma, link=link), n_classes) == 1


X_HARD, Y_HARD = make_data(n=300, d=4, seed=7)


def converged(*args, weight=None, X=X_HARD, y=Y_HARD, **words):
    """Fit with convergence warnings as errors."""
    return FocalLogisticRegression(*args, **words).fit(X, y, weight)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "trust-ncg"])
@pytest.mark.parametrize("gamma", [0.0, 2.0])
class TestHardData:
    def test_separable_without_penalty(self, gamma, solver):
        y = (X_HARD[:, 0] > 0.3).astype(int)
        model = converged(gamma, C=np.inf, solver=solver, y=y, tol=1e-7)
        assert model.score(X_HARD, y) == 1.0
        assert np.isfinite(model.coef_).all()

    def test_one_feature(self, gamma, solver):
        X = X_HARD[:, :1]
        model = converged(gamma, solver=solver, X=X, tol=1e-7)
        assert stationarity(model, X, Y_HARD) < 1e-6

    @pytest.mark.parametrize("C", [1.0, np.inf])
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_constant_features(self, gamma, solver, C, fit_intercept):
        X = np.column_stack([X_HARD, np.full(len(X_HARD), 0.1), np.zeros(len(X_HARD))])
        words = {"C": C, "solver": solver, "tol": 1e-9, "fit_intercept": fit_intercept}
        model = converged(gamma, X=X, **words)
        assert model.coef_[0, -1] == 0.0
        if fit_intercept:
            assert abs(model.coef_[0, -2]) < 1e-12
            expected = converged(gamma, **words)
            assert_allclose(model.coef_[:, :-2], expected.coef_, rtol=1e-5)

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_twice_the_same_feature(self, gamma, solver, n_classes):
        X, y = make_data(n_classes=n_classes)
        words = {"C": np.inf, "solver": solver, "tol": 1e-9, "max_iter": 1000}
        expected = converged(gamma, X=X, y=y, **words)
        model = converged(gamma, X=np.column_stack([X, X]), y=y, **words)
        assert_allclose(model.coef_[:, :6], expected.coef_ / 2, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("C", [1.0, np.inf])
    def test_more_features_than_rows(self, gamma, solver, C):
        X, y = RNG.normal(size=(30, 80)), np.arange(30) % 2
        model = converged(gamma, C=C, solver=solver, X=X, y=y)
        assert model.score(X, y) == 1.0

    def test_scale_of_features_does_not_matter_without_penalty(self, gamma, solver):
        scale = np.array([1e-6, 1.0, 1e3, 1e6])
        words = {"C": np.inf, "solver": solver, "tol": 1e-9}
        expected = converged(gamma, **words)
        model = converged(gamma, X=X_HARD * scale + 3 * scale, **words)
        assert_allclose(model.coef_ * scale, expected.coef_, rtol=1e-6)

    def test_penalty_of_features_of_any_scale(self, gamma, solver):
        X = X_HARD * [1e-6, 1.0, 1e3, 1e6]
        model = converged(gamma, X=X, solver=solver, tol=1e-10)
        expected = converged(gamma, X=X, solver="trust-exact", tol=1e-12)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-5)

    @pytest.mark.parametrize("factor", [1e-12, 1e12])
    def test_unit_of_the_weights(self, gamma, solver, factor):
        weight = np.full(len(Y_HARD), factor)
        words = {"solver": solver, "tol": 1e-9}
        model = converged(gamma, C=1.0 / factor, weight=weight, **words)
        assert_allclose(model.coef_, converged(gamma, **words).coef_, rtol=1e-6)

    def test_weights_of_all_sizes(self, gamma, solver):
        weight = 10.0 ** RNG.uniform(-12, 12, len(Y_HARD))
        converged(gamma, weight=weight, solver=solver, tol=1e-7)

    def test_a_tolerance_at_the_limit_of_rounding(self, gamma, solver):
        model = converged(gamma, solver=solver, tol=1e-14)
        assert stationarity(model, X_HARD, Y_HARD) < 1e-10


def test_overflow_of_huge_features():
    with pytest.raises(ValueError, match=r"X must have features .* overflow in column"):
        converged(X=X_HARD * [1.0, 1e200, 1.0, 1.0])


def test_says_that_it_did_not_converge():
    with pytest.warns(ConvergenceWarning, match=r"> tol=1e-08.*max_iter=1 iter"):
        model = FocalLogisticRegression(max_iter=1, tol=1e-8).fit(X_HARD, Y_HARD)
    assert model.n_iter_.tolist() == [1]
    with pytest.warns(ConvergenceWarning, match="its digits are used up"):
        FocalLogisticRegression(tol=0.0).fit(X_HARD, Y_HARD)


def test_weights_are_repetitions_and_zero_weights_are_absent():
    weight = RNG.integers(0, 4, len(Y_HARD))
    rows = np.repeat(np.arange(len(Y_HARD)), weight)
    expected = converged(tol=1e-9, X=X_HARD[rows], y=Y_HARD[rows])
    assert_same_model(converged(tol=1e-9, weight=weight), expected, rtol=1e-9)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 0.5, 1: 3.0}])
def test_class_weight_is_a_factor_of_the_weights(class_weight):
    weight = RNG.uniform(0.5, 2.0, len(Y_HARD))
    model = converged(class_weight=class_weight, weight=weight, tol=1e-9)
    factor = class_weight
    if class_weight == "balanced":
        totals = np.bincount(Y_HARD, weight)
        factor = dict(enumerate(totals.sum() / (2 * totals)))
    weight = weight * np.array([factor[label] for label in Y_HARD])
    assert_same_model(model, converged(weight=weight, tol=1e-9), rtol=1e-7)


@pytest.mark.parametrize("kind", ["C", "F", "csr", "csc"])
def test_float32_is_kept(kind):
    X = X_HARD.astype(np.float32)
    as_kind = {
        "C": np.ascontiguousarray,
        "F": np.asfortranarray,
        "csr": sparse.csr_matrix,
        "csc": sparse.csc_matrix,
    }
    model = converged(X=as_kind[kind](X), tol=1e-8)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    assert model.predict_proba(X).dtype == np.float32
    expected = converged(X=X.astype(np.float64), tol=1e-8)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-6)


@both_links
@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions(n_classes, link):
    X, y = make_data(n_classes=n_classes)
    labels = np.array(["a", "b", "c"])[y]
    alpha = {"b": 4.0}
    model = FocalLogisticRegression(1.0, alpha, focal_link=link).fit(X, labels)
    raw = model.decision_function(X)
    assert raw.shape == ((len(X),) if n_classes == 2 else (len(X), 3))
    proba = model.predict_proba(X)
    assert_allclose(proba, model.loss_.predict_proba(raw))
    assert_allclose(np.exp(model.predict_log_proba(X)), proba, rtol=1e-12)
    costs = [1.0, 4.0, 1.0][:n_classes]
    best = np.array(["a", "b", "c"])[(proba * costs).argmax(axis=1)]
    assert_array_equal(model.predict(X), best)
    linked = expit(raw) if n_classes == 2 else softmax(raw, axis=1)
    is_linked = np.allclose(proba[:, 1] if n_classes == 2 else proba, linked, 1e-12)
    assert is_linked == (link == "posterior")


def test_predict_with_a_gamma_per_class():
    X, y = make_data(n_classes=3)
    model = FocalLogisticRegression([0.0, 1.0, 3.0], [1.0, 2.0, 5.0]).fit(X, y)
    cost = model.predict_proba(X) * [1.0, 2.0, 5.0]
    assert_array_equal(model.predict(X), cost.argmax(axis=1))


def test_balanced_alpha_counts_sample_weights():
    weight = np.where(Y_HARD == 1, 3.0, 1.0)
    alpha = converged(focal_alpha="balanced", weight=weight).loss_.alpha
    totals = np.bincount(Y_HARD, weight)
    assert_allclose(alpha, totals.sum() / (2 * totals))


def test_warm_start_goes_on_where_the_last_fit_ended():
    model = FocalLogisticRegression(tol=1e-8, warm_start=True).fit(X_HARD, Y_HARD)
    first = model.coef_.copy()
    model.set_params(max_iter=1).fit(X_HARD, Y_HARD)
    assert_allclose(model.coef_, first, rtol=1e-6)
    model.sparsify().fit(X_HARD, Y_HARD)
    assert_allclose(model.coef_, first, rtol=1e-6)
    with pytest.raises(ValueError, match="the features and classes of the last fit"):
        model.fit(X_HARD[:, :2], Y_HARD)
    with pytest.raises(ValueError, match="the features and classes of the last fit"):
        model.fit(X_HARD, Y_HARD + 1)


def test_sparsify_and_densify():
    model = converged(0.0, C=0.02, l1_ratio=1.0)
    proba, dense = model.predict_proba(X_HARD), model.coef_
    assert (dense == 0.0).any()
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    assert_allclose(model.predict_proba(X_HARD), proba)
    assert_array_equal(model.densify().coef_, dense)
    assert_array_equal(model.densify().coef_, dense)


def test_verbose_prints_a_line_per_iteration(capsys):
    model = FocalLogisticRegression(verbose=1, solver="trust-ncg").fit(X_HARD, Y_HARD)
    lines = capsys.readouterr().out.splitlines()
    assert model.n_iter_[0] - 1 <= len(lines) <= model.n_iter_[0]
    assert "objective" in lines[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_gamma": -1.0}, r"focal_gamma must be >= 0 and finite, got -1.0"),
        ({"focal_gamma": [1, 2, 3]}, "focal_gamma must have one entry per class"),
        ({"focal_alpha": 2.0}, r"focal_alpha must be in \(0, 1\)"),
        ({"focal_alpha": "auto"}, "focal_alpha must be None, a number, 'balanced'"),
        ({"focal_alpha": {7: 1.0}}, r"focal_alpha must have labels from \[0, 1\]"),
        ({"C": 0.0}, "C must be > 0, got 0.0"),
        ({"C": np.nan}, "C must be > 0, got nan"),
        ({"l1_ratio": 1.5}, r"l1_ratio must be in \[0, 1\], got 1.5"),
        ({"tol": -1.0}, "tol must be >= 0, got -1.0"),
        ({"max_iter": 1.5}, "max_iter must be an int >= 0, got 1.5"),
        ({"solver": "sgd"}, "solver must be one of .*, got 'sgd'"),
        ({"fit_intercept": "yes"}, "fit_intercept must be True or False, got 'yes'"),
        (
            {"solver": "trust-exact", "l1_ratio": 0.5},
            r"solver must be one of \('auto', 'lbfgs', .*\) with an l1 penalty, got",
        ),
        ({"class_weight": {0: -1.0, 1: 1.0}}, "class_weight must be >= 0"),
        ({"focal_link": "logit"}, "focal_link must be one of .*, got 'logit'"),
    ],
)
def test_a_bad_word_is_named_and_leaves_the_model_as_it_was(words, message):
    model = FocalLogisticRegression().fit(X_HARD, Y_HARD)
    model.set_params(**words)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X_HARD[:, :3], Y_HARD)
    assert vars(model) == before


def test_bad_weights_and_labels():
    for weight, message in [
        (np.zeros(len(Y_HARD)), "sample_weight must not be all zero"),
        (-np.ones(len(Y_HARD)), "sample_weight must be >= 0 and finite, got -1"),
        (np.where(Y_HARD == 1, 1.0, 0.0), "at least two classes of positive weight"),
    ]:
        with pytest.raises(ValueError, match=message):
            FocalLogisticRegression().fit(X_HARD, Y_HARD, weight)


def test_no_intercept():
    model = converged(0.0, fit_intercept=False, tol=1e-10)
    expected = LogisticRegression(fit_intercept=False, tol=1e-10).fit(X_HARD, Y_HARD)
    assert_same_model(model, expected)
    assert model.intercept_.tolist() == [0.0]


@both_links
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["dense", "csr"])
def test_hessian_is_the_derivative_of_the_gradient(n_classes, l1_ratio, kind, link):
    X, y = make_data(n=200, d=3, n_classes=n_classes)
    design = as_design(X if kind == "dense" else sparse.csr_matrix(X))
    weight = RNG.uniform(0.5, 2.0, len(y))
    loss = FocalLoss(2.0, [1.0, 3.0, 2.0][:n_classes], link=link)
    words = (loss, n_classes, 0.1, l1_ratio, True)
    problem = LinearProblem(design, y.astype(np.int32), weight, *words)
    objective = problem.objective(problem.penalty(), problem.scaling())
    theta = RNG.normal(size=objective.size)

    def gradient(point):
        return objective.value_gradient(point)[1].copy()

    def value(point):
        return objective.value_gradient(point)[0]

    numeric = optimize.approx_fprime(theta, value, 1e-6)
    assert_allclose(gradient(theta), numeric, atol=1e-5)
    # Directions that move all classes as one are filled: they are left out.
    vectors = RNG.normal(size=(3, *objective.shape))
    if n_classes > 2:
        vectors -= vectors.mean(axis=1, keepdims=True)
    for vector in vectors.reshape(3, -1):
        ahead, behind = gradient(theta + 1e-5 * vector), gradient(theta - 1e-5 * vector)
        expected = (ahead - behind) / 2e-5
        product = objective.hessian_product(theta, vector)
        assert_allclose(product, expected, rtol=1e-6, atol=1e-8)
        dense = objective.hessian(theta) @ vector
        assert_allclose(dense, product, rtol=1e-8, atol=1e-9)


def test_nothing_of_the_size_of_X_is_allocated():
    X, y = make_data(n=200_000, d=40, seed=5)
    model = FocalLogisticRegression()
    model.fit(X[:30_000], y[:30_000])  # compiles
    tracemalloc.start()
    model.fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 8 * len(y)


@pytest.mark.parametrize("solver", ["lbfgs", "trust-ncg"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
def test_more_coefficients_than_a_hessian_is_formed_for(solver, l1_ratio, kind):
    if l1_ratio and solver != "lbfgs":
        pytest.skip("only lbfgs has an l1 penalty")
    X, y = RNG.normal(size=(150, 600)), np.arange(150) % 3 == 0
    X[RNG.uniform(size=X.shape) < 0.8] = 0.0
    words = {"l1_ratio": l1_ratio, "solver": solver, "max_iter": 2000}
    expected = converged(1.0, X=X, y=y, tol=1e-9, **words)
    if kind != "dense":
        X = sparse.csr_matrix(X) if kind == "csr" else sparse.csc_matrix(X)
    model = converged(1.0, X=X, y=y, tol=1e-12, **words)
    assert_same_model(model, expected, rtol=1e-5)
    if l1_ratio:
        assert 0.1 < (model.coef_ == 0.0).mean() < 1.0


@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_threads_change_no_more_than_rounding(monkeypatch, kind, n_classes):
    X, y = make_data(n=6000, n_classes=n_classes)
    X[np.abs(X) < 0.5] = 0.0
    if kind != "dense":
        X = sparse.csr_matrix(X) if kind == "csr" else sparse.csc_matrix(X)
    monkeypatch.setattr(threads, "_MIN_SIZE_PER_THREAD", 1000)
    monkeypatch.setattr(threads, "_MIN_CHUNK_SIZE", 500)
    monkeypatch.setattr(_design, "_BLAS_SPEED", 1)
    models = []
    for n_threads in (1, 3, 3):
        monkeypatch.setattr(threads, "max_threads", lambda n=n_threads: n)
        models.append(FocalLogisticRegression(tol=1e-9).fit(X, y))
    assert_same_model(models[1], models[0], rtol=1e-9)
    assert_array_equal(models[2].coef_, models[1].coef_)


def blas_threads():
    return {library.num_threads for library in _blas._blas().lib_controllers}


def test_blas_has_one_thread_until_the_last_fit_ends():
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        first, second = _blas.one_blas_thread(), _blas.one_blas_thread()
        with ExitStack() as stack:
            first.__enter__()
            stack.enter_context(second)
            assert blas_threads() == {1}
            # Fits in several threads end in any order.
            first.__exit__(None, None, None)
            assert blas_threads() == {1}
        assert blas_threads() == before == {2}
        with pytest.raises(ZeroDivisionError), _blas.one_blas_thread():
            _ = 1 / 0
        assert blas_threads() == before


def test_a_fit_has_one_blas_thread(monkeypatch):
    seen = []

    def solve(*args, **words):
        seen.append(blas_threads())
        return _solvers.solve(*args, **words)

    monkeypatch.setattr(_fit, "solve", solve)
    with threadpool_limits(2, "blas"):
        converged()
    assert seen == [{1}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_knows_of_no_other_fit():
    with _blas.one_blas_thread(), _blas._users.lock, warnings.catch_warnings():
        # Python 3.12 warns of any fork beside threads, as those of BLAS.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if not child:
            free = not _blas._users.lock.locked() and not _blas._users.count
            os._exit(0 if free else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_newton_steps_that_finish_a_fit_stop_at_zero():
    words = (FocalLoss(1.0), 2, 0.02, 1.0, True)
    codes = Y_HARD.astype(np.int32)
    problem = LinearProblem(as_design(X_HARD), codes, None, *words)
    objective = problem.objective(problem.penalty(), problem.scaling())
    fit = fit_linear(problem, tol=1e-11, max_iter=1000)
    theta = objective.theta_of(fit.coef, fit.intercept)
    assert (theta == 0.0).any()
    nearly = np.where(theta == 0.0, 1e-3, theta)
    watch = _solvers._Watch(objective, nearly, 1e-11, 0)
    _solvers._finish(watch)
    assert watch.residual <= 1e-11
    assert_array_equal(watch.theta == 0.0, theta == 0.0)
    assert_allclose(watch.theta, theta, rtol=1e-7)
