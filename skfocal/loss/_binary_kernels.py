"""Compiled binary focal loss in the focal link: one loop per task.

Notation and arguments are those of ``_kernel_terms``.
"""

import numpy as np

from skfocal._compute.compiling import fast_njit, kernel, use_wide_vectors
from skfocal._compute.fastmath import exp, log1p_unit
from skfocal.loss._kernel_terms import (
    margin_hessian,
    newton_weight,
    of_class,
    power_of,
    rows_of,
    weight_of,
)

__all__ = ["binary_focal", "margin_terms"]


@fast_njit
def margin_terms(s):
    """p, q, log q and L; nothing is subtracted from 1, so none loses digits."""
    e = exp(-abs(s))
    softplus = log1p_unit(e)
    likely = 1.0 / (1.0 + e)
    unlikely = e * likely
    hit = s >= 0.0
    p = likely if hit else unlikely
    q = unlikely if hit else likely
    L = softplus if hit else softplus - s
    log_q = -(softplus + s) if hit else -softplus
    return p, q, log_q, L


@fast_njit
def _margin_gradient(p, q, L, gamma, power):
    """dFL/ds = -q**gamma (gamma p L + q)."""
    return -power * (gamma * p * L + q)


@fast_njit
def _binary_terms(y, z, gamma):
    """p, q, L, gamma and q**gamma of the true class."""
    p, q, log_q, L = margin_terms(z if y > 0 else -z)
    true_gamma = of_class(gamma, y)
    return p, q, L, np.float64(true_gamma), power_of(q, log_q, true_gamma)


@fast_njit
def _binary_scale(y, sample_weight, i, alpha):
    return (alpha[1] if y > 0 else alpha[0]) * weight_of(sample_weight, i)


@kernel
def binary_focal(
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
    y, raw = y[start:stop], raw[start:stop]
    sample_weight = rows_of(sample_weight, start, stop)
    losses, gradients = rows_of(loss, start, stop), rows_of(gradient, start, stop)
    hessians = rows_of(hessian, start, stop)
    for i in range(y.size):
        p, q, L, g, power = _binary_terms(y[i], np.float64(raw[i]), gamma)
        scale = _binary_scale(y[i], sample_weight, i, alpha)
        ds = scale * _margin_gradient(p, q, L, g, power)
        if loss is not None:
            losses[i] = scale * power * L
        if gradient is not None:
            gradients[i] = ds if y[i] > 0 else -ds
        if hessian is not None:
            ds2 = scale * margin_hessian(p, q, L, g, power)
            hessians[i] = newton_weight(ds2, ds, factor, floor)
