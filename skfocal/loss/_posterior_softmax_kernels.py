"""Compiled softmax focal loss in the posterior link: one loop per task.

With the s_k and c of ``_softmax_link_kernels``, v_k = dp_k/dG_k, sigma = v / sum(v),
B = -dFL_t/dG_t and beta = dB/dG_t,

    gradient = B d,  d = sigma - e_t,    expected hessian = e**-c (diag(v) - v sigma'),
    hessian  = -beta d d' + diag(r) - r sigma' - sigma r' + sum(r) sigma sigma',
               r_k = B dv_k/dG_k / sum(v).

Arguments are those of ``_kernel_terms``.
"""

import numpy as np

from skfocal._compute.compiling import fast_njit, kernel, use_wide_vectors
from skfocal._compute.fastmath import exp
from skfocal.loss._binary_kernels import margin_terms
from skfocal.loss._kernel_terms import power_of, uniform_or
from skfocal.loss._link_kernel_terms import (
    link_bend,
    link_decay,
    link_slope,
    surprise_terms,
)
from skfocal.loss._softmax_link_kernels import (
    BLOCK,
    EXACT_START,
    gamma_of,
    load,
    new_block,
    solve,
)

__all__ = ["softmax_posterior", "softmax_posterior_curvature"]

_TINY = 2.0**-1000


@fast_njit
def _ratio(numerator, slope, limit):
    """numerator / slope, or its limit where both underflowed (gamma 0, q 0)."""
    return numerator / slope if slope > 0.0 else limit


@fast_njit
def _underflown(block, w, k, j, slope):
    """v_k over the lead's q, where all of them underflow: only their ratios matter."""
    # The slope of a lead without focus is q itself: nothing is left of the others.
    lead = 1.0 / slope if slope > 0.0 else 1.0 / _TINY
    share = exp(min(w[j] - block.rest[j], 0.0))
    return lead if block.lead[j] == k else share


@fast_njit
def _derivatives(block, gamma, size):
    """v and d(log v)/dG of each class; loss, B, beta of the true class; e**-c."""
    for k in range(block.w.shape[0]):
        g = gamma_of(gamma, k)
        w, s, vs, rs = block.w[k], block.s[k], block.v[k], block.r[k]
        for j in range(size):
            p, q, log_q, L = margin_terms(s[j])
            t, d = surprise_terms(p, q, L)
            slope = link_slope(p, q, g, t, d)
            q_by_slope = _ratio(q, slope, 1.0)
            bend = _ratio(link_bend(p, q, g, t, d), slope, -p)
            v = p * q_by_slope
            v = (
                v
                if block.log_q[j] > EXACT_START
                else _underflown(block, w, k, j, slope)
            )
            vs[j] = v
            rs[j] = _ratio((q - p) - bend, slope, 1.0)
            power = power_of(q, log_q, uniform_or(gamma, g))
            phi = power * (1.0 + g * t)
            B = phi * q_by_slope
            decay = link_decay(p, g, t, d) + bend
            true, leads = block.y[j] == k, block.lead[j] == k
            block.loss[j] = power * L if true else block.loss[j]
            block.B[j] = B if true else block.B[j]
            beta = -B * _ratio(decay, slope, 0.0)
            block.beta[j] = beta if true else block.beta[j]
            expected = block.alpha_eta[j] * phi / p
            block.expected[j] = expected if leads else block.expected[j]


@fast_njit
def _weigh(block, alpha, weights, size):
    for j in range(size):
        scale = weights[j] if weights.size else 1.0
        block.expected[j] *= scale
        scale *= alpha[np.int64(block.y[j])]
        block.loss[j] *= scale
        block.B[j] *= scale
        block.beta[j] *= scale


@fast_njit
def _totals(block, size):
    """r / B; sums of v and of it over all classes, and over all but the top one."""
    for sums in (block.v_others, block.v_total, block.r_others, block.r_total):
        sums[:size] = 0.0
    for k in range(block.w.shape[0]):
        v = block.v[k]
        for j in range(size):
            block.v_total[j] += v[j]
            block.v_others[j] += 0.0 if block.top[j] == k else v[j]
    for k in range(block.w.shape[0]):
        v, r = block.v[k], block.r[k]
        for j in range(size):
            r[j] *= v[j] / block.v_total[j]
            block.r_total[j] += r[j]
            block.r_others[j] += 0.0 if block.top[j] == k else r[j]


@fast_njit
def _fill(block, y, raw, sample_weight, gamma, alpha, log_alpha, first, last):
    load(block, y, raw, log_alpha, first, last)
    solve(block, gamma, log_alpha, last - first)
    _derivatives(block, gamma, last - first)
    _weigh(block, alpha, sample_weight[first:last], last - first)
    _totals(block, last - first)


@fast_njit
def _sigma(block, k, j):
    """sigma_k and 1 - sigma_k."""
    v, total = block.v[k, j], block.v_total[j]
    others = block.v_others[j] if block.top[j] == k else total - v
    return v / total, others / total


@fast_njit
def _hessian(block, k, j, sigma, not_sigma):
    """Entry k of the diagonal: terms that nearly cancel are never subtracted."""
    r, B = block.r[k, j], block.B[j]
    r_others = block.r_others[j] if block.top[j] == k else block.r_total[j] - r
    true = block.y[j] == k
    own = B * r - (block.beta[j] if true else 0.0)
    others = B * r_others - (0.0 if true else block.beta[j])
    return own * not_sigma * not_sigma + others * sigma * sigma


@fast_njit
def _write_gradient(block, gradient, k):
    for j in range(gradient.size):
        sigma, not_sigma = _sigma(block, k, j)
        block.out[j] = block.B[j] * (-not_sigma if block.y[j] == k else sigma)
    # A loop of its own: a strided store would keep the arithmetic from SIMD.
    for j in range(gradient.size):
        gradient[j] = block.out[j]


@fast_njit
def _write_hessian(block, hessian, k, factor, floor):
    for j in range(hessian.size):
        sigma, not_sigma = _sigma(block, k, j)
        if floor is None:
            block.out[j] = _hessian(block, k, j, sigma, not_sigma)
        else:
            size = block.B[j] * (not_sigma if block.y[j] == k else sigma)
            expected = block.expected[j] * block.v[k, j] * not_sigma
            block.out[j] = max(factor * expected, floor * size)
    for j in range(hessian.size):
        hessian[j] = block.out[j]


@kernel
def softmax_posterior(
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
    block, log_alpha = new_block(raw.shape[1]), np.log(alpha)
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        _fill(block, y, raw, sample_weight, gamma, alpha, log_alpha, first, last)
        if loss is not None:
            for j in range(last - first):
                loss[first + j] = block.loss[j]
        for k in range(raw.shape[1]):
            if gradient is not None:
                _write_gradient(block, gradient.T[k][first:last], k)
            if hessian is not None:
                _write_hessian(block, hessian.T[k][first:last], k, factor, floor)


@kernel
def softmax_posterior_curvature(
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
    """d, B, -beta and r: see ``_curvature_kernels``."""
    use_wide_vectors()
    block, log_alpha = new_block(raw.shape[1]), np.log(alpha)
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        _fill(block, y, raw, sample_weight, gamma, alpha, log_alpha, first, last)
        for j in range(last - first):
            i = first + j
            loss[i], slope[i], bend[i] = block.loss[j], block.B[j], -block.beta[j]
            for k in range(raw.shape[1]):
                sigma, not_sigma = _sigma(block, k, j)
                deviation[i, k] = -not_sigma if block.y[j] == k else sigma
                spread[i, k] = block.B[j] * block.r[k, j]
