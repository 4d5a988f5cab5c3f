"""What the binary and the softmax kernels share: one scalar function per formula.

Notation, as in Lin et al. (arXiv 1708.02002): t is the true class, p its probability,
q = 1 - p, L = -log p, s = (2 y - 1) z the margin of the binary raw prediction z. The
formulas are per unit of class weight and sample weight; the loops multiply by both.

Every loop takes the labels, in any numeric dtype, and the rows [start, stop) to work
on. `alpha` has one entry per class: a tuple of two (binary) or an array (softmax). So
has a float `gamma`; an int `gamma`, at most MAX_INTEGER_GAMMA, serves all classes and
needs no exponential. No weights are None (binary) or an empty array (softmax, where
every combination of types takes seconds to compile).
"""

import numpy as np
from numba import types
from numba.extending import overload

from skfocal._compute.compiling import FASTMATH, fast_njit
from skfocal._compute.fastmath import exp

__all__ = [
    "MAX_INTEGER_GAMMA",
    "expit",
    "margin_hessian",
    "newton_weight",
    "of_class",
    "power_of",
    "rows_of",
    "uniform_or",
    "weight_of",
]

MAX_INTEGER_GAMMA = 7


def power_of(q, log_q, gamma):
    """q**gamma, from q for an int gamma and from log_q for a float one."""
    raise NotImplementedError


@overload(power_of, jit_options={"forceinline": True, "fastmath": FASTMATH})
def _power_of_overload(q, log_q, gamma):
    if isinstance(gamma, types.Integer):

        def multiply(q, log_q, gamma):
            q2 = q * q
            odd = q if gamma & 1 else 1.0
            even = (q2 if gamma & 2 else 1.0) * (q2 * q2 if gamma & 4 else 1.0)
            return odd * even

        return multiply
    return lambda q, log_q, gamma: exp(gamma * log_q)


def of_class(gamma, k):
    """The gamma of class k."""
    raise NotImplementedError


@overload(of_class)
def _of_class_overload(gamma, k):
    if isinstance(gamma, types.Integer):
        return lambda gamma, k: gamma
    if isinstance(gamma, types.BaseTuple):
        return lambda gamma, k: gamma[1] if k > 0 else gamma[0]
    return lambda gamma, k: gamma[k]


def uniform_or(gamma, row_gamma):
    """An int gamma, which all classes share, else the row's own."""
    raise NotImplementedError


@overload(uniform_or)
def _uniform_or_overload(gamma, row_gamma):
    if isinstance(gamma, types.Integer):
        return lambda gamma, row_gamma: gamma
    return lambda gamma, row_gamma: row_gamma


@fast_njit
def rows_of(array, start, stop):
    if array is None:
        return None
    return array[start:stop]


@fast_njit
def weight_of(sample_weight, i):
    if sample_weight is None:
        return 1.0
    return np.float64(sample_weight[i])


@fast_njit
def newton_weight(hessian, gradient, factor, floor):
    """The signed Hessian (floor None) or max(factor |hessian|, floor |gradient|)."""
    if floor is None:
        return hessian
    return max(factor * abs(hessian), floor * abs(gradient))


@fast_njit
def expit(x):
    e = exp(-abs(x))
    likely = 1.0 / (1.0 + e)
    return likely if x >= 0.0 else e * likely


@fast_njit
def margin_hessian(p, q, L, gamma, power):
    """d2FL/ds2 = q**gamma p [(1 + 2 gamma) q + gamma (gamma p - q) L]."""
    return power * p * ((1.0 + 2.0 * gamma) * q + gamma * (gamma * p - q) * L)
