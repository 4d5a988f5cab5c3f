"""Compiled softmax focal loss in the focal link: one loop per task.

Notation and arguments are those of ``_kernel_terms``.
"""

from collections import namedtuple

import numpy as np

from skfocal._compute.compiling import fast_njit, kernel, use_wide_vectors
from skfocal._compute.fastmath import exp, log, log1p
from skfocal.loss._kernel_terms import (
    margin_hessian,
    newton_weight,
    of_class,
    power_of,
    uniform_or,
)

__all__ = ["softmax_focal", "softmax_focal_curvature"]

# Twice the smallest normal number: its inverse is finite with room to spare.
_LEAST_Q = 2.0**-1021
# Rows per softmax block: enough for SIMD, few enough to stay in the L1 cache.
_BLOCK = 128


@fast_njit
def _gradient_scale(p_true, ratio, gamma, power):
    """A = q**(gamma - 1) (gamma p L + q), as q**gamma (1 + gamma p L / q)."""
    return power * (1.0 + gamma * p_true * ratio)


@fast_njit
def _curvature_scale(p_true, ratio, inverse_q, gamma, power):
    """B = gamma p q**(gamma - 2) [2 q + (gamma p - 1) L]."""
    bracket = 2.0 + (gamma * p_true - 1.0) * ratio
    return power * gamma * p_true * bracket * inverse_q


@fast_njit
def _softmax_hessian(p_k, not_k, A, B):
    """H_kk = A p_k (1 - p_k) + B p_k**2 of a class k other than t."""
    return p_k * (A * not_k + B * p_k)


# Rows are handled in blocks stored class by class, so that SIMD runs across the rows in
# either memory order of `raw`, whose transpose `raw.T[k]` is the column of class k.

_Block = namedtuple(
    "_Block",
    "p, y, top, p_true, q, not_top, L, gamma, power, scale, A, B, h_true, "
    "result, second",
)


@fast_njit
def _new_block(n_classes):
    p, r = np.empty((n_classes, _BLOCK)), np.empty((12, _BLOCK))
    y, top = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    return _Block(
        *(p, y, top, r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9]),
        *(r[10], r[11]),
    )


@fast_njit
def _load(block, y, raw, sample_weight, gamma, alpha, start, stop):
    """Copy the rows' labels, raw predictions (to p), gamma and alpha times weight."""
    labels, weights = y[start:stop], sample_weight[start:stop]
    for j in range(labels.size):
        k = np.int64(labels[j])
        block.y[j] = k
        block.gamma[j] = of_class(gamma, k)
        block.scale[j] = alpha[k] * (weights[j] if weights.size else 1.0)
    for k in range(block.p.shape[0]):
        column, p = raw.T[k][start:stop], block.p[k]
        for j in range(column.size):
            p[j] = column[j]


@fast_njit
def _find_top(p, z_top, top, size):
    """Largest raw prediction of each row, and its class."""
    first = p[0]
    # From slice to slice numba would compile an error message, too, for a second.
    for j in range(size):
        z_top[j] = first[j]
    top[:size] = 0
    for k in range(1, p.shape[0]):
        z = p[k][:size]
        for j in range(z.size):
            larger = z[j] > z_top[j]
            z_top[j] = z[j] if larger else z_top[j]
            top[j] = k if larger else top[j]


@fast_njit
def _exponentials(block, z_top, size):
    """p_k and p_t to exp(z_k - z_top), L to z_top - z_t, not_top to the sum but top."""
    y, top, p_true, L = block.y, block.top, block.p_true, block.L
    not_top = block.not_top
    not_top[:size] = 0.0
    for k in range(block.p.shape[0]):
        p = block.p[k][:size]
        for j in range(p.size):
            below = z_top[j] - p[j]
            e = exp(-below)
            p[j] = e
            true = y[j] == k
            L[j] = below if true else L[j]
            p_true[j] = e if true else p_true[j]
            not_top[j] += 0.0 if top[j] == k else e


@fast_njit
def _normalise(block, gamma, size):
    """Divide by the sum, and get from p_t what the outputs of a row share."""
    inverse = block.result
    for j in range(size):
        inverse[j] = 1.0 / (1.0 + block.not_top[j])
    for k in range(block.p.shape[0]):
        p = block.p[k][:size]
        for j in range(p.size):
            p[j] *= inverse[j]
    for j in range(size):
        others = block.not_top[j]
        # Where t isn't the top class, the sum of the others holds the top's 1.
        missed = 1.0 + (others - block.p_true[j])
        q = inverse[j] * (others if block.y[j] == block.top[j] else missed)
        p, L, g = (
            block.p_true[j] * inverse[j],
            block.L[j] + log1p(others),
            block.gamma[j],
        )
        power = power_of(q, log(q), uniform_or(gamma, g))
        # Below it 1 / q overflows, L / q is 1 and what B multiplies vanishes.
        regular = q > _LEAST_Q
        inverse_q = 1.0 / q if regular else 0.0
        ratio = L * inverse_q if regular else 1.0
        block.not_top[j] = others * inverse[j]
        block.q[j], block.L[j], block.power[j] = q, L, power
        block.p_true[j] = p
        block.A[j] = _gradient_scale(p, ratio, g, power)
        block.B[j] = _curvature_scale(p, ratio, inverse_q, g, power)
        block.h_true[j] = margin_hessian(p, q, L, g, power)


@fast_njit
def _fill(block, y, raw, sample_weight, gamma, alpha, start, stop):
    _load(block, y, raw, sample_weight, gamma, alpha, start, stop)
    _find_top(block.p, block.result, block.top, stop - start)
    _exponentials(block, block.result, stop - start)
    _normalise(block, gamma, stop - start)


@fast_njit
def _write_loss(block, loss):
    for j in range(loss.size):
        loss[j] = block.scale[j] * block.power[j] * block.L[j]


@fast_njit
def _write_gradient(block, gradient, start, stop):
    """gradient_k = A (p_k - delta_tk)."""
    for k in range(block.p.shape[0]):
        p, column = block.p[k], gradient.T[k][start:stop]
        for j in range(column.size):
            d = -block.q[j] if block.y[j] == k else p[j]
            block.result[j] = block.scale[j] * (block.A[j] * d)
        # A loop of its own: a strided store would keep the arithmetic from SIMD.
        for j in range(column.size):
            column[j] = block.result[j]


@fast_njit
def _write_gradient_hessian(block, factor, floor, gradient, hessian, start, stop):
    """The gradient and the Hessian's diagonal, from the margin's formula at k = t."""
    for k in range(block.p.shape[0]):
        p, column = block.p[k], gradient.T[k][start:stop]
        for j in range(column.size):
            true = block.y[j] == k
            # Below the top, p_k <= 1/2: nothing cancels.
            not_k = block.not_top[j] if block.top[j] == k else 1.0 - p[j]
            g = block.A[j] * (-block.q[j] if true else p[j])
            h_other = _softmax_hessian(p[j], not_k, block.A[j], block.B[j])
            h = block.h_true[j] if true else h_other
            block.result[j] = block.scale[j] * g
            block.second[j] = block.scale[j] * newton_weight(h, g, factor, floor)
        for j in range(column.size):
            column[j] = block.result[j]
        column = hessian.T[k][start:stop]
        for j in range(column.size):
            column[j] = block.second[j]


@kernel
def softmax_focal(
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
    block = _new_block(raw.shape[1])
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        _fill(block, y, raw, sample_weight, gamma, alpha, first, last)
        if loss is not None:
            _write_loss(block, loss[first:last])
        if hessian is not None:
            _write_gradient_hessian(
                block, factor, floor, gradient, hessian, first, last
            )
        elif gradient is not None:
            _write_gradient(block, gradient, first, last)


@fast_njit
def _write_curvature(block, deviation, slope, bend, spread):
    for k in range(block.p.shape[0]):
        p, column, column_spread = block.p[k], deviation.T[k], spread.T[k]
        for j in range(column.size):
            column[j] = -block.q[j] if block.y[j] == k else p[j]
            column_spread[j] = block.scale[j] * block.A[j] * p[j]
    for j in range(slope.size):
        slope[j] = block.scale[j] * block.A[j]
        bend[j] = block.scale[j] * block.B[j]


@kernel
def softmax_focal_curvature(
    y,
    raw,
    sample_weight,
    gamma,
    alpha,
    loss,
    deviation,
    slope,
    bend,
    spread,
    start,
    stop,
):
    """d_k = p_k - delta_tk, A, B and A p_k: see ``_curvature_kernels``."""
    use_wide_vectors()
    block = _new_block(raw.shape[1])
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        _fill(block, y, raw, sample_weight, gamma, alpha, first, last)
        _write_loss(block, loss[first:last])
        rows = slice(first, last)
        _write_curvature(block, deviation[rows], slope[rows], bend[rows], spread[rows])
