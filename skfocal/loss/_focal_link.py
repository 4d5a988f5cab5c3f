"""Raw prediction <-> class probability, and the constant that fits a class prior.

The conditional risk of the focal loss is least where the raw prediction gives

    eta_k  ~  p_k / (alpha_k phi_k(p_k)),
    phi_k(v) = (1 - v)**gamma_k - gamma_k (1 - v)**(gamma_k - 1) v log v

(Charoenphakdee et al., arXiv 2011.09172), p being the softmax of the raw prediction z.
All is done in terms of u_k = logit p_k, through one increasing function per class,

    G(u) = log p - log phi(p)
         = -softplus(-u) + gamma softplus(u) - log(1 + gamma r(u)),  r = -p log(p) / q.

`gamma` and `alpha` are float64 arrays with one entry per class.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import elementwise
from scipy.special import expit, log_expit, logsumexp

__all__ = [
    "binary_log_proba",
    "binary_proba",
    "raw_from_log_proba",
    "softmax_log_proba",
    "softmax_proba",
]

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]


def _softplus(u: FloatArray) -> FloatArray:
    return -log_expit(-u)


def _surprise_ratio(u: FloatArray) -> FloatArray:
    """r(u) = -p log(p) / q = exp(u) softplus(-u): from 0 at u = -inf to 1 at inf."""
    t = np.exp(-np.abs(u))
    soft = np.log1p(t)
    above = np.divide(soft, t, out=np.ones_like(t), where=t > 0)
    return np.where(u < 0, t * (soft - u), above)


def _log_proba_over_phi(u: FloatArray, gamma: FloatArray) -> FloatArray:
    """G(u) = log p - log phi(p) at p = expit(u), an increasing function of u."""
    return log_expit(u) + gamma * _softplus(u) - np.log1p(gamma * _surprise_ratio(u))


def _binary_log_odds(z: FloatArray, gamma: FloatArray, alpha: FloatArray) -> FloatArray:
    """Logit eta = G_1(z) - G_0(-z) - log(alpha_1 / alpha_0).

    Written as (1 + gamma) z + ..., with the gamma of the class that z favours, so that
    the large terms of G_1 and G_0 never cancel.
    """
    slope = 1.0 + np.where(z < 0, gamma[0], gamma[1])
    bend = (gamma[1] - gamma[0]) * np.log1p(np.exp(-np.abs(z)))
    correction = np.log1p(gamma[0] * _surprise_ratio(-z))
    correction -= np.log1p(gamma[1] * _surprise_ratio(z))
    return slope * z + bend + correction - np.log(alpha[1] / alpha[0])


def binary_proba(z: FloatArray, gamma: FloatArray, alpha: FloatArray) -> FloatArray:
    """Posterior (n, 2) of binary raw predictions (n,)."""
    u = _binary_log_odds(z, gamma, alpha)
    return np.column_stack([expit(-u), expit(u)])


def binary_log_proba(z: FloatArray, gamma: FloatArray, alpha: FloatArray) -> FloatArray:
    """Logarithm of the posterior (n, 2) of binary raw predictions (n,)."""
    u = _binary_log_odds(z, gamma, alpha)
    return np.column_stack([log_expit(-u), log_expit(u)])


def _logit_of_each_class(z: FloatArray) -> FloatArray:
    """u_k = z_k - log(sum of exp(z_j), j != k), right where p_k is next to 0 or 1."""
    rows, top = np.arange(len(z)), z.argmax(axis=1)
    z_top = z[rows, top]
    below_top = z - z_top[:, None]
    below_top[rows, top] = -np.inf
    log_rest = logsumexp(below_top, axis=1)
    # The others of a class k != top sum to at least exp(z_top): no cancellation.
    others = np.exp(log_rest)[:, None] - np.exp(below_top)
    u = below_top - np.log1p(others)
    u[rows, top] = -log_rest
    return u


def softmax_log_proba(
    z: FloatArray, gamma: FloatArray, alpha: FloatArray
) -> FloatArray:
    """Logarithm of the posterior (n, K) of softmax raw predictions (n, K)."""
    log_eta = _log_proba_over_phi(_logit_of_each_class(z), gamma) - np.log(alpha)
    return log_eta - logsumexp(log_eta, axis=1, keepdims=True)


def softmax_proba(z: FloatArray, gamma: FloatArray, alpha: FloatArray) -> FloatArray:
    """Posterior (n, K) of softmax raw predictions (n, K)."""
    return np.exp(softmax_log_proba(z, gamma, alpha))


_LEAST_GAMMA = 1e-300


def _find_root(
    function: Callable[..., FloatArray],
    bracket: tuple[FloatArray, FloatArray],
    args: tuple[Any, ...],
) -> FloatArray:
    # SciPy's interpolation takes the root of a rounded negative number, then bisects.
    with np.errstate(invalid="ignore"):
        return elementwise.find_root(function, bracket, args=args).x


def _binary_raw(
    log_odds: FloatArray, gamma: FloatArray, alpha: FloatArray
) -> FloatArray:
    def excess(z: FloatArray, target: FloatArray) -> FloatArray:
        return _binary_log_odds(z, gamma, alpha) - target

    # The slope of logit eta in z is above 1/2 everywhere: the root is within the reach.
    reach = 2.0 * np.abs(excess(np.zeros_like(log_odds), log_odds)) + 1.0
    return _find_root(excess, (-reach, reach), args=(log_odds,))


def _logit_from_log_proba_over_phi(value: FloatArray, gamma: FloatArray) -> FloatArray:
    """The inverse of G: u, or inf where gamma = 0 and value >= 0 is out of reach."""

    def excess(u: FloatArray, value: FloatArray, gamma: FloatArray) -> FloatArray:
        return _log_proba_over_phi(u, gamma) - value

    # Below it, high would overflow; a smaller gamma changes no digit next to 0.
    focal = gamma > _LEAST_GAMMA
    safe_gamma = np.where(focal, gamma, 1.0)
    # G(u) <= u + gamma log 2 for u < 0; G(u) >= gamma u - log(2 + 2 gamma) for u > 0.
    low = np.minimum(0.0, value - safe_gamma * np.log(2.0)) - 1.0
    high = np.maximum(0.0, (value + np.log(2.0 + 2.0 * safe_gamma)) / safe_gamma) + 1.0
    root = _find_root(excess, (low, high), args=(value, safe_gamma))
    # Out of reach, from 0 on, it is inf, and exp would overflow.
    reachable = np.minimum(value, 0.0)
    with np.errstate(divide="ignore"):
        log_loss_root = reachable - np.log(-np.expm1(reachable))
    return np.where(focal, root, log_loss_root)


def _softmax_raw(
    log_eta: FloatArray, gamma: FloatArray, alpha: FloatArray
) -> FloatArray:
    """Solve G_k(u_k) = log(alpha_k eta_k) + const with sum of expit(u_k) = 1, by row.

    The unknown is the u of the row's leading class; the others follow from it.
    """
    log_cost = log_eta + np.log(alpha)
    n_rows, n_classes = log_cost.shape
    lead = log_cost.argmax(axis=1)
    others = np.array([np.delete(np.arange(n_classes), k) for k in lead])
    rows = np.arange(n_rows)
    gap = log_cost[rows[:, None], others] - log_cost[rows, lead][:, None]

    def logit_of_others(u_lead: FloatArray, row: IntArray) -> FloatArray:
        value = _log_proba_over_phi(u_lead, gamma[lead[row]])
        return _logit_from_log_proba_over_phi(
            gap[row] + value[..., None], gamma[others[row]]
        )

    def excess(u_lead: FloatArray, row: IntArray) -> FloatArray:
        log_others = logsumexp(log_expit(logit_of_others(u_lead, row)), axis=-1)
        return log_others - log_expit(-u_lead)

    start = np.zeros(n_rows)
    bracket = elementwise.bracket_root(excess, start - 1.0, start + 1.0, args=(rows,))
    u_lead = _find_root(excess, bracket.bracket, args=(rows,))
    z = np.empty_like(log_cost)
    z[rows, lead] = log_expit(u_lead)
    z[rows[:, None], others] = log_expit(logit_of_others(u_lead, rows))
    return z - z.mean(axis=1, keepdims=True)


def raw_from_log_proba(
    log_eta: FloatArray, gamma: FloatArray, alpha: FloatArray
) -> FloatArray:
    """Raw prediction whose posterior is exp(log_eta), rows of (n, K).

    Two classes give log-odds (n,), more give (n, K) with rows that sum to 0.
    """
    if log_eta.shape[1] == 2:
        return _binary_raw(log_eta[:, 1] - log_eta[:, 0], gamma, alpha)
    return _softmax_raw(log_eta, gamma, alpha)
