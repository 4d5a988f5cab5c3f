"""The posterior link, one class at a time: scalar functions for its kernels.

With s the log-odds of a class's focal probability p, q = 1 - p, L = -log p and
phi(p) = q**gamma - gamma q**(gamma - 1) p log p,

    G(s) = log p - log phi(p) = -L - gamma log q - log(1 + gamma t),  t = p L / q

is one increasing function per class. The class probabilities eta = softmax(u) that the
focal probabilities stand for satisfy

    G_k(s_k) = log(alpha_k eta_k) + c,

with the scalar c for which the p_k sum to 1 (Charoenphakdee et al., arXiv 2011.09172).
Since dt/ds = t - p, all derivatives of G are rational in p, q, t and d = t - p.
"""

from skfocal._compute.compiling import fast_njit
from skfocal._compute.fastmath import log1p

__all__ = [
    "STEP_TOLERANCE",
    "link_bend",
    "link_decay",
    "link_slope",
    "link_value",
    "surprise_terms",
]

# Newton's method squares the error: after a step this small nothing is left of it.
STEP_TOLERANCE = 1e-8

# (L - q) / q = q / 2 + q**2 / 3 + ..., of which 13 terms are enough below 1 / 16.
_LAST_TERM = 1.0 / 14.0


@fast_njit
def surprise_terms(p, q, L):
    """t = p L / q, from 0 at s = -inf to 1 at inf, and d = t - p uncancelled."""
    high = _LAST_TERM
    high = high * q + 1.0 / 13.0
    high = high * q + 1.0 / 12.0
    high = high * q + 1.0 / 11.0
    high = high * q + 1.0 / 10.0
    high = high * q + 1.0 / 9.0
    high = high * q + 1.0 / 8.0
    high = high * q + 1.0 / 7.0
    high = high * q + 1.0 / 6.0
    high = high * q + 1.0 / 5.0
    high = high * q + 1.0 / 4.0
    high = high * q + 1.0 / 3.0
    series = (high * q + 0.5) * q
    excess = series if q < 0.0625 else (L - q) / q
    d = p * excess
    return p + d, d


@fast_njit
def link_value(log_q, L, gamma, t):
    """G(s)."""
    return -(L + gamma * log_q) - log1p(gamma * t)


@fast_njit
def link_slope(p, q, gamma, t, d):
    """dG/ds, positive: from 1 at s = -inf to gamma at inf."""
    return q + gamma * (p - d / (1.0 + gamma * t))


@fast_njit
def link_bend(p, q, gamma, t, d):
    """d2G/ds2."""
    curved = 1.0 + gamma * t
    bracket = (d - p * q) * curved - gamma * d * d
    return (gamma - 1.0) * p * q - gamma * bracket / (curved * curved)


@fast_njit
def link_decay(p, gamma, t, d):
    """-d log(gradient)/ds of the class's own loss: from 0 at s = -inf to 1 + gamma."""
    return (1.0 + gamma) * p - gamma * d / (1.0 + gamma * t)
