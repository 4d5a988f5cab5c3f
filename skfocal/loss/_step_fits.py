"""The polynomials and rational functions of the fast Newton steps, one gamma each.

What they stand for is in ``_step_kernels`` and ``_softmax_step_kernels``.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev, polynomial
from scipy.special import expit

from skfocal.loss._loss import FocalLoss
from skfocal.loss._softmax_step_kernels import SoftmaxFit
from skfocal.loss._step_kernels import LinkFit

__all__ = ["binary_fit", "softmax_fit"]

Array = npt.NDArray[np.float64]
# Even and odd coefficients: compiled code takes them as tuples.
Chains = tuple[tuple[float, ...], tuple[float, ...]]

# Relative errors; rounding to float32 adds 6e-8 or, in float32 arithmetic, more. The
# rough fits are of what makes the first step, and of what follows the last one.
_TOLERANCE, _OTHERS_TOLERANCE, _ROUGH_TOLERANCE = 1e-7, 2e-7, 1e-3
# Each degree compiles a kernel of its own, in seconds.
_BINARY_DEGREES = (4, 16, 20, 24, 32)
_OTHERS_DEGREES = (8, 10, 12)
_LEAD_DEGREES = (5, 7)
_BEND_DEGREES, _SHORT_DEGREES = (4,), (6,)
_GUESS_DEGREE = 6

# W is a polynomial in t / (t + _POLE), t = (v / (1 + gamma))**2, and constant from
# _LAST: that it is even in v saves a third of the degrees.
_POLE, _LAST = 20.0, 22.0**2
# The other classes' p are at most 1/2 at the solution.
_LARGEST_P = 0.53
_N_FITTED = 800
_N_CHECKED = 2001
_N_SAMPLED = 3000


@lru_cache(maxsize=128)
def binary_fit(gamma: float) -> LinkFit | None:
    """Return the polynomial of least degree that is good enough, if there is one."""
    loss = FocalLoss(gamma, link="posterior")
    ratio = 2.0 * (_LAST + _POLE) / _LAST

    def W(x: Array) -> Array:
        t = _POLE * ratio / (ratio - 1.0 - x) - _POLE
        u = (1.0 + gamma) * np.sqrt(np.clip(t, 0.0, _LAST))
        return loss.gradient(np.zeros(len(u)), u) / expit(u)

    chains = _fit_polynomial(W)
    if chains is None:
        return None
    width, slope = 1.0 / (1.0 + gamma), _POLE * ratio
    return LinkFit(*chains, width, _POLE, _LAST, ratio - 1.0, slope)


def _fit_polynomial(function: Any) -> Chains | None:
    """Return the coefficients on [-1, 1]."""
    grid = np.linspace(-1.0, 1.0, _N_CHECKED)
    expected = function(grid)
    for degree in _BINARY_DEGREES:
        series = chebyshev.chebinterpolate(function, degree)
        fitted = _value(_chains(series), grid)
        if np.all(abs(fitted - expected) <= _TOLERANCE * abs(expected)):
            return _chains(series)
    return None


def _chains(series: npt.NDArray[Any]) -> Chains:
    powers = chebyshev.cheb2poly(series)
    # cheb2poly drops zeros, and the number of coefficients must not depend on them.
    powers = np.pad(powers, (0, len(series) - len(powers)))
    return tuple(powers[::2].tolist()), tuple(powers[1::2].tolist())


def _value(chains: Chains, x: Array) -> Array:
    even, odd = (polynomial.polyval(x * x, chain) for chain in chains)
    return even + x * odd


@lru_cache(maxsize=128)
def softmax_fit(gamma: float, n_classes: int) -> SoftmaxFit | None:
    """Return what ``softmax_step`` takes, if it can be good enough."""
    others, lead = _fit_others(gamma), _fit_lead(gamma, n_classes)
    if others is None or lead is None:
        return None
    fit = SoftmaxFit._make((gamma, *others, *lead, None))
    return fit._replace(guess=_fit_guess(fit, n_classes))


def _link_terms(p: Array, q: Array, gamma: float) -> tuple[Array, Array, Array]:
    """x q**gamma, for x = p / phi(p), v / q, and d log(v / x) / d log x."""
    # From the smaller one of p and q, which is the one without rounding errors.
    L = np.where(q < p, -np.log1p(-np.minimum(q, 0.5)), -np.log(p))
    excess = np.where(q < 1e-4, q / 2.0, (L - q) / q)
    d = p * excess
    t = p + d
    curved = 1.0 + gamma * t
    slope = q + gamma * (p - d / curved)
    bracket = (d - p * q) * curved - gamma * d * d
    bend = (gamma - 1.0) * p * q - gamma * bracket / (curved * curved)
    return p / curved, p / slope, ((q - p) - bend / slope) / slope - 1.0


@lru_cache(maxsize=128)
def _fit_others(gamma: float) -> Any:
    """The fields of a fit that are of the classes that don't lead."""

    def terms(p: Array) -> tuple[Array, ...]:
        q = 1.0 - p
        x, v, bend = _link_terms(p, q, gamma)
        x, v = x / q**gamma, v * q
        return x ** (1.0 / 3.0), p / x, v / x, bend

    grid = np.r_[np.geomspace(1e-30, 1e-6, 2000), np.linspace(2e-6, _LARGEST_P, 20_000)]
    z = np.cos(np.linspace(0.0, np.pi, _N_FITTED))
    by_root = terms(grid)[0]
    r, P, Q, bend = terms(np.interp(0.5 * (z + 1.0) * by_root[-1], by_root, grid))
    slope = 2.0 / by_root[-1]
    z = slope * r - 1.0
    chains = _fit_rational(z, (P, Q), _OTHERS_DEGREES, _OTHERS_TOLERANCE)
    # More than 2 is added, so that relative errors have a meaning.
    bends = _fit_rational(z, (bend + 2.0,), _BEND_DEGREES, _ROUGH_TOLERANCE)
    short = _fit_rational(z, (P, Q), _SHORT_DEGREES, _ROUGH_TOLERANCE)
    if chains is None or bends is None or short is None:
        return None
    return (*chains, bends, short, slope, by_root[-1])


def _fit_lead(gamma: float, n_classes: int) -> Any:
    """The fields of a fit that are of the lead, whose p is at least 1 / n_classes."""
    last = 1.0 - 0.99 / n_classes
    z = np.cos(np.linspace(0.0, np.pi, _N_FITTED))
    q = np.maximum(0.5 * (z + 1.0) * last, 1e-12)
    x, v, _ = _link_terms(1.0 - q, q, gamma)
    slope = 2.0 / last
    chains = _fit_rational(slope * q - 1.0, (x ** (1.0 / 3.0), v), _LEAD_DEGREES)
    return chains and (*chains, slope, last)


def _fit_rational(
    z: Array,
    functions: tuple[Array, ...],
    degrees: tuple[int, ...],
    tolerance: float = _TOLERANCE,
) -> tuple[Chains, ...] | None:
    """Return numerators and the common denominator of least degree that is enough."""
    for degree in degrees:
        series = _approximate(z, functions, degree)
        if series is None:
            continue
        chains = tuple(_chains(coefficients) for coefficients in series)
        below = _value(chains[-1], z)
        fitted = [_value(chain, z) / below for chain in chains[:-1]]
        if below.min() > 0.0 and _largest_error(fitted, functions) <= tolerance:
            return chains
    return None


def _largest_error(fitted: Any, functions: tuple[Array, ...]) -> float:
    pairs = zip(fitted, functions, strict=True)
    return max(float(np.max(abs(a / b - 1.0))) for a, b in pairs)


def _approximate(z: Array, functions: tuple[Array, ...], degree: int) -> Array | None:
    """Chebyshev series of numerators and denominator of the least relative error.

    None if the denominator has a zero.

    The linear problem N - f D = 0 is solved again and again with the last D as weight
    (Sanathanan and Koerner, 1963), and with larger weights where the error is large.
    """
    n = len(functions)
    basis = chebyshev.chebvander(z, degree)
    below, weights = np.ones_like(z), np.ones((n, len(z)))
    least, best = np.inf, None
    for _ in range(12):
        blocks = np.zeros((n, len(z), n + 1, degree + 1))
        for i, values in enumerate(functions):
            weight = (weights[i] / abs(below))[:, None]
            blocks[i, :, i], blocks[i, :, n] = weight / values[:, None], -weight
            blocks[i] *= basis[:, None]
        matrix = blocks.reshape(n * len(z), -1)
        series = np.linalg.svd(matrix, full_matrices=False)[2][-1].reshape(n + 1, -1)
        series /= series[n, 0]
        below = basis @ series[n]
        errors = abs(series[:n] @ basis.T / below / functions - 1.0)
        largest = errors.max()
        if below.min() > 0.0 and largest < least:
            least, best = largest, series
        weights *= np.sqrt(errors / largest + 0.01)
        weights /= weights.max()
    return best


def _fit_guess(fit: SoftmaxFit, n_classes: int) -> tuple[Chains, ...]:
    """Return polynomials for F, from rows that are solved."""
    ratios, d = _sample_rows(n_classes)
    mean, share = ratios.mean(axis=1), 1.0 / ratios.sum(axis=1)
    concentration = (ratios**2).sum(axis=1) * share**2
    s = (mean * np.exp(-d)) ** (1.0 / (1.0 + fit.gamma))
    F = _solve(fit, ratios, d, mean, s)
    basis = chebyshev.chebvander(2.0 * s - 1.0, _GUESS_DEGREE)
    one = np.ones_like(share)
    spreads = (one, concentration, concentration**2, share, concentration * share)
    matrix = np.hstack([basis * spread[:, None] for spread in spreads])
    weights = np.ones_like(F)
    for _ in range(12):
        series = np.linalg.lstsq(matrix * weights[:, None], F * weights, rcond=None)[0]
        errors = abs(matrix @ series - F)
        weights *= np.sqrt(errors / errors.max() + 0.01)
        weights /= weights.max()
    return tuple(_chains(part) for part in series.reshape(len(spreads), -1))


def _sample_rows(n_classes: int) -> tuple[Array, Array]:
    """Rows of exp(w - w_next) but the lead's, and the lead's distance."""
    rng = np.random.default_rng(0)
    spread = 10.0 ** rng.uniform(-2.0, 1.5, (_N_SAMPLED, 1))
    w = spread * rng.normal(size=(_N_SAMPLED, n_classes))
    # Groups of equal classes are the extremes.
    grouped = slice(_N_SAMPLED // 2)
    first = np.arange(n_classes) < rng.integers(1, n_classes + 1, (_N_SAMPLED, 1))
    w[grouped] = np.where(first, 0.01 * w, 0.01 * w - rng.uniform(0, 12, (len(w), 1)))[
        grouped
    ]
    w = np.sort(w, axis=1)
    return np.exp(w[:, :-1] - w[:, -2:-1]), w[:, -1] - w[:, -2]


def _solve(fit: SoftmaxFit, ratios: Array, d: Array, mean: Array, s: Array) -> Array:
    """Return F as ``softmax_step`` finds it."""
    gamma, roots = fit.gamma, ratios ** (1.0 / 3.0)
    limit = np.log(fit.lead_last) - np.log(s)
    base = np.exp(-(d + gamma * np.log(mean)) / (3.0 * (1.0 + gamma)))
    F = np.minimum(np.log(ratios.shape[1] / (1.0 + gamma)) / (1.0 + gamma), limit - 0.2)
    for _ in range(12):
        z = fit.lead_slope * s * np.exp(F) - 1.0
        below = _value(fit.lead_below, z)
        reach = _value(fit.root, z) / below * np.exp(-gamma / 3.0 * F)
        v = _value(fit.v, z) / below
        z = fit.slope * np.minimum(roots * (base * reach)[:, None], fit.last) - 1.0
        below = _value(fit.below, z)
        sum_p = (ratios * _value(fit.p, z) / below).sum(axis=1)
        sum_v = (ratios * _value(fit.q, z) / below).sum(axis=1)
        found, pull = reach**3 * sum_p, v * sum_p
        step = np.log(found / (mean * np.exp(F))) * pull / (pull + sum_v)
        F = np.minimum(F + step, limit)
    return F
