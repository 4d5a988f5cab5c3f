"""The kernels and passes over rows that only linear models use."""

from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skfocal import FocalLoss
from skfocal._compute import threads
from skfocal.linear_model import _design
from skfocal.linear_model._design import CSCDesign, CSRDesign, DenseDesign, as_design
from skfocal.loss import _curvature_kernels
from skfocal.loss._batch import Batch
from tests import reference

RNG = np.random.default_rng(0)
MARGINS = np.r_[np.linspace(-700, 700, 29), np.linspace(-40, 40, 41), [1e-8, -1e-8]]
WEIGHT = RNG.uniform(0.5, 2.0, MARGINS.size)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, (0.3, 2.5)])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("y", [0, 1])
def test_binary_kernel_agrees_with_the_tested_ones(gamma, weight, y):
    # Those are held against mpmath in test_loss_accuracy.py.
    loss, labels = FocalLoss(gamma, 0.3), np.full(MARGINS.size, y)
    got = [np.empty(MARGINS.size) for _ in range(3)]
    batch = Batch(loss, labels, MARGINS, weight)
    batch.run(loss=got[0], gradient=got[1], hessian=got[2])
    gradient, hessian = loss.gradient_hessian(labels, MARGINS, weight)
    expected = [loss.loss(labels, MARGINS, weight), gradient, hessian]
    for values, right in zip(got, expected, strict=True):
        assert_allclose(values, right, rtol=1e-14)


ROWS = np.r_[
    RNG.normal(size=(12, 4)) * 10.0 ** RNG.uniform(-1, 2.0, (12, 1)),
    [[0, 0, 0, 0], [1, 1, 0, -1], [700, -700, 0, 1], [-300, 0, 0, 1], [40, 0, 0, 0]],
]
LABELS = np.arange(len(ROWS)) % 4


def curvature(gamma):
    n, n_classes = ROWS.shape
    loss, slope, bend = (np.empty(n) for _ in range(3))
    deviation, spread = (np.empty((n, n_classes)) for _ in range(2))
    arrays = loss, deviation, slope, bend, spread
    Batch(FocalLoss(gamma), LABELS, ROWS, None).run_curvature(*arrays)
    return arrays


@pytest.mark.parametrize("gamma", [0.0, 0.3, 2.0, 2.5])
def test_softmax_curvature_is_exact(gamma):
    loss, deviation, slope, bend, spread = curvature(gamma)
    vectors = RNG.normal(size=ROWS.shape)
    product, pairs = np.empty(ROWS.shape), np.empty((6, len(ROWS)))
    terms = (LABELS, deviation, bend, spread)
    _curvature_kernels.softmax_curvature_product(*terms, vectors, product, 0, len(ROWS))
    _curvature_kernels.softmax_curvature_pairs(*terms, pairs, 0, len(ROWS))
    for i, (t, z) in enumerate(zip(LABELS, ROWS, strict=True)):
        value, first, second = reference.softmax(t, z, gamma)
        assert reference.relative_error([loss[i]], [value]) <= 1e-12
        gradient = slope[i] * deviation[i]
        assert reference.relative_error(gradient, first) <= 1e-12
        # The step of a solver needs digits next to the row's own curvature only.
        largest = max(abs(h) for row in second for h in row)
        largest = max(largest, max(abs(g) for g in first) / 1000)
        expected = [
            mp.fsum(h * mp.mpf(float(v)) for h, v in zip(row, vectors[i], strict=True))
            for row in second
        ]
        scale = [largest] * 4
        assert reference.relative_error(product[i], expected, scale) <= 1e-12
        upper = [second[k][m] for k in range(4) for m in range(k + 1, 4)]
        assert reference.relative_error(pairs[:, i], upper, [largest] * 6) <= 1e-12


def matrices(n=700, d=9, dtype=np.float64):
    X = RNG.normal(size=(n, d)).astype(dtype) + np.arange(d, dtype=dtype)
    X[RNG.uniform(size=X.shape) < 0.6] = 0.0
    return {
        "C": X,
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "csr": sparse.csr_matrix(X),
        "csc": sparse.csc_matrix(X),
        "csr, 64-bit": with_wide_indices(sparse.csr_matrix(X)),
    }


def with_wide_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def test_each_kind_has_its_design():
    X = matrices()
    assert isinstance(as_design(X["F"]), DenseDesign)
    assert isinstance(as_design(X["csr"]), CSRDesign)
    assert isinstance(as_design(X["csc"]), CSCDesign)


def use_threads(monkeypatch, n_threads):
    """Let little work be enough for so many threads."""
    monkeypatch.setattr(threads, "max_threads", lambda: n_threads)
    monkeypatch.setattr(threads, "_MIN_SIZE_PER_THREAD", 100)
    monkeypatch.setattr(_design, "_SPARSE_SPEED", 1)
    monkeypatch.setattr(_design, "_BLAS_SPEED", 1)


@pytest.mark.parametrize("kind", list(matrices()))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_outputs", [None, 3])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_accumulate(monkeypatch, kind, dtype, n_outputs, n_threads):
    use_threads(monkeypatch, n_threads)
    X = matrices(dtype=dtype)[kind]
    dense = X.toarray() if sparse.issparse(X) else X
    dense = dense.astype(np.float64)
    shape = () if n_outputs is None else (n_outputs,)
    coef = RNG.normal(size=(*shape, dense.shape[1]))
    intercept = RNG.normal(size=shape)
    weights = RNG.normal(size=(len(dense), *shape))
    seen = np.zeros(len(dense))

    def respond(raw, start, stop):
        seen[start:stop] += 1
        return raw**2 * weights[start:stop]

    total, constant = as_design(X).accumulate(coef, intercept, respond)
    response = (dense @ coef.T + intercept) ** 2 * weights
    assert_array_equal(seen, 1)
    assert_allclose(total, response.T @ dense, rtol=1e-11)
    assert_allclose(constant, response.sum(axis=0), rtol=1e-11)
    if n_outputs is None:
        args = (coef, intercept, weights)
        total, constant = as_design(X).normal_product(*args)
        response = (dense @ coef + intercept) * weights
        assert_allclose(total, response @ dense, rtol=1e-11)
        assert_allclose(constant, response.sum(), rtol=1e-11)


@pytest.mark.parametrize("kind", list(matrices()))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_grams_and_moments(monkeypatch, kind, dtype, n_threads):
    use_threads(monkeypatch, n_threads)
    X = matrices(dtype=dtype)[kind]
    dense = X.toarray() if sparse.issparse(X) else X
    dense = dense.astype(np.float64)
    design, center = as_design(X), RNG.normal(size=dense.shape[1])
    weights = RNG.normal(size=len(dense))  # of both signs
    Z = np.column_stack([dense - center, np.ones(len(dense))])
    scale = np.abs(Z.T @ (np.abs(weights)[:, None] * np.abs(Z))).max()
    expected = Z.T @ (weights[:, None] * Z)
    assert_allclose(design.gram(weights, center), expected, atol=1e-12 * scale)

    for weight in (None, np.abs(weights)):
        mean, variance = design.moments(weight)
        expected = np.average(dense, axis=0, weights=weight)
        assert_allclose(mean, expected, rtol=1e-11)
        square = np.average((dense - expected) ** 2, axis=0, weights=weight)
        assert_allclose(variance, square, rtol=1e-10)


@pytest.mark.parametrize("kind", list(matrices()))
@pytest.mark.parametrize("n_classes", [3, 4, 5])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_class_grams(monkeypatch, kind, n_classes, n_threads):
    use_threads(monkeypatch, n_threads)
    # Several blocks, and several parts of each.
    monkeypatch.setattr(_design, "_BLOCK_BYTES", 2**10)
    X = matrices()[kind]
    dense = X.toarray() if sparse.issparse(X) else X
    center = RNG.normal(size=dense.shape[1])
    Z = np.column_stack([dense - center, np.ones(len(dense))])
    pairs = RNG.normal(size=(n_classes * (n_classes - 1) // 2, len(dense)))

    def fill_pairs(out, start, stop):
        out[:] = pairs[:, start:stop]

    grams = as_design(X).class_grams(n_classes, fill_pairs, center)
    expected = [Z.T @ (row[:, None] * Z) for row in pairs]
    assert_allclose(grams, expected, atol=1e-11 * len(dense))


def test_moments_next_to_a_large_mean():
    X = 1e9 + RNG.normal(size=(1000, 2))
    _, variance = as_design(X).moments(None)
    assert_allclose(variance, X.var(axis=0), rtol=1e-6)


@pytest.mark.parametrize("kind", ["C", "csr", "csc"])
def test_take(kind):
    X = matrices()[kind]
    dense = X.toarray() if sparse.issparse(X) else X
    rows = np.array([5, 3, 300])
    part = as_design(X).take(rows)
    assert (part.n_rows, part.n_features) == (3, dense.shape[1])
    ones = np.ones(3)
    total, _ = part.accumulate(np.zeros(9), 0.0, lambda raw, a, b: ones[a:b])
    assert_allclose(total, dense[rows].sum(axis=0))


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_map_rows_keeps_the_order(monkeypatch, n_threads):
    monkeypatch.setattr(threads, "max_threads", lambda: n_threads)
    ranges = threads.map_rows(lambda *rows: rows, 100_003, 10**6)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 100_003
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    assert len(ranges) == n_threads


def test_map_rows_raises_what_a_thread_raised(monkeypatch):
    monkeypatch.setattr(threads, "max_threads", lambda: 2)

    def fail(start, stop):
        if start:
            raise KeyError("second")

    with pytest.raises(KeyError, match="second"):
        threads.map_rows(fail, 100_000, 10**6)
