"""The focal loss in mpmath, derived another way than in the package.

The loss is f(p) = -q**gamma log p of the true class's probability p alone, and the
chain rule with the derivatives of expit or softmax does the rest. Its terms cancel at
large margins, hence hundreds of digits.
"""

import mpmath as mp
import numpy as np

DIGITS = 700


def exact(x):
    return mp.mpf(float(x))


def derivatives_by_probability(p, q, gamma):
    """f, f' and f'' at p, with q = 1 - p given."""
    log_p = mp.log1p(-q) if q < 0.5 else mp.log(p)
    value = -(q**gamma) * log_p
    first = -(q**gamma) / p
    second = q**gamma / p**2
    if gamma != 0:
        first += gamma * q ** (gamma - 1) * log_p
        second += 2 * gamma * q ** (gamma - 1) / p
        second -= gamma * (gamma - 1) * q ** (gamma - 2) * log_p
    return value, first, second


def binary(y, z, gamma):
    """Loss, gradient and Hessian of one sample, unweighted."""
    with mp.workdps(DIGITS):
        s, gamma = exact(z if y else -z), exact(gamma)
        p, q = 1 / (1 + mp.exp(-s)), 1 / (1 + mp.exp(s))
        value, first, second = derivatives_by_probability(p, q, gamma)
        gradient = first * p * q
        hessian = second * (p * q) ** 2 + first * p * q * (q - p)
        return value, (gradient if y else -gradient), hessian


def softmax_terms(z):
    """p_k and 1 - p_k of each class."""
    top = max(z)
    e = [mp.exp(exact(v) - exact(top)) for v in z]
    total = mp.fsum(e)
    others = [mp.fsum(e[:k] + e[k + 1 :]) for k in range(len(e))]
    return [v / total for v in e], [v / total for v in others]


def softmax(t, z, gamma):
    """Loss, gradient (list) and Hessian (list of lists) of one sample, unweighted."""
    with mp.workdps(2 * DIGITS):
        p, not_p = softmax_terms(z)
        value, first, second = derivatives_by_probability(p[t], not_p[t], exact(gamma))
        classes = range(len(z))
        slope = [p[t] * (not_p[t] if k == t else -p[k]) for k in classes]
        hessian = [
            [
                second * slope[k] * slope[m]
                + first
                * (
                    slope[k] * slope[m] / p[t]
                    - p[t] * p[k] * ((1 if k == m else 0) - p[m])
                )
                for m in classes
            ]
            for k in classes
        ]
        return value, [first * d for d in slope], hessian


def posterior(p, not_p, gamma, alpha):
    """eta_k ~ p_k / (alpha_k phi_k(p_k))."""
    eta = []
    for v, w, g, a in zip(p, not_p, gamma, alpha, strict=True):
        g = exact(g)
        log_v = mp.log1p(-w) if w < 0.5 else mp.log(v)
        phi = w**g - (g * w ** (g - 1) * v * log_v if g else 0)
        eta.append(v / (exact(a) * phi))
    total = mp.fsum(eta)
    return [v / total for v in eta]


def relative_error(got, expected, scale=None):
    """Largest error over pairs, relative to |expected| or to the given scale.

    Pairs are left out whose expected value underflows in float64.
    """
    worst = 0.0
    scale = expected if scale is None else scale
    for g, e, s in zip(got, expected, scale, strict=True):
        assert np.isfinite(g)
        if abs(s) > np.finfo(np.float64).tiny:
            worst = max(worst, float(abs((exact(g) - e) / s)))
    return worst
