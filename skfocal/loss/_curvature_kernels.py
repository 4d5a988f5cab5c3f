"""Products with the softmax Hessian of each row, in either link.

The kernels of the links write, per row, d = sigma - e_t (n_classes), a slope A with
gradient = A d, a bend and a spread r (n_classes), of which the Hessian is made,

    H = bend d d' + diag(r) - r sigma' - sigma r' + sum(r) sigma sigma' .

In the focal link sigma is p and r is A p. No exponential is needed again.
"""

import numpy as np

from skfocal._compute.compiling import fast_njit, kernel

__all__ = ["softmax_curvature_pairs", "softmax_curvature_product"]


@fast_njit
def _sigma(d, t, k):
    return d[k] + 1.0 if k == t else d[k]


@fast_njit
def _top(d, t):
    top = 0
    for k in range(1, d.size):
        top = k if _sigma(d, t, k) > _sigma(d, t, top) else top
    return top


@kernel
def softmax_curvature_product(y, deviation, bend, spread, vector, product, start, stop):
    for i in range(start, stop):
        t, d, r, v = np.int64(y[i]), deviation[i], spread[i], vector[i]
        # H 1 = 0: v - v_top gives the same product, and no digit is lost where sigma of
        # the top class is nearly 1.
        v_top = v[_top(d, t)]
        mean, along, total = 0.0, 0.0, 0.0
        for k in range(d.size):
            mean += _sigma(d, t, k) * (v[k] - v_top)
            along += d[k] * (v[k] - v_top)
        for k in range(d.size):
            total += r[k] * (v[k] - v_top - mean)
        for k in range(d.size):
            moved = r[k] * (v[k] - v_top - mean) - _sigma(d, t, k) * total
            product[i, k] = bend[i] * d[k] * along + moved


@kernel
def softmax_curvature_pairs(y, deviation, bend, spread, pairs, start, stop):
    """H_kl of the pairs k < l, one row of `pairs` each."""
    for i in range(start, stop):
        t, d, r = np.int64(y[i]), deviation[i], spread[i]
        total = r.sum()
        pair = 0
        for k in range(d.size - 1):
            sigma_k = _sigma(d, t, k)
            for m in range(k + 1, d.size):
                sigma_m = _sigma(d, t, m)
                shared = total * sigma_k * sigma_m - r[k] * sigma_m - r[m] * sigma_k
                pairs[pair, i] = bend[i] * d[k] * d[m] + shared
                pair += 1
