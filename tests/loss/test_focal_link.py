import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skfocal import FocalLoss
from tests import reference

GAMMAS = [(0, 0), (0.3, 0.3), (2, 2), (7, 7), (0, 3), (5, 0.5)]
ALPHAS = [(1, 1), (0.75, 0.25), (1, 1e3)]
MARGINS = [
    -700,
    -350.3,
    -100.7,
    -30,
    -3.3,
    -0.01,
    0,
    1e-9,
    0.7,
    5,
    36.6,
    37.9,
    200,
    700,
]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("gamma", GAMMAS)
def test_binary_posterior_is_exact(gamma, alpha):
    got = FocalLoss(gamma, alpha).predict_proba(MARGINS)
    for row, z in zip(got, MARGINS, strict=True):
        with mp.workdps(reference.DIGITS):
            p, q = reference.softmax_terms([0.0, z])
            expected = reference.posterior(p, q, gamma, alpha)
        assert reference.relative_error(row, expected) <= 1e-12


def test_softmax_posterior_is_exact():
    rng = np.random.default_rng(0)
    for _ in range(100):
        k = rng.integers(3, 6)
        z = np.clip(rng.normal(size=k) * 10 ** rng.uniform(-2, 2.8), -700, 700)
        gamma = rng.choice([0, 0.3, 1, 2, 7], k)
        alpha = 10 ** rng.uniform(-2, 2, k)
        got = FocalLoss(gamma, alpha).predict_proba(z[None])[0]
        with mp.workdps(2 * reference.DIGITS):
            p, not_p = reference.softmax_terms(z)
            expected = reference.posterior(p, not_p, gamma, alpha)
        assert reference.relative_error(got, expected) <= 1e-12


@pytest.mark.parametrize("gamma", [0.0, 0.2, 1.0, 2.0, 7.0, 40.0])
def test_binary_posterior_is_strictly_increasing(gamma):
    z = np.linspace(-700, 700, 2001) / (1 + gamma)
    proba = FocalLoss(gamma, alpha=0.2).predict_proba(z)
    # Next to 1 the complement carries the order.
    assert (np.diff(proba[z < 0, 1]) > 0).all()
    assert (np.diff(proba[z > 0, 0]) < 0).all()


def test_posterior_saturates_in_the_right_direction_at_700():
    proba = FocalLoss(2.0).predict_proba([-700.0, 700.0])
    assert_array_equal(proba, [[1.0, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, (1.0, 4.0)])
@pytest.mark.parametrize("alpha", [None, 0.25, (3.0, 0.1)])
def test_expected_loss_is_least_at_the_raw_prediction_of_the_posterior(gamma, alpha):
    loss = FocalLoss(gamma, alpha)
    z = np.linspace(-6, 6, 13)
    eta = loss.predict_proba(z)
    gradient = [loss.gradient(np.full(13, k), z) for k in (0, 1)]
    expected = eta[:, 0] * gradient[0] + eta[:, 1] * gradient[1]
    assert_allclose(expected, 0.0, atol=1e-15)


def test_expected_softmax_loss_is_least_at_the_raw_prediction_of_the_posterior():
    loss = FocalLoss((0.5, 2.0, 3.0), alpha=(1.0, 0.2, 7.0))
    raw = np.random.default_rng(0).normal(scale=3, size=(20, 3))
    eta = loss.predict_proba(raw)
    total = sum(eta[:, [k]] * loss.gradient(np.full(20, k), raw) for k in range(3))
    assert_allclose(total, 0.0, atol=1e-14)


def test_without_focus_and_alpha_the_posterior_is_the_softmax():
    raw = np.random.default_rng(0).normal(scale=5, size=(20, 4))
    softmax = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    assert_allclose(FocalLoss(0.0).predict_proba(raw), softmax, rtol=1e-13)


def test_without_focus_the_posterior_undoes_alpha():
    z = np.array([-2.0, 0.0, 3.0])
    odds = np.divide(*FocalLoss(0.0, alpha=0.8).predict_proba(z).T[::-1])
    assert_allclose(odds, np.exp(z) * 0.2 / 0.8)


def test_float32_stays_float32():
    raw = np.linspace(-20, 20, 9, dtype=np.float32)
    proba = FocalLoss(2.0).predict_proba(raw)
    assert proba.dtype == np.float32
    assert_allclose(proba, FocalLoss(2.0).predict_proba(raw.astype(float)), rtol=1e-7)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("gamma", [*GAMMAS, (0.01, 0.01), (50, 50), (0, 30)])
def test_raw_from_proba_inverts_binary(gamma, alpha):
    loss = FocalLoss(gamma, alpha)
    # Two columns keep the digits of a probability next to 1.
    z = np.linspace(-30, 30, 61) / (1 + max(gamma))
    assert_allclose(loss.raw_from_proba(loss.predict_proba(z)), z, rtol=1e-9, atol=1e-9)
    proba = np.array([1e-300, 1e-9, 0.2, 0.5, 1 - 1e-9])
    assert_allclose(
        loss.predict_proba(loss.raw_from_proba(proba))[:, 1], proba, rtol=1e-11
    )


@pytest.mark.parametrize(
    "gamma",
    [(0,) * 3, (0.01,) * 3, (0.3,) * 3, (2,) * 3, (7,) * 3, (0, 3, 1), (5, 0.5, 0)],
)
def test_raw_from_proba_inverts_softmax(gamma):
    loss = FocalLoss(gamma, alpha=(0.9, 0.1, 3.0))
    raw = (
        np.random.default_rng(0).normal(size=(30, 3)) * np.logspace(-2, 1, 30)[:, None]
    )
    raw -= raw.mean(axis=1, keepdims=True)
    proba = loss.predict_proba(raw)
    assert_allclose(loss.raw_from_proba(proba), raw, rtol=1e-8, atol=1e-9)


@given(
    st.tuples(*[st.floats(0, 30, allow_subnormal=False)] * 2),
    st.floats(1e-6, 1 - 1e-6),
    st.floats(1e-12, 1 - 1e-12),
)
def test_raw_from_proba_finds_every_root(gamma, alpha, proba):
    loss = FocalLoss(gamma, alpha)
    raw = loss.raw_from_proba([proba])
    assert_allclose(loss.predict_proba(raw)[:, 1], proba, rtol=1e-9)


@given(
    st.tuples(*[st.floats(0, 10, allow_subnormal=False)] * 3),
    st.tuples(*[st.floats(1e-3, 1e3)] * 3),
    st.tuples(*[st.floats(1e-6, 1)] * 3),
)
def test_softmax_start_value_reproduces_every_prior(gamma, alpha, weight):
    loss = FocalLoss(gamma, alpha)
    start = loss.fit_intercept_only([0, 1, 2], weight)
    expected = np.array(weight) / np.sum(weight)
    assert_allclose(loss.predict_proba([start])[0], expected, rtol=1e-9)


@pytest.mark.parametrize("link", ["focal", "posterior"])
@pytest.mark.parametrize("gamma", [50.0, 200.0, 1000.0, 1e5])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_huge_gammas_overflow_nowhere(gamma, link, n_classes):
    loss = FocalLoss(gamma, link=link)
    y = np.repeat(np.arange(n_classes), [6, 3, 1][:n_classes])
    share = np.bincount(y) / len(y)
    start = np.array([loss.fit_intercept_only(y)])
    assert_allclose(loss.predict_proba(start)[0], share, rtol=1e-9)
    proba = FocalLoss(0.0).predict_proba(
        np.random.default_rng(0).normal(size=(20, *start.shape[1:])) * 9.0
    )
    raw = loss.raw_from_proba(proba[:, 1] if n_classes == 2 else proba)
    assert_allclose(loss.predict_proba(raw), proba, rtol=1e-6, atol=1e-12)
