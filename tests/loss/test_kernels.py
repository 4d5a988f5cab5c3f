"""That the kernels are compiled as intended. What they compute is in test_loss.py."""

import platform
import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from skfocal._compute.compiling import FASTMATH
from skfocal.loss._binary_kernels import binary_focal
from skfocal.loss._posterior_binary_kernels import binary_posterior
from skfocal.loss._softmax_kernels import softmax_focal

N = 256
# Arithmetic on several float64 at once.
PACKED = {
    "x86_64": ("vmulpd", "mulpd"),
    "AMD64": ("vmulpd", "mulpd"),
    "aarch64": ("fmul.2d", "fmul\tv"),
}


@pytest.mark.parametrize(
    "loop", [binary_focal, binary_posterior], ids=["focal", "posterior"]
)
@pytest.mark.parametrize("gamma", [2, (2.0, 2.0)], ids=["integer", "float"])
@pytest.mark.parametrize("weight", [None, np.ones(N)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_binary_loop_is_vectorised(loop, gamma, weight, dtype):
    machine = platform.machine()
    if machine not in PACKED:
        pytest.skip(f"no list of packed instructions for {machine}")
    kernel = njit(fastmath=FASTMATH, error_model="numpy", nogil=True)(loop.py_func)
    y, raw, out = np.zeros(N, np.int32), np.zeros(N, dtype), np.empty(N, np.float32)
    kernel(y, raw, weight, gamma, (1.0, 1.0), 1.0, 0.5, None, out, out.copy(), 0, N)
    (assembly,) = kernel.inspect_asm().values()
    assert sum(assembly.count(name) for name in PACKED[machine]) > 20


def test_newton_weights():
    y = np.ones(3, np.int32)
    raw = np.array([-6.0, -1.0, 4.0])

    def run(factor, floor):
        g, h = np.empty(3), np.empty(3)
        args = (y, raw, None, 2, (1.0, 1.0), factor, floor)
        binary_focal(*args, None, g, h, 0, 3)
        return g, h

    g, exact = run(1.0, None)
    assert exact[0] < 0
    np.testing.assert_array_equal(run(1.0, 0.0)[1], abs(exact))
    np.testing.assert_array_equal(run(1.5, 0.0)[1], 1.5 * abs(exact))
    np.testing.assert_array_equal(run(1.0, 0.5)[1], np.maximum(abs(exact), abs(g) / 2))


def test_softmax_newton_weights():
    rng = np.random.default_rng(0)
    y, raw = rng.integers(0, 3, N).astype(np.int32), rng.normal(scale=4, size=(N, 3))

    def run(factor, floor):
        g, h = np.empty((N, 3)), np.empty((N, 3))
        args = (y, raw, np.empty(0), 2, np.ones(3), factor, floor)
        softmax_focal(*args, None, g, h, 0, N)
        return g, h

    g, exact = run(1.0, None)
    assert (exact < 0).any()
    np.testing.assert_array_equal(run(1.5, 0.0)[1], 1.5 * abs(exact))
    bounded = np.maximum(abs(exact), abs(g) / 2)
    np.testing.assert_allclose(run(1.0, 0.5)[1], bounded, rtol=1e-15)


def test_kernels_compile_where_no_cache_can_be_written():
    # Numba finds no folder for its cache, as where all of the disk is read-only.
    code = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from skfocal import FocalLoss\n"
        "print(FocalLoss(0.0)([1], [0.0]))\n"
    )
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert float(output) == pytest.approx(np.log(2))
