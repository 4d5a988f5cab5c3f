"""Minimise a LinearObjective by SciPy, and finish where its solvers stop short."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.optimize import OptimizeResult, minimize
from scipy.sparse.linalg import LinearOperator, cg

from skfocal.linear_model._objective import LinearObjective

__all__ = ["Solution", "solve"]

FloatArray = npt.NDArray[np.floating]

# Up to here a Hessian is formed and factorised: more costs more than products with it.
MAX_DENSE_SIZE = 500
_MAX_FINISHING_PRODUCTS = 50
_EPS = np.finfo(np.float64).eps
# Newton steps that finish a search which rounding has ended.
_MAX_FINISHING_STEPS = 20
# L-BFGS ends a gradient that small further from the optimum than a Newton step does.
_LBFGS_SHARE_OF_TOL = 0.1
# A good factor needs five; one from a sample that missed what matters is given up.
_MAX_ITER_BY_FACTOR = 20


@dataclass
class Solution:
    """Where a solver ended.

    Attributes
    ----------
    theta : ndarray
        The solution.
    n_iter : int
        Iterations.
    residual : float
        Largest entry of the gradient; with an l1 penalty of the least subgradient.
    """

    theta: FloatArray
    n_iter: int
    residual: float


class _Finished(Exception):
    """Raised at a point where no solver need go on."""


class _Watch:
    """Values and gradients for a solver, which it ends at the first point to satisfy.

    SciPy's own tests come too late (``trust-exact`` forms a Hessian at its last point)
    and can't see that the change of a value is nothing but rounding.
    """

    def __init__(
        self, objective: LinearObjective, theta: FloatArray, tol: float, verbose: int
    ) -> None:
        self.objective, self.tol, self.verbose = objective, tol, verbose
        self.l1 = objective.l1_of_theta() if objective.penalty.l1 else None
        self._per_unit = objective.deviations_per_unit()
        self.n_iter, self.theta = 0, theta
        self.value, self.residual = self.measure(theta)

    def residual_at(self, theta: FloatArray, gradient: FloatArray) -> float:
        rest = np.abs(gradient)
        if self.l1 is not None:
            at_zero = np.maximum(rest - self.l1, 0.0)
            moved = np.abs(gradient + np.sign(theta) * self.l1)
            rest = np.where(theta == 0.0, at_zero, moved)
        return float((rest * self._per_unit).max(initial=0.0))

    def measure(self, theta: FloatArray) -> tuple[float, float]:
        """Return the objective with all its penalties, and the residual."""
        value, gradient = self.objective.value_gradient(theta)
        if self.l1 is not None:
            value += float(self.l1 @ np.abs(theta))
        return value, self.residual_at(theta, gradient)

    def value_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        value, residual = self.measure(theta)
        rounding = 4.0 * _EPS * abs(self.value)
        stuck = abs(value - self.value) <= rounding and not np.array_equal(
            theta, self.theta
        )
        if value < self.value or (stuck and residual < self.residual):
            self.theta, self.value, self.residual = theta.copy(), value, residual
            if residual <= self.tol:
                raise _Finished
        if stuck:
            raise _Finished
        return self.objective.value_gradient(theta)

    def hessian(self, theta: FloatArray) -> FloatArray:
        # The solver asks for the Hessian of a trial point before its value.
        self.value_gradient(theta)
        return self.objective.hessian(theta)

    def run(self, method: Callable[["_Watch", int], None], max_iter: int) -> None:
        """Let a solver go on from the best point so far, if it isn't good enough."""
        remaining = max_iter - self.n_iter
        if self.residual <= self.tol or remaining <= 0:
            return
        try:
            method(self, remaining)
        except _Finished:
            self.n_iter += 1

    def count(self, intermediate_result: OptimizeResult) -> None:
        self.n_iter += 1
        if self.verbose:
            print(
                f"iteration {self.n_iter}: objective {self.value:.8g}, "
                f"largest gradient {self.residual:.3g}"
            )


def solve(
    objective: LinearObjective,
    theta: FloatArray,
    *,
    solver: str,
    tol: float,
    max_iter: int,
    verbose: int = 0,
    factor: FloatArray | None = None,
) -> Solution:
    """Minimise the objective from theta on.

    Parameters
    ----------
    objective : LinearObjective
        What to minimise.
    theta : ndarray of shape (objective.size,)
        Where to start.
    solver : {"trust-exact", "trust-ncg", "lbfgs"}
        With an l1 penalty only "lbfgs".
    tol : float
        Largest residual to stop at; "lbfgs" goes on to a tenth of it.
    max_iter : int
        Most iterations of the solver.
    verbose : int
        Whether to print a line per iteration.
    factor : ndarray, default=None
        Upper triangle R for which R'R is about the Hessian: it is used first.
    """
    share = _LBFGS_SHARE_OF_TOL if solver == "lbfgs" else 1.0
    watch = _Watch(objective, theta, share * tol, verbose)
    if factor is not None:
        watch.run(partial(_lbfgs_by_factor, factor), max_iter)
    watch.run(_METHODS[solver], max_iter)
    if watch.n_iter < max_iter:
        _finish(watch)
    return Solution(watch.theta, watch.n_iter, watch.residual)


def _minimize(
    watch: _Watch,
    value_gradient: Callable[[FloatArray], tuple[float, FloatArray]],
    start: FloatArray,
    **words: object,
) -> None:
    with warnings.catch_warnings():
        # What SciPy's solvers warn of, the watch sees in the residual.
        warnings.simplefilter("ignore", RuntimeWarning)
        minimize(value_gradient, start, jac=True, callback=watch.count, **words)


def _trust_region(max_iter: int) -> dict[str, object]:
    return {"maxiter": max_iter, "gtol": 0.0, "initial_trust_radius": 10.0}


def _trust_exact(watch: _Watch, max_iter: int) -> None:
    _minimize(
        watch,
        watch.value_gradient,
        watch.theta,
        method="trust-exact",
        hess=watch.hessian,
        options=_trust_region(max_iter),
    )


def _trust_ncg(watch: _Watch, max_iter: int) -> None:
    _minimize(
        watch,
        watch.value_gradient,
        watch.theta,
        method="trust-ncg",
        hessp=watch.objective.hessian_product,
        options=_trust_region(max_iter),
    )


def _lbfgs_by_factor(factor: FloatArray, watch: _Watch, max_iter: int) -> None:
    """L-BFGS-B in u = R (theta - start), in which the Hessian is about 1.

    It needs a pass over the rows per iteration and few of them. Its first step has
    length 1 whatever the gradient is, hence the unit in which the gradient has that
    length as well.
    """
    origin = watch.theta

    def pulled(gradient: FloatArray) -> FloatArray:
        return linalg.solve_triangular(factor, gradient, trans="T")

    _, gradient = watch.objective.value_gradient(origin)
    unit = float(np.linalg.norm(pulled(gradient)))

    def value_gradient(u: FloatArray) -> tuple[float, FloatArray]:
        theta = origin + linalg.solve_triangular(factor, unit * u)
        value, gradient = watch.value_gradient(theta)
        return value / unit**2, pulled(gradient) / unit

    options = _lbfgs_options(min(max_iter, _MAX_ITER_BY_FACTOR))
    words = {"method": "L-BFGS-B", "options": options}
    _minimize(watch, value_gradient, np.zeros(len(origin)), **words)


def _lbfgs_options(max_iter: int) -> dict[str, object]:
    options = {"maxiter": max_iter, "maxfun": 50 * max_iter, "maxls": 50, "maxcor": 20}
    return options | {"gtol": 0.0, "ftol": 0.0}


def _lbfgs(watch: _Watch, max_iter: int) -> None:
    options = _lbfgs_options(max_iter)
    if watch.l1 is None:
        words = {"method": "L-BFGS-B", "options": options}
        _minimize(watch, watch.value_gradient, watch.theta, **words)
    else:
        _lbfgs_split(watch, options)


def _lbfgs_split(watch: _Watch, options: dict[str, object]) -> None:
    """L-BFGS-B in theta = up - down, both >= 0 where there is an l1 penalty.

    There |theta| is up + down, which has a gradient.
    """
    l1, size = watch.l1, len(watch.theta)
    assert l1 is not None
    penalised = np.flatnonzero(l1)

    def joined(split: FloatArray) -> FloatArray:
        theta = split[:size].copy()
        theta[penalised] -= split[size:]
        return theta

    def value_gradient(split: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = watch.value_gradient(joined(split))
        down = split[size:]
        value += float(l1[penalised] @ (split[penalised] + down))
        return value, np.concatenate([gradient + l1, (l1 - gradient)[penalised]])

    start = np.concatenate([watch.theta, np.maximum(-watch.theta[penalised], 0.0)])
    start[penalised] = np.maximum(watch.theta[penalised], 0.0)
    lower = np.full(len(start), -np.inf)
    lower[penalised] = lower[size:] = 0.0
    bounds = np.column_stack([lower, np.full(len(start), np.inf)])
    words = {"method": "L-BFGS-B", "bounds": bounds, "options": options}
    _minimize(watch, value_gradient, start, **words)


def _finish(watch: _Watch) -> None:
    """Newton steps judged by the residual, which still tells where values are equal.

    With an l1 penalty, among the entries that aren't 0 or want to leave it, and never
    across 0.
    """
    for _ in range(_MAX_FINISHING_STEPS):
        before = watch.residual
        if before <= watch.tol:
            return
        theta = _newton_point(watch)
        if theta is None:
            return
        value, residual = watch.measure(theta)
        worse = value > watch.value + 64.0 * _EPS * abs(watch.value)
        if worse or residual >= before:
            return
        watch.theta, watch.value, watch.residual = theta, value, residual
        watch.n_iter += 1


def _newton_point(watch: _Watch) -> FloatArray | None:
    theta, l1 = watch.theta, watch.l1
    _, gradient = watch.objective.value_gradient(theta)
    free, sign = np.ones(len(theta), bool), np.zeros(len(theta))
    if l1 is not None:
        free = (theta != 0.0) | (np.abs(gradient) > l1)
        sign = np.where(theta != 0.0, np.sign(theta), -np.sign(gradient))
        gradient = gradient + sign * l1
        sign[l1 == 0.0] = 0.0
    step = _newton_step(watch, gradient, np.flatnonzero(free))
    if step is None:
        return None
    point = theta + step
    point[(sign != 0.0) & (np.sign(point) != sign)] = 0.0
    return point


def _newton_step(
    watch: _Watch, gradient: FloatArray, free: npt.NDArray[np.intp]
) -> FloatArray | None:
    step = np.zeros(len(gradient))
    if len(gradient) > MAX_DENSE_SIZE:
        step[free] = -_solve_by_products(watch, gradient[free], free)
        return step
    hessian = watch.objective.hessian(watch.theta)[np.ix_(free, free)]
    try:
        factor = linalg.cho_factor(hessian)
    except linalg.LinAlgError:
        return None
    step[free] = -linalg.cho_solve(factor, gradient[free])
    return step


def _solve_by_products(
    watch: _Watch, gradient: FloatArray, free: npt.NDArray[np.intp]
) -> FloatArray:
    def product(direction: FloatArray) -> FloatArray:
        vector = np.zeros(len(watch.theta))
        vector[free] = direction.ravel()
        return watch.objective.hessian_product(watch.theta, vector)[free]

    operator = LinearOperator((len(free), len(free)), product, dtype=np.float64)
    return cg(operator, gradient, rtol=0.01, maxiter=_MAX_FINISHING_PRODUCTS)[0]


_METHODS: dict[str, Callable[[_Watch, int], None]] = {
    "trust-exact": _trust_exact,
    "trust-ncg": _trust_ncg,
    "lbfgs": _lbfgs,
}
