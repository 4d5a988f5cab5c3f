"""The Newton steps in float32, against the exact kernels that test_loss.py tests."""

import platform

import numba
import numpy as np
import pytest
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal

from skfocal import FocalLoss
from skfocal._compute import threads
from skfocal._compute.compiling import FASTMATH
from skfocal.loss._batch import Batch
from skfocal.loss._step import NewtonStep, may_overwrite
from skfocal.loss._step_fits import binary_fit, softmax_fit
from skfocal.loss._step_kernels import binary_step

GAMMAS = [0.0, 0.1, 0.5, 1.0, 1.7, 2.0, 3.0, 5.0, 20.0]
# float32 is normal from here.
NORMAL = float(np.finfo(np.float32).tiny)
PACKED = {
    "x86_64": ("vmulpd", "mulpd"),
    "AMD64": ("vmulpd", "mulpd"),
    "aarch64": ("fmul.2d", "fmul\tv"),
}


def sample(n_classes, n=4000, seed=0):
    """Labels, and raw predictions from nearly equal to 80 apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes or 2, n).astype(np.int32)
    spread = 10.0 ** rng.uniform(-2.0, np.log10(40.0), n)
    shape = (n, n_classes) if n_classes else n
    raw = rng.uniform(-1.0, 1.0, shape)
    raw = (raw.T * spread).T * (1.0 if n_classes else 2.0)
    raw[0] = 0.0
    return y, raw


def step_of(loss, y, raw, weight=None, **options):
    gradient = np.full_like(raw, np.nan, dtype=np.float32)
    hessian = gradient.copy(order="K")
    n_classes = raw.shape[1] if raw.ndim == 2 else 2
    NewtonStep(loss, n_classes).fill(y, raw, weight, gradient, hessian, **options)
    return gradient, hessian


def assert_close_to_exact(loss, y, raw, weight=None, *, factor=1.0, floor=1.0, scale=1):
    gradient, hessian = np.empty(raw.shape), np.empty(raw.shape)
    batch = Batch(loss, y, raw.astype(np.float64), weight)
    batch.run(gradient=gradient, hessian=hessian, factor=factor, floor=floor)
    options = {"factor": factor, "floor": floor, "scale": scale}
    for value, expected in zip(
        step_of(loss, y, raw, weight, **options), (gradient, hessian), strict=True
    ):
        # Relative, to the normal numbers; the others differ by less than the least.
        assert_allclose(value, scale * expected, rtol=1e-6, atol=1e-6 * NORMAL)


@pytest.mark.parametrize("floor", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("alpha", [None, 0.2, (1e-5, 30.0), (3.0, 3.0)])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_binary(gamma, alpha, floor):
    y, raw = sample(None)
    loss = FocalLoss(gamma, alpha, link="posterior")
    assert_close_to_exact(loss, y, raw, floor=floor)


@pytest.mark.parametrize("alpha", [None, "by class"])
@pytest.mark.parametrize("n_classes", [2, 3, 5, 12])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_softmax(gamma, n_classes, alpha):
    y, raw = sample(n_classes)
    alpha = alpha and np.geomspace(0.1, 3.0, n_classes)
    loss = FocalLoss(gamma, alpha, link="posterior")
    assert_close_to_exact(loss, y, raw, factor=2.0, floor=0.5)


@pytest.mark.parametrize("n_classes", [None, 3])
@pytest.mark.parametrize("link", ["focal", "posterior"])
@pytest.mark.parametrize("gamma", [2.0, (0.5, 1.0, 3.0)])
def test_options_of_every_path(gamma, link, n_classes):
    y, raw = sample(n_classes)
    gamma = gamma if n_classes or gamma == 2.0 else gamma[:2]
    loss = FocalLoss(gamma, link=link)
    weight = np.random.default_rng(1).uniform(0.0, 3.0, len(y))
    assert_close_to_exact(loss, y, raw, weight, factor=1.5, floor=0.25, scale=0.7)
    assert_close_to_exact(loss, y, raw, weight, factor=1.5, floor=0.25)
    assert_close_to_exact(loss, y, raw, factor=1.5, floor=0.25, scale=0.7)


@pytest.mark.parametrize("raw_type", [np.float64, np.float32])
@pytest.mark.parametrize("y_type", [np.int32, np.float32])
@pytest.mark.parametrize("weight_type", [None, np.float64, np.float32])
def test_binary_types(raw_type, y_type, weight_type):
    assert_types_are_served(None, raw_type, "C", y_type, weight_type)


# As LightGBM and XGBoost have them; every combination would compile for minutes.
@pytest.mark.parametrize(
    ("raw_type", "order", "y_type", "weight_type"),
    [
        (np.float64, "F", np.float32, None),
        (np.float32, "C", np.int32, np.float32),
        (np.float64, "C", np.int32, np.float64),
    ],
)
def test_softmax_types_and_memory_orders(raw_type, order, y_type, weight_type):
    assert_types_are_served(4, raw_type, order, y_type, weight_type)


def assert_types_are_served(n_classes, raw_type, order, y_type, weight_type):
    y, raw = sample(n_classes, n=500)
    y, raw = y.astype(y_type), np.asarray(raw, raw_type, order=order)
    weight = None if weight_type is None else np.linspace(0, 2, 500, dtype=weight_type)
    assert_close_to_exact(FocalLoss(2.0, link="posterior"), y, raw, weight)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_classes", [3, 5])
def test_a_softmax_gradient_in_the_place_of_the_raw_predictions(n_classes, order):
    loss = FocalLoss(2.0, link="posterior")
    # Enough of them for several threads.
    y, raw = sample(n_classes, n=30_000)
    raw = np.asarray(raw, np.float32, order=order)
    assert may_overwrite(loss, raw)
    expected, expected_hessian = step_of(loss, y, raw, free_bits=4)
    hessian = np.empty_like(raw)
    NewtonStep(loss, n_classes).fill(y, raw, None, raw, hessian, free_bits=4)
    assert_array_equal(raw, expected)
    assert_array_equal(hessian, expected_hessian)


@pytest.mark.parametrize(
    ("loss", "raw"),
    [
        (FocalLoss(2.0, link="posterior"), np.zeros(3, np.float32)),
        (FocalLoss(2.0, link="posterior"), np.zeros((3, 4))),
        (FocalLoss(2.0, link="focal"), np.zeros((3, 4), np.float32)),
        (FocalLoss([1, 2, 3], link="posterior"), np.zeros((3, 3), np.float32)),
        (FocalLoss(20.0, link="posterior"), np.zeros((3, 3), np.float32)),
    ],
)
def test_other_gradients_need_a_place_of_their_own(loss, raw):
    assert not may_overwrite(loss, raw)


@pytest.mark.parametrize("n_classes", [None, 3])
@pytest.mark.parametrize("link", ["focal", "posterior"])
@pytest.mark.parametrize("gamma", [1.7, 20.0])
@pytest.mark.parametrize("raw_type", [np.float64, np.float32])
def test_a_row_of_weight_3_is_a_row_three_times(gamma, link, n_classes, raw_type):
    y, raw = sample(n_classes)
    raw = raw.astype(raw_type)
    loss = FocalLoss(gamma, 0.3 if n_classes is None else None, link=link)
    weight = np.full(len(y), 3.0, np.float32)
    thrice = step_of(loss, y, raw, weight, free_bits=4)
    once = step_of(loss, y, raw, free_bits=4)
    every_bit = step_of(loss, y, raw)
    for value, single, full in zip(thrice, once, every_bit, strict=True):
        assert_array_equal(value, single + single + single)
        assert_array_equal(value.astype(np.float64), 3.0 * single.astype(np.float64))
        assert not (single.view(np.int32) & 0b1111).any()
        assert_allclose(single, full, rtol=2e-6, atol=16 * 1.5e-45)


@pytest.mark.parametrize("n_classes", [None, 3, 5])
@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("alpha", [None, 1e-8])
def test_huge_raw_predictions_stay_finite(gamma, n_classes, alpha):
    y, raw = sample(n_classes)
    if alpha is not None:
        alpha = np.linspace(alpha, 1.0, n_classes or 2)
    loss = FocalLoss(gamma, alpha, link="posterior")
    for size in (1e1, 1e2, 1e4, 1e300):
        gradient, hessian = step_of(loss, y, size * np.sign(raw))
        assert np.isfinite(gradient).all()
        assert np.isfinite(hessian).all()
        assert (hessian >= abs(gradient)).all()
        gradient, hessian = step_of(loss, y, size * raw / abs(raw).max())
        assert np.isfinite(gradient).all()
        assert np.isfinite(hessian).all()


@pytest.mark.parametrize("n_classes", [None, 3])
def test_threads_change_nothing(n_classes, monkeypatch):
    y, raw = sample(n_classes, n=60_000)
    loss, weight = FocalLoss(2.0, link="posterior"), np.linspace(0, 2, len(y))
    alone = step_of(loss, y, raw, weight)
    monkeypatch.setattr(threads, "max_threads", lambda: 3)
    for value, expected in zip(step_of(loss, y, raw, weight), alone, strict=True):
        assert_array_equal(value, expected)


def test_no_rows():
    for raw in (np.empty(0), np.empty((0, 3))):
        step_of(FocalLoss(2.0, link="posterior"), np.empty(0, np.int32), raw)


def test_which_gammas_polynomials_serve():
    assert all(binary_fit(gamma) is not None for gamma in GAMMAS[:-1])
    assert binary_fit(20.0) is None
    for gamma in (0.1, 0.5, 1.0, 1.7, 2.0, 3.0):
        assert softmax_fit(gamma, 3) is not None
        assert softmax_fit(gamma, 12) is not None
    assert softmax_fit(5.0, 3) is None
    assert softmax_fit(2.0, 100) is None


@pytest.mark.parametrize("raw_type", [np.float64, np.float32])
@pytest.mark.parametrize("alpha", [None, (0.5, 1.0)])
@pytest.mark.parametrize("mask", [None, np.int32(-16)])
def test_the_binary_loop_is_vectorised(raw_type, alpha, mask):
    machine = platform.machine()
    if machine not in PACKED:
        pytest.skip(f"no list of packed instructions for {machine}")
    options = {"fastmath": FASTMATH, "error_model": "numpy", "nogil": True}
    kernel = njit(**options)(binary_step.py_func)
    n = 256
    y, raw, out = np.zeros(n, np.float32), np.zeros(n, raw_type), np.empty(n, "f4")
    fit, weight = binary_fit(2.0), np.ones(n, np.float32)
    kernel(y, raw, weight, fit, alpha, 1.0, 0.5, mask, out, out.copy(), 0, n)
    (assembly,) = kernel.inspect_asm().values()
    assert sum(assembly.count(name) for name in PACKED[machine]) > 10
    assert numba.typeof(fit.even).count == 9
