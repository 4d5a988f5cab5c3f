"""The posterior link: digits against mpmath, and the identities that define it."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_expit, log_softmax, logit, softmax

from skfocal import FocalLoss
from tests import reference

RNG = np.random.default_rng(0)
LOG_ODDS = np.r_[-700.0, -80, -9, -3.1, -1, -1e-8, 0, 0.4, 2.7, 6, 31, 350, 700]


def posterior(gamma, alpha=None):
    return FocalLoss(gamma, alpha, link="posterior")


def outputs(loss, y, u):
    return loss.loss(y, u), *loss.gradient_hessian(y, u)


def digits(u):
    """Enough that the terms of the reference may cancel to exp(-|u|)."""
    return 50 + int(np.abs(u).max())


def check(loss, y, raw, gamma, alpha, start):
    """Compare one row's loss, gradient and Hessian diagonal with mpmath's."""
    got = [values[0] for values in outputs(loss, [y], raw[None])]
    rows = [np.atleast_1d(values) for values in (raw, start)]
    if raw.ndim == 0:
        rows = [np.append(0.0, values) for values in rows]
    # mpmath's reference class is the last one: let it be class 0 of two.
    order = [1, 0] if raw.ndim == 0 else range(len(raw))
    value, first, second = reference.posterior_link(
        list(order).index(y),
        *([rows[0][k] for k in order], [gamma[k] for k in order]),
        *([alpha[k] for k in order], [rows[1][k] for k in order]),
    )
    diagonal = [second[k][k] for k in range(len(second))]
    if raw.ndim == 0:
        first, diagonal = first[:1], diagonal[:1]
    scale = [max(abs(h), abs(g) / 1000) for h, g in zip(diagonal, first, strict=True)]
    assert reference.relative_error([got[0]], [value]) <= 1e-11
    assert reference.relative_error(np.atleast_1d(got[1]), first) <= 1e-11
    assert reference.relative_error(np.atleast_1d(got[2]), diagonal, scale) <= 1e-11


@pytest.mark.parametrize(
    ("gamma", "alpha"),
    [
        ((0.1, 0.1), (1.0, 1.0)),
        ((0.5, 0.5), (0.75, 0.25)),
        ((2.0, 2.0), (1.0, 1.0)),
        ((1.7, 1.7), (1.0, 1e3)),
        ((5.0, 0.5), (1.0, 1.0)),
        ((0.0, 3.0), (0.2, 4.0)),
        ((20.0, 20.0), (1.0, 1.0)),
    ],
)
def test_binary_is_exact_at_any_log_odds(gamma, alpha):
    loss = posterior(gamma, alpha)
    z = FocalLoss(gamma, alpha)._raw_from_log_proba(
        np.column_stack([log_expit(-LOG_ODDS), log_expit(LOG_ODDS)])
    )
    for u, start in zip(LOG_ODDS, z, strict=True):
        with mp.workdps(digits(u)):
            check(loss, 0, u, gamma, alpha, start)
            check(loss, 1, u, gamma, alpha, start)


ROWS = np.array(
    [
        [0.0, 0.0, 0.0],
        [1.0, -1.0, 0.3],
        [1e-6, 0.0, 0.0],
        [-4.0, 3.0, 2.9],
        [9.0, 1.0, -14.0],
        [60.0, 59.0, 0.0],
        [-100.0, 3.0, 170.0],
        [700.0, -1.0, 0.0],
    ]
)


@pytest.mark.parametrize(
    ("gamma", "alpha"),
    [
        ((0.3, 0.3, 0.3), (1.0, 1.0, 1.0)),
        ((2.0, 2.0, 2.0), (1.0, 0.2, 7.0)),
        ((0.0, 1.5, 20.0), (1.0, 1.0, 1.0)),
    ],
)
def test_softmax_is_exact_at_any_log_odds(gamma, alpha):
    loss = posterior(gamma, alpha)
    z = FocalLoss(gamma, alpha)._raw_from_log_proba(log_softmax(ROWS, axis=1))
    for i, (u, start) in enumerate(zip(ROWS, z, strict=True)):
        with mp.workdps(digits(u)):
            check(loss, i % 3, u, gamma, alpha, start)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0, 2.0, 5.0, 20.0, (0.5, 4.0)])
def test_float32_is_right_to_1e_6(gamma):
    u = np.r_[np.linspace(-80, 80, 33), np.linspace(-6, 6, 33)].astype(np.float32)
    rows = np.column_stack([u, -u / 3, u[::-1] / 2])
    for raw in (u, rows) if isinstance(gamma, float) else (u,):
        y, loss = np.arange(u.size) % 2, posterior(gamma)
        got = [*outputs(loss, y, raw), loss.expected_hessian(raw)]
        wide = raw.astype(np.float64)
        expected = [*outputs(loss, y, wide), loss.expected_hessian(wide)]
        for values, right in zip(got, expected, strict=True):
            assert values.dtype == np.float32
            normal = np.abs(right) > np.finfo(np.float32).tiny
            assert_allclose(values[normal], right[normal], rtol=1e-6)


GAMMAS = [0.0, 0.3, 2.0, 7.0, (0.5, 4.0)]
ALPHAS = [None, 0.2, (3.0, 0.1)]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_loss_is_that_of_the_focal_raw_prediction(gamma, alpha):
    focal, z = FocalLoss(gamma, alpha), np.linspace(-9, 9, 37)
    u = np.diff(focal.predict_log_proba(z), axis=1)[:, 0]
    for y in (0, 1):
        labels = np.full(z.size, y)
        got = posterior(gamma, alpha).loss(labels, u)
        assert_allclose(got, focal.loss(labels, z), rtol=1e-12)


def conditional(loss, eta, u):
    """Expected gradient and Hessian at u of labels of probabilities eta."""
    n, classes = len(u), range(eta.shape[1])
    terms = [loss.gradient_hessian(np.full(n, k), u) for k in classes]
    shares = eta.T if u.ndim == 1 else eta.T[:, :, None]
    return [sum(s * t[i] for s, t in zip(shares, terms, strict=True)) for i in (0, 1)]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_conditional_risk_is_least_at_the_log_odds(gamma, alpha):
    loss, u = posterior(gamma, alpha), np.linspace(-8, 8, 41)
    eta = np.column_stack([expit(-u), expit(u)])
    gradient, hessian = conditional(loss, eta, u)
    assert_allclose(gradient, 0.0, atol=1e-15 * max(1.0, np.max(loss.alpha or 1.0)))
    assert (hessian > 0).all()


def test_conditional_risk_is_least_at_the_log_probabilities():
    loss = posterior((0.5, 2.0, 3.0), (1.0, 0.2, 7.0))
    u = RNG.normal(scale=3, size=(50, 3))
    gradient, _ = conditional(loss, softmax(u, axis=1), u)
    assert_allclose(gradient, 0.0, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.3, 2.0, (0.5, 2.0, 4.0)])
def test_expected_hessian_is_the_derivative_of_the_conditional_gradient(gamma):
    loss, u = posterior(gamma, (1.0, 0.2, 7.0)), RNG.normal(scale=2, size=(30, 3))
    eta = softmax(u, axis=1)
    expected = loss.expected_hessian(u)
    for k, step in enumerate(1e-3 * np.eye(3)):
        ahead, behind = (conditional(loss, eta, u + s)[0] for s in (step, -step))
        assert_allclose((ahead - behind)[:, k] / 2e-3, expected[:, k], rtol=1e-4)
    assert_allclose(conditional(loss, eta, u)[1], expected, rtol=1e-10)


@pytest.mark.parametrize("link", ["focal", "posterior"])
@pytest.mark.parametrize("gamma", [0.0, 2.0, (0.5, 4.0)])
def test_binary_expected_hessian_is_that_of_labels_drawn_from_the_prediction(
    gamma, link
):
    loss, raw = FocalLoss(gamma, 0.3, link=link), np.linspace(-6, 6, 25)
    weight = np.linspace(1, 2, 25)
    expected = loss.expected_hessian(raw, weight)
    assert (expected > 0).all()
    _, hessian = conditional(loss, loss.predict_proba(raw), raw)
    assert_allclose(expected, weight * hessian, rtol=1e-11)


def test_gradient_is_a_positive_weight_times_the_error():
    loss, u = posterior(2.0), np.array([-60.0, -6.2, 0.0, 6.2, 60.0])
    weight = loss.gradient(np.zeros(5, int), u) / expit(u)
    assert_allclose(-loss.gradient(np.ones(5, int), u) / expit(-u), weight)
    assert_allclose(weight, weight[::-1])
    # At eta = .5, at eta = .002, and 1 / (1 + gamma) in the limit.
    assert_allclose(weight[2:], [0.22, 0.40, 1 / 3], atol=5e-3)
    assert weight[-1] == pytest.approx(1 / 3, rel=1e-6)
    assert_allclose(loss.expected_hessian(u), weight * expit(u) * expit(-u))


def test_alpha_tilts_the_weight():
    u, a0, a1 = np.linspace(-9, 9, 19), 0.3, 0.7
    y, eta = np.zeros(19, int), expit(u)
    shifted = posterior(1.5).gradient(y, u + np.log(a1 / a0)) / expit(
        u + np.log(a1 / a0)
    )
    tilt = a0 * a1 / (a1 * eta + a0 * (1 - eta))
    assert_allclose(posterior(1.5, 0.7).gradient(y, u), shifted * tilt * eta)


@pytest.mark.parametrize("shape", [(40,), (40, 3)])
def test_without_focus_and_alpha_both_links_are_one(shape):
    raw, y = RNG.normal(scale=5, size=shape), np.arange(40) % 2
    for got, expected in zip(
        outputs(posterior(0.0), y, raw), outputs(FocalLoss(0.0), y, raw), strict=True
    ):
        assert_array_equal(got, expected)


def test_probabilities_are_expit_and_softmax():
    u, rows = np.linspace(-30, 30, 13), RNG.normal(scale=9, size=(9, 4))
    loss = posterior(3.0, (1.0, 9.0))
    assert_allclose(loss.predict_proba(u)[:, 1], expit(u), rtol=1e-15)
    assert_allclose(loss.predict_log_proba(u)[:, 0], log_expit(-u), rtol=1e-15)
    many = posterior(3.0)
    assert_allclose(many.predict_proba(rows), softmax(rows, axis=1), rtol=1e-14)
    assert_allclose(many.predict_log_proba(rows), log_softmax(rows, axis=1))
    proba = np.array([0.01, 0.5, 0.97])
    assert_allclose(loss.raw_from_proba(proba), logit(proba), atol=1e-15)


def test_start_value_is_the_log_odds_of_the_prior():
    loss = posterior(2.0, 0.9)
    assert loss.fit_intercept_only([0, 0, 0, 1]) == pytest.approx(-np.log(3))
    many = posterior(2.0).fit_intercept_only([0, 1, 2, 2])
    assert_allclose(many, np.log([1, 1, 2]) - np.log([1, 1, 2]).mean())


def test_unknown_link():
    with pytest.raises(ValueError, match=r"link must be one of .*, got 'logit'"):
        FocalLoss(link="logit")


def test_link_is_part_of_the_identity():
    assert posterior(2.0) != FocalLoss(2.0)
    assert "posterior" in repr(posterior(2.0))
