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
log(sum of P / q) = 0. With m_k = v_k / x_next, sigma = m / sum(m), the true class t and
eta = softmax(u),

    gradient = alpha_t Q_t (sigma - e_t),
    expected Hessian = (eta_next / alpha_next) m (1 - sigma).
"""

from collections import namedtuple

import numpy as np

from skfocal._compute.compiling import fast_njit, kernel, use_wide_vectors
from skfocal._compute.fastmath import exp, log
from skfocal.loss._step_kernels import polynomial, rounded

__all__ = ["SoftmaxFit", "softmax_step"]

# Pairs of tuples are the even and odd coefficients of polynomials. Of the others, in
# `slope` r - 1 for r the cube root of x, at most `last`: P / x and Q are `p` and `q`
# over `below`, and d log Q / d log x is `bend`. Of the lead, in `lead_slope` q - 1 for
# q at most `lead_last`: the cube root of x q**gamma and v / q are `root` and `v` over
# `lead_below`. The polynomials of the guess of F are in 2 exp(log q - F) - 1.
SoftmaxFit = namedtuple(
    "SoftmaxFit",
    "gamma, p, q, below, bend, slope, last, root, v, lead_below, lead_slope, "
    "lead_last, guess",
)

# Rows per block: enough for SIMD, few enough to stay in the L1 cache.
_BLOCK = 128
# The guess is right to 0.01, so that two steps are the rule.
_MAX_STEPS = 20
# Newton's method squares an error this small away, and Q follows along its tangent.
_TOLERANCE = 2e-4

# By class and row: w, later the cube root of exp(w - w_next), 0 for the lead; the
# argument of the polynomials; Q; m. The rest is by row. In one array with an axis for
# these four, what is written for a class lies between what is read for two: LLVM checks
# the whole range of each before the loop over the classes, and then does without SIMD.
_Block = namedtuple(
    "_Block",
    "root, z, Q, m, y, step, lead, w_lead, w_next, ahead, mean, s, base, limit, F, "
    "growth, reach, lead_v, lead_x, sum_p, sum_v, inverse_eta, shift, B, total, "
    "others, eta, first, second",
)


@fast_njit
def _new_block(n_classes):
    r = np.empty((25, _BLOCK))
    return _Block(
        np.empty((n_classes, _BLOCK)),
        np.empty((n_classes, _BLOCK)),
        np.empty((n_classes, _BLOCK)),
        np.empty((n_classes, _BLOCK)),
        *(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11]),
        *(r[12], r[13], r[14], r[15], r[16], r[17], r[18], r[19], r[20], r[21], r[22]),
        *(r[23], r[24]),
    )


@fast_njit
def _load(block, y, raw, log_alpha, first, last):
    """Copy labels and w; find the two largest w."""
    labels, size = y[first:last], last - first
    for j in range(size):
        block.y[j] = labels[j]
    block.w_lead[:size] = -np.inf
    block.w_next[:size] = -np.inf
    for k in range(block.root.shape[0]):
        column, ws = raw.T[k][first:last], block.root[k]
        # A loop of its own: a strided load would keep the comparisons from SIMD.
        for j in range(size):
            ws[j] = column[j] + log_alpha[k]
        for j in range(size):
            w, largest, second, lead = (
                ws[j],
                block.w_lead[j],
                block.w_next[j],
                block.lead[j],
            )
            larger = w > largest
            second = w if w > second else second
            block.w_next[j] = largest if larger else second
            block.w_lead[j] = w if larger else largest
            block.lead[j] = k if larger else lead


@fast_njit
def _sum_exponentials(block, alpha, size):
    """w to its root; their moments; the sum of exp(w - w_next) / alpha."""
    for j in range(size):
        block.mean[j] = 0.0
        block.s[j] = 0.0
        block.inverse_eta[j] = 0.0
    for k in range(block.root.shape[0]):
        roots, inverse = block.root[k], 1.0 / alpha[k]
        for j in range(size):
            leads = block.lead[j] == k
            root = exp(min(roots[j] - block.w_next[j], 0.0) * (1.0 / 3.0))
            root = 0.0 if leads else root
            cube = root * root * root
            roots[j] = root
            block.mean[j] += cube
            block.s[j] += cube * cube
            block.inverse_eta[j] += cube * inverse
            block.B[j] = inverse if leads else block.B[j]


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
    """Guess F; the arguments of exp are at most log(n_classes), where it is right."""
    rate, n_others = 1.0 / (1.0 + fit.gamma), block.root.shape[0] - 1.0
    log_last = np.log(fit.lead_last)
    for j in range(size):
        d, total = block.w_lead[j] - block.w_next[j], block.mean[j]
        concentration = block.s[j] / (total * total)
        mean = total / n_others
        log_mean = log(mean)
        log_s = (log_mean - d) * rate
        s = exp(log_s)
        z = 2.0 * s - 1.0
        F = _guess(fit, z, concentration, 1.0 / total)
        ahead = exp(-d)
        block.limit[j] = log_last - log_s
        block.base[j] = exp((d + fit.gamma * log_mean) * (rate * (-1.0 / 3.0)))
        block.F[j] = min(F, block.limit[j])
        block.mean[j], block.s[j], block.ahead[j] = mean, s, ahead
        # eta_next / (alpha_next exp(-d)) is what remains of it.
        block.eta[j] = ahead / (ahead * block.inverse_eta[j] + block.B[j])


@fast_njit
def _follow(block, fit, size):
    """What F makes of the lead; how many rows have moved by more than the tolerance."""
    n_moving = 0
    for j in range(size):
        F = block.F[j]
        e, third = exp(F), exp(F * (fit.gamma * (-1.0 / 3.0)))
        z = fit.lead_slope * min(block.s[j] * e, fit.lead_last) - 1.0
        inverse = 1.0 / polynomial(fit.lead_below[0], fit.lead_below[1], z)
        # The cube root of x_next over `base`, q over x_next, and v over q.
        reach = polynomial(fit.root[0], fit.root[1], z) * inverse * third
        shift = 3.0 * (reach / block.reach[j] - 1.0)
        block.growth[j] = block.mean[j] * e
        block.lead_x[j] = reach * reach * reach
        block.lead_v[j] = polynomial(fit.v[0], fit.v[1], z) * inverse
        block.reach[j], block.shift[j] = reach, shift
        n_moving += max(abs(block.step[j]), abs(shift)) > _TOLERANCE
    return n_moving


@fast_njit
def _evaluate(block, fit, size):
    """Sums of P / x_next and v / x_next over the others."""
    for j in range(size):
        block.sum_p[j] = 0.0
        block.sum_v[j] = 0.0
    for k in range(block.root.shape[0]):
        roots, zs, Qs = block.root[k], block.z[k], block.Q[k]
        for j in range(size):
            root = roots[j]
            r = min(root * (block.base[j] * block.reach[j]), fit.last)
            z = fit.slope * r - 1.0
            cube = root * root * root
            inverse = 1.0 / polynomial(fit.below[0], fit.below[1], z)
            Q = polynomial(fit.q[0], fit.q[1], z) * inverse
            share = polynomial(fit.p[0], fit.p[1], z) * inverse
            block.sum_p[j] += cube * share
            block.sum_v[j] += cube * Q
            zs[j], Qs[j] = z, Q


@fast_njit
def _step(block, size):
    for j in range(size):
        # The sum of the P is q times `found / sought`: log as 2 (x - 1) / (x + 1).
        found, sought = block.lead_x[j] * block.sum_p[j], block.growth[j]
        pull = block.lead_v[j] * block.sum_p[j]
        step = 2.0 * (found - sought) * pull
        step /= (found + sought) * (pull + block.sum_v[j])
        block.F[j] = min(block.F[j] + step, block.limit[j])
        block.step[j] = step


@fast_njit
def _solve(block, fit, size):
    """Find F; Q is left where the last step began, `shift` away in log x."""
    for j in range(size):
        # Infinitely far from what it will be.
        block.reach[j] = 0.0
        block.step[j] = 0.0
    for _ in range(_MAX_STEPS):
        if _follow(block, fit, size) == 0:
            break
        _evaluate(block, fit, size)
        _step(block, size)


@fast_njit
def _finish(block, fit, alpha, scale, size):
    """m of each class, their sums; B / sum(m); what m (1 - sigma) is multiplied by."""
    for j in range(size):
        m = block.lead_v[j] * block.growth[j] / block.lead_x[j]
        block.first[j] = m
        block.others[j] = 0.0
    for k in range(block.root.shape[0]):
        a, roots, zs = alpha[k], block.root[k], block.z[k]
        Qs, ms = block.Q[k], block.m[k]
        for j in range(size):
            bend = polynomial(fit.bend[0], fit.bend[1], zs[j])
            Q = Qs[j] * (1.0 + bend * block.shift[j])
            root, lead_m = roots[j], block.first[j]
            m = root * root * root * Q
            leads = block.lead[j] == k
            block.others[j] += m
            ms[j] = lead_m if leads else m
            Q = lead_m * block.ahead[j] if leads else Q
            block.B[j] = a * Q if block.y[j] == k else block.B[j]
    for j in range(size):
        total = block.others[j] + block.first[j]
        inverse = scale / total
        block.total[j] = total
        block.B[j] *= inverse
        block.eta[j] *= inverse


@fast_njit
def _write(block, k, factor, floor, mask, weights, gradients, hessians):
    size = gradients.size
    ms = block.m[k]
    for j in range(size):
        m, true = ms[j], block.y[j] == k
        rest = block.others[j] if block.lead[j] == k else block.total[j] - m
        g = block.B[j] * (rest if true else m)
        h = max(factor * (block.eta[j] * m * rest), floor * g)
        block.first[j] = rounded(-g if true else g, mask)
        block.second[j] = rounded(h, mask)
    # Loops of their own: a strided store would keep the arithmetic from SIMD.
    for j in range(size):
        gradients[j] = (weights[j] if weights.size else 1.0) * block.first[j]
    for j in range(size):
        hessians[j] = (weights[j] if weights.size else 1.0) * block.second[j]


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
        _load(block, y, raw, log_alpha, first, last)
        _sum_exponentials(block, alpha, last - first)
        _start(block, fit, last - first)
        _solve(block, fit, last - first)
        _finish(block, fit, alpha, scale, last - first)
        weights = sample_weight[first:last]
        for k in range(raw.shape[1]):
            gradients, hessians = gradient.T[k][first:last], hessian.T[k][first:last]
            _write(block, k, factor, floor, mask, weights, gradients, hessians)
