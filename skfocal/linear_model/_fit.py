"""Fit a linear model: where to start, and which solver to use."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg

from skfocal.linear_model._blas import one_blas_thread
from skfocal.linear_model._objective import LinearObjective, Scaling, scale_of
from skfocal.linear_model._problem import AnyLinearProblem
from skfocal.linear_model._solvers import MAX_DENSE_SIZE, Solution, solve

__all__ = ["LinearFit", "fit_linear"]

FloatArray = npt.NDArray[np.floating]

# A sample of the rows pays if there are that many times more of them.
_MIN_SAMPLING_RATIO = 4
_MIN_SAMPLE_ROWS = 4000
_SAMPLE_ROWS_PER_ENTRY = 20
_PASSES_PER_FACTOR = 30
# L-BFGS was four times slower on 20,000 rows with 800 correlated features, but twice as
# fast on 100,000 rows with 20,000 sparse ones.
_MAX_SIZE_OF_PRODUCTS = 5000
# Of what is found on a sample, more digits mean nothing.
_SAMPLE_TOL = 1e-5


@dataclass(frozen=True)
class LinearFit:
    """Coefficients, and how they were found.

    Attributes
    ----------
    coef : ndarray of shape (n_features,) or (n_classes, n_features)
        Coefficients, one row for two classes.
    intercept : ndarray of shape () or (n_classes,)
        Intercepts.
    n_iter : int
        Iterations over all rows, at least 1.
    residual : float
        Largest entry of the gradient of the scaled objective.
    """

    coef: FloatArray
    intercept: FloatArray
    n_iter: int
    residual: float

    def rows(self, fit_intercept: bool) -> FloatArray:
        """Return a row per output: coefficients, then the intercept if there is one."""
        coef = np.atleast_2d(self.coef)
        return np.column_stack([coef, self.intercept]) if fit_intercept else coef

    @classmethod
    def of_rows(cls, rows: FloatArray, fit_intercept: bool) -> "LinearFit":
        """Return the fit that has these rows."""
        if not fit_intercept:
            rows = np.column_stack([rows, np.zeros(len(rows))])
        rows = rows[0] if len(rows) == 1 else rows
        return cls(rows[..., :-1], rows[..., -1], 0, 0.0)


@one_blas_thread()
def fit_linear(
    problem: AnyLinearProblem,
    *,
    solver: str = "auto",
    tol: float = 1e-4,
    max_iter: int = 100,
    start: tuple[FloatArray, Any] | None = None,
    scaling: Scaling | None = None,
    random_state: Any = None,
    verbose: int = 0,
) -> LinearFit:
    """Minimise the penalised loss of a linear model.

    Parameters
    ----------
    problem : AnyLinearProblem
        What to minimise.
    solver : {"auto", "lbfgs", "trust-exact", "trust-ncg"}
        How.
    tol : float
        Largest entry of the scaled gradient to stop at.
    max_iter : int
        Most iterations over all rows.
    start : tuple of coefficients and intercept, default=None
        Where to start; from the best constant by default.
    scaling : Scaling, default=None
        The problem's, if it is known.
    random_state : int, RandomState instance or None, default=None
        Chooses the rows of a sample; by default they are equally spaced.
    verbose : int
        Whether to print a line per iteration.
    """
    scaling = problem.scaling() if scaling is None else scaling
    counts = problem.counts()
    constant = _constant(problem, counts)
    curvature = _curvature(problem, counts, constant)
    objective = _balanced_objective(problem, scaling, curvature)
    by_hessian = not objective.penalty.l1 and _pays_to_factorise(objective)
    factor = None
    if start is not None:
        theta = objective.theta_of(*start)
    else:
        theta = _theta_of_constant(objective, constant)
        if solver == "auto" and by_hessian:
            theta, factor = _solve_sample(problem, objective, theta, random_state)
    if solver == "auto":
        solver = "trust-exact" if by_hessian else _solver_by_size(objective)
    solution = solve(
        *(objective, theta),
        solver=solver,
        tol=tol,
        max_iter=max_iter,
        verbose=verbose,
        factor=factor,
    )
    return _as_fit(objective, solution)


def _balanced_objective(
    problem: AnyLinearProblem, scaling: Scaling, curvature: float
) -> LinearObjective:
    penalty = problem.penalty()
    return problem.objective(penalty, scaling.with_penalty(penalty.l2 / curvature))


def _pays_to_factorise(objective: LinearObjective) -> bool:
    """Whether factorising the Hessian costs no more than some passes over the rows."""
    passes = objective.sums.work * (objective.size // objective.shape[-1])
    few = objective.size**3 <= _PASSES_PER_FACTOR * passes
    return few and objective.size <= MAX_DENSE_SIZE


def _solver_by_size(objective: LinearObjective) -> str:
    narrow = objective.size <= _MAX_SIZE_OF_PRODUCTS
    return "trust-ncg" if narrow and not objective.penalty.l1 else "lbfgs"


def _constant(problem: AnyLinearProblem, counts: FloatArray) -> Any:
    """Return the raw prediction of the constant of least loss, if there may be one."""
    # A class that no row has, as in a fold of cross-validation, would have it at -inf.
    if problem.fit_intercept and counts.all():
        classes = np.arange(problem.n_classes)
        return problem.loss.fit_intercept_only(classes, counts)
    return np.zeros(() if problem.n_classes == 2 else problem.n_classes)


def _theta_of_constant(objective: LinearObjective, constant: Any) -> FloatArray:
    theta = np.zeros(objective.shape)
    if objective.fit_intercept:
        theta[..., -1] = constant
    return theta.ravel()


def _curvature(
    problem: AnyLinearProblem, counts: FloatArray, constant: FloatArray
) -> float:
    """Return the mean curvature by an output's raw prediction where it is constant."""
    classes = np.arange(problem.n_classes)
    raw = np.broadcast_to(constant, (len(counts), *np.shape(constant)))
    _, hessian = problem.loss.gradient_hessian(classes, raw, counts)
    scale = scale_of(problem.loss, problem.n_classes)
    return scale * float(hessian.sum()) / float(counts.sum()) / np.size(constant)


def _solve_sample(
    problem: AnyLinearProblem,
    objective: LinearObjective,
    theta: FloatArray,
    random_state: Any,
) -> tuple[FloatArray, FloatArray | None]:
    """Return the solution for some of the rows and a factor of its Hessian."""
    n_rows = max(_MIN_SAMPLE_ROWS, _SAMPLE_ROWS_PER_ENTRY * objective.size)
    n_rows = max(n_rows, min(problem.n_rows // 20, problem.max_sample_rows))
    if problem.n_rows < _MIN_SAMPLING_RATIO * n_rows:
        return theta, None
    sample = problem.sample(n_rows, random_state)
    trial = sample.objective(objective.penalty, objective.scaling)
    options: dict[str, Any] = {"solver": "trust-exact", "max_iter": 50}
    theta = solve(trial, theta, tol=_SAMPLE_TOL, **options).theta
    try:
        return theta, linalg.cholesky(trial.hessian(theta))
    except linalg.LinAlgError:
        return theta, None


def _as_fit(objective: LinearObjective, solution: Solution) -> LinearFit:
    coef, intercept = objective.coefficients(solution.theta)
    # One constant added to all of them changes nothing: let their sum be 0.
    intercept = np.asarray(intercept - np.mean(intercept) * (coef.ndim > 1))
    # That the start is good enough takes an evaluation to see, too.
    return LinearFit(coef, intercept, max(1, solution.n_iter), solution.residual)
