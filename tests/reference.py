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


def posterior_log_odds(z, gamma, alpha):
    """log(eta_k / eta_last) of each class but the last, at z with z_last = 0."""
    top = max(0, *z)
    e = [mp.exp(v - top) for v in (*z, mp.mpf(0))]
    total = mp.fsum(e)
    p = [v / total for v in e]
    not_p = [mp.fsum(e[:k] + e[k + 1 :]) / total for k in range(len(e))]
    eta = posterior(p, not_p, gamma, alpha)
    return [mp.log(v) - mp.log(eta[-1]) for v in eta[:-1]]


def posterior_link(t, u, gamma, alpha, start):
    """Loss, gradient and Hessian by u, the log-odds of the classes' probabilities.

    The focal z behind u is found by mpmath's root finder from ``start``. Derivatives by
    z follow from those of the loss of p alone, those of the link are mpmath's numerical
    ones, and the rules for implicit functions do the rest. The last entry of u and
    start is that of the reference class.
    """
    n = len(u) - 1
    target = [exact(v) - exact(u[-1]) for v in u[:-1]]
    guess = [exact(v) - exact(start[-1]) for v in start[:-1]]

    def link(*z):
        return posterior_log_odds(z, gamma, alpha)

    def excess(*z):
        return [a - b for a, b in zip(link(*z), target, strict=True)]

    z = list(mp.findroot(excess, guess if n > 1 else guess[0], solver="mdnewton"))
    orders = [tuple(int(i == k) for i in range(n)) for k in range(n)]

    def partial(k, *directions):
        order = [sum(orders[d][i] for d in directions) for i in range(n)]
        point, order = (z, order) if n > 1 else (z[0], order[0])
        return mp.diff(lambda *v: link(*v)[k], tuple(z) if n > 1 else point, order)

    jacobian = mp.matrix([[partial(k, i) for i in range(n)] for k in range(n)])
    inverse = jacobian**-1
    value, first, second = loss_by_z(t, z, gamma[t])
    by_u = inverse.T * mp.matrix(first)
    bent = mp.matrix(second)
    for k in range(n):
        curved = [[partial(k, i, j) for j in range(n)] for i in range(n)]
        bent -= by_u[k] * mp.matrix(curved)
    hessian = inverse.T * bent * inverse
    scale = exact(alpha[t])
    to_all = mp.matrix([*mp.eye(n).tolist(), [-1] * n])
    return (
        scale * value,
        list(scale * (to_all * by_u)),
        (scale * (to_all * hessian * to_all.T)).tolist(),
    )


def loss_by_z(t, z, gamma):
    """Loss and its derivatives by the z of every class but the last, whose z is 0."""
    top = max(0, *z)
    e = [mp.exp(v - top) for v in (*z, mp.mpf(0))]
    total = mp.fsum(e)
    p = [v / total for v in e]
    not_p = mp.fsum(e[:t] + e[t + 1 :]) / total
    value, first, second = derivatives_by_probability(p[t], not_p, exact(gamma))
    classes = range(len(z))
    slope = [p[t] * (not_p if k == t else -p[k]) for k in classes]
    bend = [
        [
            slope[k] * slope[m] / p[t] - p[t] * p[k] * ((1 if k == m else 0) - p[m])
            for m in classes
        ]
        for k in classes
    ]
    hessian = [
        [second * slope[k] * slope[m] + first * bend[k][m] for m in classes]
        for k in classes
    ]
    return value, [first * d for d in slope], hessian


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
