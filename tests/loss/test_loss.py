"""Properties that every focal loss has. Digits are in test_loss_accuracy.py."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss

from skfocal import FocalLoss

BINARY_LOSSES = [
    FocalLoss(0.0),
    FocalLoss(0.5),
    FocalLoss(2.0),
    FocalLoss(2.0, alpha=0.25),
    FocalLoss((0.0, 3.5), alpha=(2.0, 0.1)),
    FocalLoss(0.5, link="posterior"),
    FocalLoss(2.0, alpha=0.25, link="posterior"),
    FocalLoss((0.0, 3.5), alpha=(2.0, 0.1), link="posterior"),
]
SOFTMAX_LOSSES = [
    FocalLoss(0.0),
    FocalLoss(0.5),
    FocalLoss(2.0),
    FocalLoss(3.0, alpha=(0.2, 1.0, 5.0)),
    FocalLoss((0.0, 1.5, 4.0), alpha=(1.0, 2.0, 3.0)),
    FocalLoss(2.0, link="posterior"),
    FocalLoss((0.0, 1.5, 4.0), alpha=(1.0, 2.0, 3.0), link="posterior"),
]
CASES = [(loss, 2) for loss in BINARY_LOSSES] + [(loss, 3) for loss in SOFTMAX_LOSSES]
all_losses = pytest.mark.parametrize(
    ("loss", "n_classes"), CASES, ids=lambda value: str(value)
)


def sample(n_classes, n=60, scale=3.0, seed=0):
    rng = np.random.default_rng(seed)
    shape = n if n_classes == 2 else (n, n_classes)
    raw = rng.normal(scale=scale, size=shape)
    y = np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]
    return y, raw, rng.uniform(0.1, 3.0, n)


def difference(function, step=1e-3):
    """Fourth-order central difference of function(step)."""
    return (
        8 * (function(step) - function(-step))
        - (function(2 * step) - function(-2 * step))
    ) / (12 * step)


def directions(raw):
    """What to add to the raw predictions of all samples, one class at a time."""
    return [1.0] if raw.ndim == 1 else list(np.eye(raw.shape[1]))


def columns(values):
    return [values] if values.ndim == 1 else list(values.T)


@all_losses
def test_gradient_is_the_derivative_of_the_loss(loss, n_classes):
    y, raw, weight = sample(n_classes)
    gradient = columns(loss.gradient(y, raw, weight))
    for got, direction in zip(gradient, directions(raw), strict=True):
        expected = difference(lambda h, d=direction: loss.loss(y, raw + h * d, weight))
        assert_allclose(got, expected, rtol=1e-8, atol=1e-10)


@all_losses
def test_hessian_is_the_derivative_of_the_gradient(loss, n_classes):
    y, raw, weight = sample(n_classes)
    _, hessian = loss.gradient_hessian(y, raw, weight)
    for k, direction in enumerate(directions(raw)):
        expected = difference(
            lambda h, d=direction, k=k: columns(loss.gradient(y, raw + h * d, weight))[
                k
            ]
        )
        assert_allclose(columns(hessian)[k], expected, rtol=1e-8, atol=1e-10)


@all_losses
def test_hessian_product_is_the_derivative_along_the_vector(loss, n_classes):
    y, raw, weight = sample(n_classes)
    vector = np.random.default_rng(1).normal(size=raw.shape)
    got = loss.hessian_product(y, raw, weight, vector=vector)
    expected = difference(lambda h: loss.gradient(y, raw + h * vector, weight))
    assert_allclose(got, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("loss", SOFTMAX_LOSSES, ids=str)
def test_products_with_unit_vectors_form_a_symmetric_matrix(loss):
    y, raw, weight = sample(3)
    matrix = np.stack(
        [
            loss.hessian_product(y, raw, weight, vector=np.tile(unit, (len(y), 1)))
            for unit in np.eye(3)
        ],
        axis=2,
    )
    _, diagonal = loss.gradient_hessian(y, raw, weight)
    assert_allclose(matrix, matrix.transpose(0, 2, 1), rtol=1e-12, atol=1e-15)
    assert_allclose(np.einsum("ikk->ik", matrix), diagonal, rtol=1e-11, atol=1e-14)
    assert_allclose(matrix.sum(axis=2), 0.0, atol=1e-13)


@pytest.mark.parametrize("loss", SOFTMAX_LOSSES, ids=str)
def test_softmax_gradient_sums_to_zero(loss):
    y, raw, _ = sample(3, scale=20.0)
    assert_allclose(loss.gradient(y, raw).sum(axis=1), 0.0, atol=1e-14)


@all_losses
def test_one_pass_equals_two(loss, n_classes):
    y, raw, weight = sample(n_classes)
    value, gradient = loss.loss_gradient(y, raw, weight)
    assert_array_equal(value, loss.loss(y, raw, weight))
    assert_array_equal(gradient, loss.gradient(y, raw, weight))
    assert_array_equal(gradient, loss.gradient_hessian(y, raw, weight)[0])


def test_gamma_zero_is_scikit_learns_log_loss():
    for n_classes, reference in [(2, HalfBinomialLoss()), (3, HalfMultinomialLoss(3))]:
        y, raw, weight = sample(n_classes)
        args = y.astype(float), raw, weight
        loss = FocalLoss(0.0)
        # scikit-learn subtracts a raw prediction from a logsumexp: its last digits.
        assert_allclose(loss.loss(*args), reference.loss(*args), rtol=1e-13, atol=1e-14)
        gradient, hessian = loss.gradient_hessian(*args)
        expected = reference.gradient_hessian(*args)
        assert_allclose(gradient, expected[0], rtol=1e-12, atol=1e-15)
        assert_allclose(hessian, expected[1], rtol=1e-12, atol=1e-15)
        assert_allclose(
            loss.predict_proba(raw), reference.predict_proba(raw), rtol=1e-12
        )


@pytest.mark.parametrize("loss", BINARY_LOSSES, ids=str)
def test_softmax_of_two_classes_equals_binary(loss):
    y, z, weight = sample(2)
    raw = np.column_stack([0.3 * z, 1.3 * z])
    assert_allclose(loss.loss(y, raw), loss.loss(y, z), rtol=1e-12)
    gradient, hessian = loss.gradient_hessian(y, z, weight)
    both = loss.gradient_hessian(y, raw, weight)
    assert_allclose(both[0], np.column_stack([-gradient, gradient]), rtol=1e-11)
    assert_allclose(both[1], np.column_stack([hessian, hessian]), rtol=1e-9, atol=1e-14)
    assert_allclose(loss.predict_proba(raw), loss.predict_proba(z), rtol=1e-11)


@all_losses
def test_weights_equal_repeated_rows(loss, n_classes):
    y, raw, _ = sample(n_classes)
    repeats = np.arange(len(y)) % 4
    repeated = np.repeat(y, repeats), np.repeat(raw, repeats, axis=0)
    assert_allclose(loss(y, raw, repeats), loss(*repeated), rtol=1e-13)
    assert_allclose(
        loss.fit_intercept_only(y, repeats + 1.0),
        loss.fit_intercept_only(np.repeat(y, repeats + 1)),
        rtol=1e-12,
    )


@all_losses
def test_weights_scale_every_output(loss, n_classes):
    y, raw, weight = sample(n_classes)
    column = weight if n_classes == 2 else weight[:, None]
    assert_allclose(loss.loss(y, raw, weight), weight * loss.loss(y, raw))
    for weighted, plain in zip(
        loss.gradient_hessian(y, raw, weight),
        loss.gradient_hessian(y, raw),
        strict=True,
    ):
        assert_allclose(weighted, column * plain)


@pytest.mark.parametrize("loss", SOFTMAX_LOSSES, ids=str)
def test_classes_can_be_permuted(loss):
    y, raw, _ = sample(3)
    order = [2, 0, 1]
    gamma, alpha = loss._class_values(3)
    permuted = FocalLoss(gamma[order], alpha[order], link=loss.link)
    y_permuted = np.argsort(order)[y]
    assert_allclose(permuted.loss(y_permuted, raw[:, order]), loss.loss(y, raw))
    for got, expected in zip(
        permuted.gradient_hessian(y_permuted, raw[:, order]),
        loss.gradient_hessian(y, raw),
        strict=True,
    ):
        assert_allclose(got, expected[:, order], rtol=1e-11, atol=1e-15)
    assert_allclose(
        permuted.predict_proba(raw[:, order]), loss.predict_proba(raw)[:, order]
    )


def test_mirrored_binary_classes():
    y, z, weight = sample(2)
    loss, mirrored = FocalLoss((1.0, 2.5), alpha=0.3), FocalLoss((2.5, 1.0), alpha=0.7)
    assert_allclose(mirrored.loss(1 - y, -z, weight), loss.loss(y, z, weight))
    assert_allclose(mirrored.gradient(1 - y, -z), -loss.gradient(y, z))


def test_float_alpha_weights_class_1_and_its_complement_class_0():
    y, z, _ = sample(2)
    plain = FocalLoss(2.0).loss(y, z)
    expected = np.where(y == 1, 0.25, 0.75) * plain
    assert_allclose(FocalLoss(2.0, alpha=0.25).loss(y, z), expected)


def test_gamma_per_class_follows_the_true_class():
    y, raw, _ = sample(3)
    mixed = FocalLoss((0.0, 1.5, 4.0)).loss(y, raw)
    for k, gamma in enumerate((0.0, 1.5, 4.0)):
        assert_allclose(mixed[y == k], FocalLoss(gamma).loss(y, raw)[y == k])


@pytest.mark.parametrize("gamma", range(1, 8))
def test_integer_powers_equal_exponentials(gamma):
    y, z, _ = sample(2, scale=10.0)
    whole = FocalLoss(float(gamma)).gradient_hessian(y, z)
    # Two gammas that differ in the last digit take the other branch.
    nearby = FocalLoss((gamma, np.nextafter(gamma, 9))).gradient_hessian(y, z)
    for got, expected in zip(whole, nearby, strict=True):
        assert_allclose(got, expected, rtol=1e-12, atol=1e-300)


@all_losses
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_orders_and_views_agree(loss, n_classes, dtype):
    y, raw, weight = sample(n_classes, n=300)
    raw = raw.astype(dtype)
    wide = np.zeros((2 * len(y), *raw.shape[1:]), dtype)
    wide[::2] = raw
    expected = loss.gradient_hessian(y, raw, weight)
    read_only = raw.copy()
    read_only.flags.writeable = False
    variants = [np.asfortranarray(raw), wide[::2], raw[::-1][::-1], read_only]
    for variant in variants:
        got = loss.gradient_hessian(y, variant, weight)
        for a, b in zip(got, expected, strict=True):
            assert_array_equal(a, b)
            assert a.dtype == dtype
    assert loss.gradient(y, np.asfortranarray(raw)).flags.f_contiguous


@all_losses
def test_lists_and_label_types(loss, n_classes):
    y, raw, weight = sample(n_classes, n=8)
    expected = loss.gradient(y, raw, weight)
    assert_array_equal(
        loss.gradient(y.tolist(), raw.tolist(), weight.tolist()), expected
    )
    for dtype in (np.int8, np.uint64, np.float32):
        assert_array_equal(loss.gradient(y.astype(dtype), raw, weight), expected)
    if n_classes == 2:
        assert_array_equal(loss.gradient(y.astype(bool), raw, weight), expected)


def test_pandas_series():
    y, raw, weight = sample(2)
    series = [pd.Series(values, index=range(5, 65)) for values in (y, raw, weight)]
    got = FocalLoss().gradient(*series)
    assert_array_equal(got, FocalLoss().gradient(y, raw, weight))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (1,), (1, 3)])
def test_no_sample_and_one_sample(shape):
    y, raw = np.zeros(shape[0], int), np.zeros(shape)
    gradient, hessian = FocalLoss().gradient_hessian(y, raw)
    assert gradient.shape == hessian.shape == shape
    assert FocalLoss().loss(y, raw).shape == shape[:1]
    assert FocalLoss().predict_proba(raw).shape == (shape[0], max(2, *shape[1:], 2))


def test_inputs_are_left_alone():
    y, raw, weight = sample(3)
    copies = y.copy(), raw.copy(), weight.copy()
    loss = FocalLoss(1.5)
    loss.gradient_hessian(y, raw, weight)
    loss.predict_proba(raw)
    for before, after in zip(copies, (y, raw, weight), strict=True):
        assert_array_equal(before, after)


@all_losses
def test_call_is_the_weighted_mean(loss, n_classes):
    y, raw, weight = sample(n_classes)
    assert loss(y, raw) == pytest.approx(loss.loss(y, raw).mean())
    expected = np.average(loss.loss(y, raw), weights=weight)
    assert loss(y, raw, weight) == pytest.approx(expected)


# -- the start value -------------------------------------------------------------------


@all_losses
def test_start_value_has_no_total_gradient(loss, n_classes):
    y, raw, weight = sample(n_classes)
    start = loss.fit_intercept_only(y, weight)
    gradient = loss.gradient(y, np.zeros_like(raw) + start, weight)
    assert_allclose(gradient.sum(axis=0), 0.0, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_start_value_is_right_at_a_prior_of_1e_9(gamma):
    y, weight = np.array([0, 1]), np.array([1.0, 1e-9])
    loss = FocalLoss(gamma)
    start = loss.fit_intercept_only(y, weight)
    # The step to the exact root, by Newton's method from it, is below the last digits.
    gradient, hessian = loss.gradient_hessian(y, np.full(2, start), weight)
    assert abs(gradient.sum() / hessian.sum()) < 1e-10
    proba = loss.predict_proba([start])[0]
    assert proba[1] / proba[0] == pytest.approx(1e-9, rel=1e-10)


def test_softmax_start_value_is_right_at_a_prior_of_1e_9():
    loss = FocalLoss((0.5, 2.0, 3.0), alpha=(1.0, 0.2, 7.0))
    weight = np.array([1.0, 1e-9, 0.3])
    start = loss.fit_intercept_only([0, 1, 2], weight)
    assert start.sum() == pytest.approx(0.0, abs=1e-12)
    assert_allclose(loss.predict_proba([start])[0], weight / weight.sum(), rtol=1e-10)


def test_start_value_is_the_minimum_of_the_loss():
    y, _, weight = sample(2)
    loss = FocalLoss(2.0, alpha=0.25)
    best = minimize_scalar(lambda z: loss(y, np.full(len(y), z), weight), (-1, 1))
    assert loss.fit_intercept_only(y, weight) == pytest.approx(best.x, abs=1e-6)


def test_start_value_without_focus_is_the_log_odds():
    y = np.r_[np.ones(3, int), np.zeros(17, int)]
    assert FocalLoss(0.0).fit_intercept_only(y) == pytest.approx(np.log(3 / 17))
    softmax = FocalLoss(0.0).fit_intercept_only([0, 1, 1, 2, 2, 2])
    log_prior = np.log([1, 2, 3])
    assert_allclose(softmax, log_prior - log_prior.mean(), atol=1e-12)


# -- the object ------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "n_classes"), CASES, ids=str)
def test_pickles_copies_and_hashes(loss, n_classes):
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert copy.deepcopy(loss) is loss
    assert copy.copy(loss) is loss
    assert hash(loss) == hash(FocalLoss(loss.gamma, loss.alpha, link=loss.link))


def test_is_immutable_and_normalises_its_arguments():
    loss = FocalLoss(np.array([1, 2]), [1, 3])
    assert loss == FocalLoss((1.0, 2.0), alpha=(1.0, 3.0))
    with pytest.raises(AttributeError):
        loss.gamma = 3.0


# -- anything at all -------------------------------------------------------------------

floats = st.floats(0, 20, allow_subnormal=False)
margins = st.floats(-1e4, 1e4)


@st.composite
def problems(draw):
    n_classes, n = draw(st.integers(2, 5)), draw(st.integers(1, 6))
    shape = (n,) if n_classes == 2 and draw(st.booleans()) else (n, n_classes)
    gamma = draw(st.one_of(floats, st.tuples(*[floats] * n_classes)))
    positive = st.floats(1e-3, 1e3)
    alpha = draw(st.one_of(st.none(), st.tuples(*[positive] * n_classes)))
    size = int(np.prod(shape))
    raw = np.array(draw(st.lists(margins, min_size=size, max_size=size)))
    labels = st.integers(0, n_classes - 1)
    y = draw(st.lists(labels, min_size=n, max_size=n))
    weights = st.floats(0, 1e6, allow_subnormal=False)
    weight = draw(st.one_of(st.none(), st.lists(weights, min_size=n, max_size=n)))
    link = draw(st.sampled_from(["focal", "posterior"]))
    return FocalLoss(gamma, alpha, link=link), y, raw.reshape(shape), weight


@given(problems())
def test_outputs_are_finite_and_consistent(problem):
    loss, y, raw, weight = problem
    value, gradient = loss.loss_gradient(y, raw, weight)
    again, hessian = loss.gradient_hessian(y, raw, weight)
    assert (value >= 0).all()
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    assert np.isfinite(hessian).all()
    assert_array_equal(gradient, again)
    true = gradient if raw.ndim == 1 else gradient[np.arange(len(y)), y]
    assert ((true <= 0) if raw.ndim == 2 else (np.where(y, true, -true) <= 0)).all()
    proba = loss.predict_proba(raw)
    assert (proba >= 0).all()
    assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
