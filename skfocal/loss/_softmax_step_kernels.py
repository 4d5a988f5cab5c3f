"""Compiled softmax Newton step in the posterior link, for float32 and one gamma.

With w_k = u_k + log(alpha_k), the focal probabilities p_k solve (see
``_link_kernel_terms``)

    p_k = P(x_k),  x_k = exp(w_k + c),  sum_k p_k = 1,

where P is the inverse of p -> p / phi(p). The class of the largest w leads. For the
others p is at most 1/2, and P(x) / x and Q(x) = v / x, v = dp / dlog x, are rational
functions of the cube root of x. The lead's x and v follow from q, the sum of the
others' p. With d the lead's distance from the next class, and S the mean of
exp(w_k - w_next) over the others, the unknown is F in

    log q = (log(S) - d) / (1 + gamma) + F,

which is bounded: nothing here under- or overflows that matters. Newton's method solves
log(sum of P / q) = 0, at first by short approximations. With m_k = v_k / x_next,
sigma = m / sum(m), the true class t and eta = softmax(u),

    gradient = alpha_t Q_t (sigma - e_t),
    expected Hessian = (eta_next / alpha_next) m (1 - sigma).

Where it is enough, the arithmetic is in float32, of which twice as many fit a register.
The rational functions of 7 digits have denominators that nearly vanish at x = 0, and
the lead's q may be close to 1: both are in float64.
"""

from collections import namedtuple

import numpy as np
from numba.extending import overload

from skfocal._compute.compiling import fast_njit, kernel, use_wide_vectors
from skfocal._compute.fastmath import log
from skfocal.loss._step_kernels import exp_brief, polynomial, rounded

__all__ = ["SoftmaxFit", "softmax_step"]

# Pairs of tuples are the even and odd coefficients of polynomials. Of the others, in
# `slope` r - 1 for r the cube root of x, at most `last`: P / x and Q are `p` and `q`
# over `below`, or, for the first step, the same three of `short`; `bend` has numerator
# and denominator of 2 + d log Q / d log x. Of the lead, in `lead_slope` q - 1 for q at
# most `lead_last`: the cube root of x q**gamma and v / q are `root` and `v` over
# `lead_below`. The polynomials of the guess of F are in 2 exp(log q - F) - 1.
SoftmaxFit = namedtuple(
    "SoftmaxFit",
    "gamma, p, q, below, bend, short, slope, last, root, v, lead_below, lead_slope, "
    "lead_last, guess",
)

# Rows per block: enough for SIMD, few enough to stay in the L1 cache.
_BLOCK = 128
_MAX_STEPS = 20
# Newton's method squares an error this small away, and Q follows along its tangent.
_TOLERANCE = np.float32(2e-4)
# What is so far ahead is as good as infinitely far.
_LARGEST_DISTANCE = 250.0
_ONE, _TWO = np.float32(1.0), np.float32(2.0)

# By class and row, in float64: w, later the cube root of exp(w - w_next), 0 for the
# lead; in float32: that root, its cube, Q and later m, the results. The rest is by row,
# in float64 up to `wide_reach`. Each is an array of its own: in one with an axis for
# them, what is written for a class would lie between what is read for two, and LLVM
# checks that the whole ranges of a loop over the classes don't overlap, or does without
# SIMD.
_Block = namedtuple(
    "_Block",
    "w, root, ratio, Q, gradient, hessian, "
    "top, w_lead, w_next, total, squares, inverse_eta, first_inverse, sum_p, sum_v, "
    "s, q, base, wide_reach, "
    "y, lead, z, mean, concentration, share, limit, F, growth, reach, lead_v, "
    "lead_x, p, v, step, eta, ahead, B, others, rest, lead_m",
)


@fast_njit
def _new_block(n_classes):
    w, r = np.empty((13, _BLOCK)), np.empty((21, _BLOCK), np.float32)
    return _Block(
        np.empty((n_classes, _BLOCK)),
        np.empty((n_classes, _BLOCK), np.float32),
        np.empty((n_classes, _BLOCK), np.float32),
        np.empty((n_classes, _BLOCK), np.float32),
        np.empty((n_classes, _BLOCK), np.float32),
        np.empty((n_classes, _BLOCK), np.float32),
        *(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9]),
        *(w[10], w[11], w[12]),
        *(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11]),
        *(r[12], r[13], r[14], r[15], r[16], r[17], r[18], r[19], r[20]),
    )


@fast_njit
def _load(block, y, raw, log_alpha, first, last):
    """Copy labels and w; find the two largest w."""
    labels, size = y[first:last], last - first
    for j in range(size):
        block.y[j] = labels[j]
    block.w_lead[:size] = -np.inf
    block.w_next[:size] = -np.inf
    for k in range(block.w.shape[0]):
        column, ws = raw.T[k][first:last], block.w[k]
        # A loop of its own: a strided load would keep the comparisons from SIMD.
        for j in range(size):
            ws[j] = column[j] + log_alpha[k]
        for j in range(size):
            w, largest, second = ws[j], block.w_lead[j], block.w_next[j]
            larger = w > largest
            second = w if w > second else second
            block.w_next[j] = largest if larger else second
            block.w_lead[j] = w if larger else largest
            block.top[j] = k if larger else block.top[j]


@fast_njit
def _sum_exponentials(block, alpha, size):
    """w to its root; their moments; the sum of exp(w - w_next) / alpha."""
    for j in range(size):
        block.total[j] = 0.0
        block.squares[j] = 0.0
        block.inverse_eta[j] = 0.0
    for k in range(block.w.shape[0]):
        ws, inverse = block.w[k], 1.0 / alpha[k]
        roots, ratios = block.root[k], block.ratio[k]
        for j in range(size):
            leads = block.top[j] == k
            below = max(min(ws[j] - block.w_next[j], 0.0), -_LARGEST_DISTANCE)
            root = exp_brief(below * (1.0 / 3.0))
            root = 0.0 if leads else root
            cube = root * root * root
            ws[j] = root
            roots[j] = root
            ratios[j] = cube
            block.total[j] += cube
            block.squares[j] += cube * cube
            block.inverse_eta[j] += cube * inverse
            block.first_inverse[j] = inverse if leads else block.first_inverse[j]


@fast_njit
def _guess(fit, z, concentration, share):
    """F to about 0.01, by its dependence on how the others are spread."""
    one = polynomial(fit.guess[0][0], fit.guess[0][1], z)
    by_c = polynomial(fit.guess[1][0], fit.guess[1][1], z)
    by_c2 = polynomial(fit.guess[2][0], fit.guess[2][1], z)
    by_s = polynomial(fit.guess[3][0], fit.guess[3][1], z)
    by_cs = polynomial(fit.guess[4][0], fit.guess[4][1], z)
    return (
        one
        + concentration * (by_c + concentration * by_c2 + share * by_cs)
        + (share * by_s)
    )


@fast_njit
def _start(block, fit, size):
    """Guess F, and what else is by row."""
    n_others, rate = 1.0 / (block.w.shape[0] - 1.0), 1.0 / (1.0 + fit.gamma)
    log_last = np.log(fit.lead_last)
    for j in range(size):
        d, total = block.w_lead[j] - block.w_next[j], block.total[j]
        mean, share, d = total * n_others, 1.0 / total, min(d, _LARGEST_DISTANCE)
        log_mean, ahead = log(mean), exp_brief(-d)
        log_s = (log_mean - d) * rate
        s = exp_brief(log_s)
        block.s[j], block.z[j], block.limit[j] = s, 2.0 * s - 1.0, log_last - log_s
        block.base[j] = exp_brief((d + fit.gamma * log_mean) * (rate * (-1.0 / 3.0)))
        block.lead[j], block.mean[j], block.share[j] = block.top[j], mean, share
        block.concentration[j] = block.squares[j] * (share * share)
        block.ahead[j] = ahead
        # eta_next / (alpha_next exp(-d)) is what remains of it.
        block.eta[j] = ahead / (ahead * block.inverse_eta[j] + block.first_inverse[j])
    for j in range(size):
        F = _guess(fit, block.z[j], block.concentration[j], block.share[j])
        block.F[j] = min(F, block.limit[j])


@fast_njit
def _lead_v(fit, q):
    """v / q, and the argument and the inverse of the denominator for the other one.

    In float64: 1 - q may be small.
    """
    z = fit.lead_slope * min(q, fit.lead_last) - 1.0
    inverse = 1.0 / polynomial(fit.lead_below[0], fit.lead_below[1], z)
    return polynomial(fit.v[0], fit.v[1], z) * inverse, z, inverse


@fast_njit
def _follow(block, fit, size):
    """What F makes of the lead."""
    rate = fit.gamma * (-1.0 / 3.0)
    for j in range(size):
        F = np.float64(block.F[j])
        e = exp_brief(F)
        q = block.s[j] * e
        v, z, inverse = _lead_v(fit, q)
        # The cube roots of x_next over `base`, and of x_next.
        root = polynomial(fit.root[0], fit.root[1], z) * inverse
        reach = root * exp_brief(F * rate)
        block.lead_x[j] = reach * reach * reach
        reach *= block.base[j]
        block.q[j], block.wide_reach[j], block.reach[j] = q, reach, reach
        block.lead_v[j], block.growth[j] = v, block.mean[j] * e


@fast_njit
def _evaluate_roughly(block, fit, size):
    """Sums of P / x_next and v / x_next over the others, to 1e-4."""
    p, q, below = fit.short
    slope, last = np.float32(fit.slope), np.float32(fit.last)
    for j in range(size):
        block.p[j] = np.float32(0.0)
        block.v[j] = np.float32(0.0)
    for k in range(block.root.shape[0]):
        roots, ratios = block.root[k], block.ratio[k]
        for j in range(size):
            z = slope * min(roots[j] * block.reach[j], last) - _ONE
            term = ratios[j] / polynomial(below[0], below[1], z)
            block.p[j] += term * polynomial(p[0], p[1], z)
            block.v[j] += term * polynomial(q[0], q[1], z)


@fast_njit
def _evaluate(block, fit, size):
    """The same to 1e-7, and Q and its slope."""
    for j in range(size):
        block.sum_p[j] = 0.0
        block.sum_v[j] = 0.0
    for k in range(block.root.shape[0]):
        roots, Qs = block.w[k], block.Q[k]
        for j in range(size):
            root = roots[j]
            z = fit.slope * min(root * block.wide_reach[j], fit.last) - 1.0
            cube = root * root * root
            inverse = 1.0 / polynomial(fit.below[0], fit.below[1], z)
            Q = polynomial(fit.q[0], fit.q[1], z) * inverse
            share = polynomial(fit.p[0], fit.p[1], z) * inverse
            block.sum_p[j] += cube * share
            block.sum_v[j] += cube * Q
            Qs[j] = Q
    for j in range(size):
        block.p[j], block.v[j] = block.sum_p[j], block.sum_v[j]


@fast_njit
def _step(block, size):
    """Move F; return in how many rows it or log x moved by more than the tolerance."""
    n_moving = 0
    for j in range(size):
        # The sum of the P is q times `found / sought`: log as 2 (x - 1) / (x + 1).
        found, sought = block.lead_x[j] * block.p[j], block.growth[j]
        pull = block.lead_v[j] * block.p[j]
        step = _TWO * (found - sought) * pull
        step /= (found + sought) * (pull + block.v[j])
        F = min(block.F[j] + step, block.limit[j])
        step = F - block.F[j]
        block.F[j], block.step[j] = F, step
        # dq = q dF, and dlog x of the lead is that of all.
        n_moving += abs(step) > _TOLERANCE * min(block.lead_v[j], _ONE)
    return n_moving


@fast_njit
def _solve(block, fit, size):
    """Find F; Q is left where the last step began."""
    _follow(block, fit, size)
    _evaluate_roughly(block, fit, size)
    _step(block, size)
    for _ in range(_MAX_STEPS):
        _follow(block, fit, size)
        _evaluate(block, fit, size)
        if _step(block, size) == 0:
            break


@fast_njit
def _finish_lead(block, fit, size):
    """The lead's m, and the last step as one of log x."""
    for j in range(size):
        step, p = block.step[j], block.p[j]
        shift = -step / block.lead_v[j]
        v, _, _ = _lead_v(fit, block.q[j] * (1.0 + step * (1.0 + 0.5 * step)))
        block.step[j] = shift
        # q / x_next by its sum: it hardly depends on F.
        block.lead_m[j] = v * (p + (block.v[j] - p) * shift)


@fast_njit
def _bend(fit, z):
    """d log Q / d log x, to 1e-3."""
    above, below = fit.bend
    return polynomial(above[0], above[1], z) / polynomial(below[0], below[1], z) - _TWO


@fast_njit
def _finish(block, fit, alpha, scale, size):
    """m of each class, their sums; B / sum(m); what m (1 - sigma) is multiplied by."""
    slope, last = np.float32(fit.slope), np.float32(fit.last)
    for j in range(size):
        block.others[j] = np.float32(0.0)
        block.rest[j] = block.lead_m[j]
    for k in range(block.root.shape[0]):
        a, ratios, Qs, roots = (
            np.float32(alpha[k]),
            block.ratio[k],
            block.Q[k],
            block.root[k],
        )
        for j in range(size):
            z = slope * min(roots[j] * block.reach[j], last) - _ONE
            Q = Qs[j] * (_ONE + _bend(fit, z) * block.step[j])
            m = ratios[j] * Q
            leads = block.lead[j] == np.float32(k)
            # What rounding the sum of the others loses goes to the rest.
            before = block.others[j]
            others = before + m
            part = others - before
            block.rest[j] += (before - (others - part)) + (m - part)
            block.others[j] = others
            Qs[j] = block.lead_m[j] if leads else m
            Q = block.lead_m[j] * block.ahead[j] if leads else Q
            block.B[j] = a * Q if block.y[j] == np.float32(k) else block.B[j]
    scale = np.float32(scale)
    for j in range(size):
        inverse = scale / (block.others[j] + block.rest[j])
        block.B[j] *= inverse
        block.eta[j] *= inverse


@fast_njit
def _derivatives(block, k, factor, floor, mask, weights, size):
    k_single, factor, floor = np.float32(k), np.float32(factor), np.float32(floor)
    ms, gradients, hessians = block.Q[k], block.gradient[k], block.hessian[k]
    for j in range(size):
        m, true = ms[j], block.y[j] == k_single
        rest = (block.others[j] - m) + block.rest[j]
        rest = block.others[j] if block.lead[j] == k_single else rest
        g = block.B[j] * (rest if true else m)
        h = max(factor * (block.eta[j] * m * rest), floor * g)
        gradients[j] = rounded(-g if true else g, mask)
        hessians[j] = rounded(h, mask)
    if weights.size:
        for j in range(size):
            gradients[j] *= weights[j]
            hessians[j] *= weights[j]


def _copy_out(block, gradient, hessian, first, size):
    """Fill rows of the outputs in their memory order."""
    raise NotImplementedError


@overload(_copy_out, jit_options={"forceinline": True})
def _copy_out_overload(block, gradient, hessian, first, size):
    def by_class(block, gradient, hessian, first, size):
        for k in range(gradient.shape[1]):
            last = first + size
            gradients, hessians = gradient.T[k][first:last], hessian.T[k][first:last]
            for j in range(size):
                gradients[j] = block.gradient[k, j]
            for j in range(size):
                hessians[j] = block.hessian[k, j]

    def by_row(block, gradient, hessian, first, size):
        # The other way round, LLVM would scatter each register.
        for j in range(size):
            for k in range(gradient.shape[1]):
                gradient[first + j, k] = block.gradient[k, j]
                hessian[first + j, k] = block.hessian[k, j]

    return by_class if gradient.layout == "F" else by_row


@kernel
def softmax_step(
    y,
    raw,
    sample_weight,
    fit,
    alpha,
    factor,
    floor,
    scale,
    mask,
    gradient,
    hessian,
    start,
    stop,
):
    """Fill gradient and hessian; an empty array of weights, and a mask, are a must."""
    use_wide_vectors()
    block, log_alpha = _new_block(raw.shape[1]), np.log(alpha)
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        size = last - first
        _load(block, y, raw, log_alpha, first, last)
        _sum_exponentials(block, alpha, size)
        _start(block, fit, size)
        _solve(block, fit, size)
        _finish_lead(block, fit, size)
        _finish(block, fit, alpha, scale, size)
        weights = sample_weight[first:last]
        for k in range(raw.shape[1]):
            _derivatives(block, k, factor, floor, mask, weights, size)
        _copy_out(block, gradient, hessian, first, size)
