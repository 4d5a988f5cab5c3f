"""Values and derivatives against mpmath. The posterior is in test_focal_link.py."""

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skfocal import FocalLoss
from tests import reference

GAMMAS = [0.0, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0]
RNG = np.random.default_rng(0)
MARGINS = np.r_[
    np.linspace(-700, 700, 29),
    np.linspace(-40, 40, 41),
    # where the Hessian crosses zero
    np.linspace(-4.2, -2.2, 41),
    RNG.normal(scale=3, size=40),
    [1e-300, -1e-300, 1e-8, -1e-8],
]


def binary_reference(y, z, gamma):
    return zip(*(reference.binary(y, v, gamma) for v in z), strict=True)


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_binary_is_exact_at_every_margin(gamma, y):
    small = np.abs(gamma * MARGINS) <= 100
    for z, bound in [(MARGINS[small], 1e-13), (MARGINS[~small], 2e-13)]:
        if not z.size:
            continue
        labels = np.full(z.size, y)
        loss, (gradient, hessian) = (
            FocalLoss(gamma).loss(labels, z),
            FocalLoss(gamma).gradient_hessian(labels, z),
        )
        value, first, second = binary_reference(y, z, gamma)
        scale = [max(abs(h), abs(g) / 1000) for g, h in zip(first, second, strict=True)]
        assert reference.relative_error(loss, value) <= bound
        assert reference.relative_error(gradient, first) <= bound
        assert reference.relative_error(hessian, second, scale) <= bound


SOFTMAX_ROWS = np.r_[
    RNG.normal(size=(25, 4)) * 10.0 ** RNG.uniform(-2, 2.5, (25, 1)),
    # ties, and a class far ahead of or behind the others
    [[0, 0, 0, 0], [1, 1, 0, -1], [700, -700, 0, 1], [300, 0, 0, 0], [-300, 0, 0, 1]],
    [[690, 0, 1, 2], [40, 0, 0, 0], [37, 36, 0, 0], [-3, 0, -40, -41]],
]


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0, 2.5, 7.0])
def test_softmax_is_exact_at_every_margin(gamma):
    labels = np.arange(len(SOFTMAX_ROWS)) % 4
    loss = FocalLoss(gamma)
    got = loss.loss(labels, SOFTMAX_ROWS)
    gradient, hessian = loss.gradient_hessian(labels, SOFTMAX_ROWS)
    for i, (t, z) in enumerate(zip(labels, SOFTMAX_ROWS, strict=True)):
        value, first, second = reference.softmax(t, z, gamma)
        diagonal = [second[k][k] for k in range(4)]
        scale = [
            max(abs(h), abs(g) / 1000) for g, h in zip(first, diagonal, strict=True)
        ]
        assert reference.relative_error([got[i]], [value]) <= 1e-12
        assert reference.relative_error(gradient[i], first) <= 1e-12
        assert reference.relative_error(hessian[i], diagonal, scale) <= 1e-12


def test_softmax_hessian_of_a_certain_and_wrong_class():
    # Next to the gradient it is tiny, yet 1 - p of the class must keep its digits.
    z = [[40.0, 0.0, -1.0]]
    _, hessian = FocalLoss(0.0).gradient_hessian([1], z)
    diagonal = [row[k] for k, row in enumerate(reference.softmax(1, z[0], 0.0)[2])]
    assert reference.relative_error(hessian[0], diagonal) <= 1e-12


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0, 2.5])
def test_softmax_hessian_product_is_exact(gamma):
    labels = np.arange(len(SOFTMAX_ROWS)) % 4
    vector = np.random.default_rng(1).normal(size=SOFTMAX_ROWS.shape)
    got = FocalLoss(gamma).hessian_product(labels, SOFTMAX_ROWS, vector=vector)
    for i, (t, z) in enumerate(zip(labels, SOFTMAX_ROWS, strict=True)):
        _, _, hessian = reference.softmax(t, z, gamma)
        with mp.workdps(2 * reference.DIGITS):
            terms = [
                [h * reference.exact(v) for h, v in zip(row, vector[i], strict=True)]
                for row in hessian
            ]
            expected = [mp.fsum(row) for row in terms]
            scale = [max(abs(term) for term in row) for row in terms]
        assert reference.relative_error(got[i], expected, scale) <= 1e-12


@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.7])
def test_mpmath_reference_agrees_with_its_numerical_derivatives(gamma):
    def focal(z):
        p = 1 / (1 + mp.exp(-z))
        return -((1 - p) ** mp.mpf(gamma)) * mp.log(p)

    with mp.workdps(50):
        for z in (-5.0, -2.8, 0.3, 4.0):
            _, first, second = reference.binary(1, z, gamma)
            assert mp.almosteq(mp.diff(focal, mp.mpf(z)), first, 1e-20)
            assert mp.almosteq(mp.diff(focal, mp.mpf(z), 2), second, 1e-20)


@pytest.mark.parametrize("gamma", [0.0, 0.4, 2.0, 4.5])
def test_float32_is_right_to_1e_6(gamma):
    z = np.r_[np.linspace(-80, 80, 33), np.linspace(-6, 6, 33)].astype(np.float32)
    y = np.arange(z.size) % 2
    loss = FocalLoss(gamma)
    outputs = [loss.loss(y, z), *loss.gradient_hessian(y, z)]
    expected = [
        loss.loss(y, z.astype(float)),
        *loss.gradient_hessian(y, z.astype(float)),
    ]
    for got, want in zip(outputs, expected, strict=True):
        assert got.dtype == np.float32
        normal = np.abs(want) > np.finfo(np.float32).tiny
        assert_allclose(got[normal], want[normal], rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.01, 0.5, 1.0, 2.0, 7.0, 50.0])
@pytest.mark.parametrize("link", ["focal", "posterior"])
def test_nothing_overflows_at_huge_margins(gamma, link):
    z = np.array([1e4, -1e4, 709.0, -709.0, 746.0, -746.0])
    rows = np.column_stack([z, np.zeros(6), -z / 2])
    loss = FocalLoss(gamma, link=link)
    for raw, labels in [(z, (0, 1)), (rows, (0, 1, 2))]:
        for label in labels:
            y = np.full(6, label)
            vector = np.ones_like(raw)
            for values in (
                loss.loss(y, raw),
                *loss.gradient_hessian(y, raw),
                loss.hessian_product(y, raw, vector=vector),
                loss.predict_proba(raw),
            ):
                assert np.isfinite(values).all()


def test_gamma_zero_is_the_log_loss_to_the_last_digits():
    z = np.linspace(-700, 700, 141)
    assert_allclose(
        FocalLoss(0.0).loss(np.ones(141), z), np.logaddexp(0, -z), rtol=4e-16
    )


def test_hessian_is_negative_on_badly_missed_samples():
    _, hessian = FocalLoss(2.0).gradient_hessian([1, 1, 1], [-2.7, -2.9, -20.0])
    assert hessian[0] > 0 > hessian[1]
    assert hessian[2] < 0
