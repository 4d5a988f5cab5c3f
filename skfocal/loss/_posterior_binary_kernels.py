"""Compiled binary focal loss in the posterior link: one loop per task.

The raw prediction u is the log-odds of class 1 itself. The focal loss's own z is found
from it by Newton's method, block by block, and everything else is a function of z. With
s = (2 y - 1) z the margin, a = -dFL/ds and psi(z) = u,

    gradient = -(2 y - 1) a / psi',    hessian = a / psi'**2 (r +- psi'' / psi'),

r = -d log a/ds, and +- the sign of 2 y - 1. The expected Hessian over y is the size
of the gradient times the probability of the true class. Arguments are those of
``_kernel_terms``.
"""

from collections import namedtuple

import numpy as np

from skfocal._compute.compiling import fast_njit, kernel, use_wide_vectors
from skfocal._compute.fastmath import exp, log1p, log1p_unit
from skfocal.loss._binary_kernels import margin_terms
from skfocal.loss._kernel_terms import (
    expit,
    of_class,
    power_of,
    rows_of,
    weight_of,
)
from skfocal.loss._link_kernel_terms import (
    STEP_TOLERANCE,
    link_bend,
    link_decay,
    link_slope,
    surprise_terms,
)

__all__ = ["binary_posterior"]

# Rows whose z is found together, in the L1 cache.
_BLOCK = 128
# One gamma takes 4, the gammas 0 and 100 take 8.
_MAX_STEPS = 60
_LOG_2 = 0.6931471805599453

_Block = namedtuple("_Block", "z, sign, target, favoured, other")


@fast_njit
def _new_block():
    rows = np.empty((5, _BLOCK))
    return _Block(rows[0], rows[1], rows[2], rows[3], rows[4])


@fast_njit
def _link(size, favoured, other):
    """psi and its derivative at |z|, with the gammas of the favoured class and not.

    (1 + gamma) |z| + ..., so that the large terms of the classes' G never cancel.
    """
    e = exp(-size)
    soft = log1p_unit(e)
    p = 1.0 / (1.0 + e)
    q = e * p
    t, d = surprise_terms(p, q, soft)
    t_other, d_other = surprise_terms(q, p, soft + size)
    value = (1.0 + favoured) * size + (favoured - other) * soft
    value += log1p(other * t_other) - log1p(favoured * t)
    slope = link_slope(p, q, favoured, t, d)
    slope += link_slope(q, p, other, t_other, d_other)
    return value, slope


@fast_njit
def _psi_of_zero(gamma_0, gamma_1):
    bend = (gamma_1 - gamma_0) * _LOG_2
    return bend + log1p(gamma_0 * _LOG_2) - log1p(gamma_1 * _LOG_2)


@fast_njit
def _start(block, raw, gamma, shift):
    """Which class z favours, and the |z| that a large target has."""
    gamma_0, gamma_1 = np.float64(of_class(gamma, 0)), np.float64(of_class(gamma, 1))
    at_zero = _psi_of_zero(gamma_0, gamma_1)
    for j in range(raw.size):
        v = np.float64(raw[j]) + shift
        positive = v >= at_zero
        block.sign[j] = 1.0 if positive else -1.0
        block.favoured[j] = gamma_1 if positive else gamma_0
        block.other[j] = gamma_0 if positive else gamma_1
        block.target[j] = v if positive else -v
        block.z[j] = max(
            (block.target[j] + log1p(block.favoured[j])) / (1.0 + block.favoured[j]),
            0.0,
        )


@fast_njit
def _solve(block, raw, gamma, shift):
    """Find the z of each row's u by Newton's method on |z|."""
    _start(block, raw, gamma, shift)
    for _ in range(_MAX_STEPS):
        # A sum of integers, for which LLVM needs no leave to reorder.
        n_moving = 0
        for j in range(raw.size):
            size = block.z[j]
            value, slope = _link(size, block.favoured[j], block.other[j])
            step = (value - block.target[j]) / slope
            moved = max(size - step, 0.0)
            n_moving += abs(moved - size) > STEP_TOLERANCE * (1.0 + size)
            block.z[j] = moved
        if n_moving == 0:
            break
    for j in range(raw.size):
        block.z[j] *= block.sign[j]


@fast_njit
def _row_terms(y, z, gamma):
    """Loss, and size of the gradient and Hessian by u, unweighted."""
    p, q, log_q, L = margin_terms(z)
    gamma_0, gamma_1 = np.float64(of_class(gamma, 0)), np.float64(of_class(gamma, 1))
    t_1, d_1 = surprise_terms(p, q, L)
    t_0, d_0 = surprise_terms(q, p, -log_q)
    psi_1 = link_slope(p, q, gamma_1, t_1, d_1) + link_slope(q, p, gamma_0, t_0, d_0)
    psi_2 = link_bend(p, q, gamma_1, t_1, d_1) - link_bend(q, p, gamma_0, t_0, d_0)
    true = y > 0
    p_true, q_true, L_true = p if true else q, q if true else p, L if true else -log_q
    t, d, log_q_true = t_1 if true else t_0, d_1 if true else d_0, log_q if true else -L
    g, bend = gamma_1 if true else gamma_0, psi_2 if true else -psi_2
    power = power_of(q_true, log_q_true, of_class(gamma, y))
    size = power * (g * p_true * L_true + q_true) / psi_1
    hessian = size * (link_decay(p_true, g, t, d) + bend / psi_1) / psi_1
    return power * L_true, size, hessian


@kernel
def binary_posterior(
    y,
    raw,
    sample_weight,
    gamma,
    alpha,
    factor,
    floor,
    loss,
    gradient,
    hessian,
    start,
    stop,
):
    use_wide_vectors()
    block = _new_block()
    shift = np.log(alpha[1]) - np.log(alpha[0])
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        u, labels = raw[first:last], y[first:last]
        weights = rows_of(sample_weight, first, last)
        losses, gradients = rows_of(loss, first, last), rows_of(gradient, first, last)
        hessians = rows_of(hessian, first, last)
        _solve(block, u, gamma, shift)
        for j in range(u.size):
            true = labels[j] > 0
            value, size, h = _row_terms(labels[j], block.z[j], gamma)
            scale = (alpha[1] if true else alpha[0]) * weight_of(weights, j)
            size *= scale
            if loss is not None:
                losses[j] = scale * value
            if gradient is not None:
                gradients[j] = -size if true else size
            if hessian is not None:
                if floor is None:
                    hessians[j] = scale * h
                else:
                    eta = expit(np.float64(u[j]) if true else -np.float64(u[j]))
                    hessians[j] = size * max(factor * eta, floor)
