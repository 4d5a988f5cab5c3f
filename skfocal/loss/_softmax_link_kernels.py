"""The focal probabilities behind softmax raw predictions of the posterior link.

The raw predictions u give the class probabilities, eta = softmax(u). The focal
probabilities p behind them, in log-odds s_k, solve (see ``_link_kernel_terms``)

    G_k(s_k) = log(alpha_k eta_k) + c,    sum_k p_k = 1,

by Newton's method in all s_k and c at once, block by block.
"""

from collections import namedtuple

import numpy as np

from skfocal._compute.compiling import fast_njit
from skfocal._compute.fastmath import exp, log, log1p, log1p_unit
from skfocal.loss._binary_kernels import margin_terms
from skfocal.loss._kernel_terms import of_class
from skfocal.loss._link_kernel_terms import (
    STEP_TOLERANCE,
    link_slope,
    link_value,
    surprise_terms,
)

__all__ = [
    "BLOCK",
    "EXACT_START",
    "gamma_of",
    "load",
    "new_block",
    "solve",
]

# Rows per block: enough for SIMD, few enough to stay in the L1 cache.
BLOCK = 64
# 3 to 5 are enough for one gamma up to 5, 37 for gamma 100. A step is cut at 2, lest
# two classes of nearly one probability take turns in leading for ever.
_MAX_STEPS = 200
_LONGEST_STEP = 2.0
# Below it the start is exact, and Newton's method would divide by what underflows.
EXACT_START = -600.0
# A start of nearly equal probabilities has its top class at p = 1 - exp of it.
_LARGEST_LOG_Q = -0.3

# By class and row: w, s, G - w, dG/ds, p, v, r. The rest is by row. Each is an array of
# its own: in one with an axis for them, what is written for a class would lie between
# what is read for two, and LLVM checks that the whole ranges of a loop over the classes
# don't overlap, or does without SIMD.
_Block = namedtuple(
    "_Block",
    "w, s, excess, slope, p, v, r, "
    "y, lead, top, w_lead, w_next, rest, log_q, alpha_eta, others, reach, pull, "
    "s_top, p_top, slope_top, excess_top, step, level, B, beta, expected, v_others, "
    "v_total, r_others, r_total, loss, out",
)


@fast_njit
def _by_class(n_classes):
    return np.empty((n_classes, BLOCK))


@fast_njit
def new_block(n_classes):
    r = np.empty((26, BLOCK))
    return _Block(
        *(_by_class(n_classes), _by_class(n_classes), _by_class(n_classes)),
        *(_by_class(n_classes), _by_class(n_classes), _by_class(n_classes)),
        _by_class(n_classes),
        *(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11]),
        *(r[12], r[13], r[14], r[15], r[16], r[17], r[18], r[19], r[20], r[21], r[22]),
        *(r[23], r[24], r[25]),
    )


@fast_njit
def gamma_of(gamma, k):
    return np.float64(of_class(gamma, k))


@fast_njit
def load(block, y, raw, log_alpha, first, last):
    """Copy labels, and w_k = log(alpha_k eta_k) up to a constant of the row."""
    labels = y[first:last]
    for j in range(labels.size):
        block.y[j] = labels[j]
    for k in range(block.w.shape[0]):
        column, w = raw.T[k][first:last], block.w[k]
        for j in range(column.size):
            w[j] = column[j] + log_alpha[k]


@fast_njit
def _find_top(values, largest, top, size):
    """Largest entry of each row, and its class."""
    first = values[0]
    # From slice to slice numba would compile an error message, too, for a second.
    for j in range(size):
        largest[j] = first[j]
    top[:size] = 0.0
    for k in range(1, values.shape[0]):
        column = values[k]
        for j in range(size):
            larger = column[j] > largest[j]
            largest[j] = column[j] if larger else largest[j]
            top[j] = k if larger else top[j]


@fast_njit
def _subtract_lead(block, size):
    """w to w - w_lead, and the next largest of it."""
    _find_top(block.w, block.w_lead, block.lead, size)
    block.w_next[:size] = -np.inf
    for k in range(block.w.shape[0]):
        w = block.w[k]
        for j in range(size):
            w[j] -= block.w_lead[j]
            w_other = -np.inf if block.lead[j] == k else w[j]
            block.w_next[j] = max(block.w_next[j], w_other)


@fast_njit
def _sum_exponentials(block, log_alpha, size):
    """log of the sum of exp(w) but the lead's, and alpha eta of the lead."""
    block.others[:size] = 0.0
    block.alpha_eta[:size] = 0.0
    for k in range(block.w.shape[0]):
        w, inverse = block.w[k], np.exp(-log_alpha[k])
        for j in range(size):
            e = exp(min(w[j] - block.w_next[j], 0.0))
            block.others[j] += 0.0 if block.lead[j] == k else e
            block.alpha_eta[j] += inverse * exp(w[j])
    for j in range(size):
        block.rest[j] = block.w_next[j] + log(block.others[j])
        block.alpha_eta[j] = 1.0 / block.alpha_eta[j]


@fast_njit
def _start(block, gamma, size):
    """The s_k that are exact where one class is far ahead."""
    for j in range(size):
        g = gamma_of(gamma, np.int64(block.lead[j]))
        log_q = (block.rest[j] - log1p(g)) / (1.0 + g)
        block.log_q[j] = min(log_q, _LARGEST_LOG_Q)
    for k in range(block.w.shape[0]):
        w, s = block.w[k], block.s[k]
        for j in range(size):
            leads = block.lead[j] == k
            log_p = block.log_q[j] + (0.0 if leads else w[j] - block.rest[j])
            log_odds = log_p - log(1.0 - exp(log_p))
            s[j] = -log_odds if leads else log_odds


@fast_njit
def _evaluate(block, gamma, size):
    """p, G - w and G' of each class, and which has the largest s."""
    _find_top(block.s, block.s_top, block.top, size)
    for k in range(block.w.shape[0]):
        g, w, s = gamma_of(gamma, k), block.w[k], block.s[k]
        excesses, slopes, ps = block.excess[k], block.slope[k], block.p[k]
        for j in range(size):
            p, q, log_q, L = margin_terms(s[j])
            t, d = surprise_terms(p, q, L)
            excess = link_value(log_q, L, g, t) - w[j]
            slope = link_slope(p, q, g, t, d)
            top = block.top[j] == k
            block.p_top[j] = p if top else block.p_top[j]
            block.slope_top[j] = slope if top else block.slope_top[j]
            block.excess_top[j] = excess if top else block.excess_top[j]
            ps[j], excesses[j], slopes[j] = p, excess, slope


@fast_njit
def _find_step(block, size):
    """The Newton step of the top class, and the G - w that all classes get.

    The equations are those of the link and, of the p other than the top one,
    log(sum of p) = log(1 - p_top).
    """
    block.others[:size] = 0.0
    block.reach[:size] = 0.0
    block.pull[:size] = 0.0
    for k in range(block.w.shape[0]):
        excesses, slopes, ps = block.excess[k], block.slope[k], block.p[k]
        for j in range(size):
            p = 0.0 if block.top[j] == k else ps[j]
            spread = p * (1.0 - p) / slopes[j]
            block.others[j] += p
            block.reach[j] += spread
            block.pull[j] += spread * (block.excess_top[j] - excesses[j])
    for j in range(size):
        s, regular = block.s_top[j], block.log_q[j] > EXACT_START
        others = block.others[j] if regular else 1.0
        log_q_top = -(max(s, 0.0) + log1p_unit(exp(-abs(s))))
        gap = others * (log_q_top - log(others)) - block.pull[j]
        step = gap / (others * block.p_top[j] + block.slope_top[j] * block.reach[j])
        block.step[j] = step if regular else 0.0
        block.level[j] = block.excess_top[j] + block.slope_top[j] * block.step[j]


@fast_njit
def _take_step(block, size):
    """Move the s; return how many moved by more than the tolerance."""
    # A sum of integers, for which LLVM needs no leave to reorder.
    n_moving = 0
    for k in range(block.w.shape[0]):
        s, excesses, slopes = block.s[k], block.excess[k], block.slope[k]
        for j in range(size):
            step = (block.level[j] - excesses[j]) / slopes[j]
            step = block.step[j] if block.top[j] == k else step
            step = step if block.log_q[j] > EXACT_START else 0.0
            step = min(max(step, -_LONGEST_STEP), _LONGEST_STEP)
            n_moving += abs(step) > STEP_TOLERANCE * (1.0 + abs(s[j]))
            s[j] += step
    return n_moving


@fast_njit
def solve(block, gamma, log_alpha, size):
    """Find the s_k of a loaded block."""
    _subtract_lead(block, size)
    _sum_exponentials(block, log_alpha, size)
    _start(block, gamma, size)
    for _ in range(_MAX_STEPS):
        _evaluate(block, gamma, size)
        _find_step(block, size)
        if _take_step(block, size) == 0:
            break
