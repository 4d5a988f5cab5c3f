"""Compiled binary Newton step in the posterior link, for float32 and one gamma.

Unlike ``_posterior_binary_kernels``, nothing is solved for. With one gamma there is one
even function W of v = u + log(alpha_1 / alpha_0), here a polynomial, and

    gradient = W(v) alpha_0 alpha_1 (eta - y) / (alpha_1 eta + alpha_0 (1 - eta)),
    expected Hessian = |gradient| times the probability of the true class.
"""

from collections import namedtuple

import numpy as np
from numba import types
from numba.extending import overload

from skfocal._compute.compiling import FASTMATH, fast_njit, kernel, use_wide_vectors
from skfocal._compute.fastmath import exp
from skfocal.loss._kernel_terms import rows_of, weight_of

__all__ = [
    "LinkFit",
    "binary_step",
    "exp_brief",
    "finish",
    "polynomial",
    "rounded",
]

# W is `even(x**2) + x odd(x**2)` for x = offset - slope / (t + pole), where t is the
# square of v inverse_width, at most `last`; v is u plus `shift`.
LinkFit = namedtuple("LinkFit", "even, odd, inverse_width, pole, last, offset, slope")

# As in ``fastmath``.
_LOG2_E, _LN2 = float(np.log2(np.e)), float(np.log(2.0))
_ROUND = 1.5 * 2.0**52


def horner(coefficients, x):
    """A polynomial of a tuple, lowest power first."""
    raise NotImplementedError


@overload(horner, jit_options={"forceinline": True, "fastmath": FASTMATH})
def _horner_overload(coefficients, x):
    # One more function per coefficient: LLVM vectorises the loop over rows only if
    # there is no loop over the coefficients in it.
    kind = np.float32 if x == types.float32 else np.float64
    if coefficients.count == 1:
        return lambda coefficients, x: kind(coefficients[0])
    return lambda coefficients, x: (
        kind(coefficients[0]) + x * horner(coefficients[1:], x)
    )


@fast_njit
def polynomial(even, odd, x):
    """even(x**2) + x odd(x**2): two chains, which the processor works on at once."""
    square = x * x
    return horner(even, square) + x * horner(odd, square)


def rounded(value, mask):
    """The float32 next to it, and only those of its bits that are in the mask."""
    raise NotImplementedError


@overload(rounded, jit_options={"forceinline": True, "fastmath": FASTMATH})
def _rounded_overload(value, mask):
    if isinstance(mask, types.NoneType):
        return lambda value, mask: value

    kind = np.float32 if value == types.float32 else np.float64

    def clear(value, mask):
        bits = np.float32(value).view(np.int32) & mask
        return kind(np.int32(bits).view(np.float32))

    return clear


@fast_njit
def exp_brief(x):
    """exp(x) for -700 <= x <= 700, to 1e-8."""
    shifted = x * _LOG2_E + _ROUND
    r = x - (shifted - _ROUND) * _LN2
    r2 = r * r
    high = (1 / 24 + r * (1 / 120)) + r2 * (1 / 720 + r * (1 / 5040))
    mantissa = (1.0 + r) + r2 * ((1 / 2 + r * (1 / 6)) + r2 * high)
    exponent = np.float64(shifted).view(np.int64) << np.int64(52)
    return np.int64(np.float64(mantissa).view(np.int64) + exponent).view(np.float64)


@fast_njit
def _inverses(v, e, n_1, n_0, fit, alpha):
    """Inverses of t + pole, 1 + e and what alpha makes of it, by one division."""
    t = v * fit.inverse_width
    pole, total = min(t * t, fit.last) + fit.pole, 1.0 + e
    if alpha is None:
        inverse = 1.0 / (pole * total)
        return inverse * total, inverse * pole, inverse * pole
    tilted = alpha[1] * n_1 + alpha[0] * n_0
    inverse = 1.0 / (pole * (total * tilted))
    by_pole = inverse * pole
    return inverse * (total * tilted), by_pole * tilted, by_pole * total


@fast_njit
def _terms(true, u, fit, shift, alpha):
    """The size of the gradient, and eta of the true class."""
    e = exp(-abs(u))
    # eta is n_1 / (1 + e), and 1 - eta is n_0 / (1 + e).
    n_1, n_0 = 1.0 if u >= 0.0 else e, e if u >= 0.0 else 1.0
    by_pole, by_total, by_tilted = _inverses(u + shift, e, n_1, n_0, fit, alpha)
    W = polynomial(fit.even, fit.odd, fit.offset - fit.slope * by_pole)
    return W * (n_0 if true else n_1) * by_tilted, (n_1 if true else n_0) * by_total


@kernel
def binary_step(
    y,
    raw,
    sample_weight,
    fit,
    alpha,
    factor,
    floor,
    mask,
    gradient,
    hessian,
    start,
    stop,
):
    """Fill gradient and hessian. The fit is of W times alpha_0 alpha_1."""
    use_wide_vectors()
    shift = 0.0 if alpha is None else np.log(alpha[1]) - np.log(alpha[0])
    y, raw, weights = (
        y[start:stop],
        raw[start:stop],
        rows_of(sample_weight, start, stop),
    )
    gradients, hessians = gradient[start:stop], hessian[start:stop]
    for i in range(raw.size):
        true = y[i] > 0
        size, eta = _terms(true, np.float64(raw[i]), fit, shift, alpha)
        weight = weight_of(weights, i)
        gradients[i] = weight * rounded(-size if true else size, mask)
        hessians[i] = weight * rounded(size * max(factor * eta, floor), mask)


@kernel
def finish(values, sample_weight, scale, mask, start, stop):
    """Scale and round float32 values, then weight the rows, in place."""
    weights = rows_of(sample_weight, start, stop)
    for k in range(values.shape[1]):
        column = values.T[k][start:stop]
        for i in range(column.size):
            column[i] = weight_of(weights, i) * rounded(scale * column[i], mask)
