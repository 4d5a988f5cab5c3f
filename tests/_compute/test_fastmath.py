import mpmath as mp
import numpy as np
import pytest
from numba import njit

from skfocal._compute import fastmath
from skfocal._compute.compiling import FASTMATH
from tests.reference import exact

RNG = np.random.default_rng(0)
LOG_UNIFORM = 10.0 ** -(300 * RNG.random(2000))
EXP_INPUTS = np.r_[-708.39 * RNG.random(2000), -RNG.random(2000), -LOG_UNIFORM]
UNIT_INPUTS = np.r_[RNG.random(4000), LOG_UNIFORM, np.sqrt(2) - 1, 0.0, 1.0]
LARGE_INPUTS = 10.0 ** (10 * RNG.random(2000))
NEAR_ONE = 1 + 1e-3 * (RNG.random(2000) - 0.5)


def vectorized(function):
    @njit(fastmath=FASTMATH, error_model="numpy")
    def loop(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def call(x):
        x = np.asarray(x, dtype=np.float64)
        out = np.empty_like(x)
        loop(x, out)
        return out

    return call


@pytest.mark.parametrize(
    ("function", "inputs", "reference"),
    [
        (fastmath.exp, EXP_INPUTS, mp.exp),
        (fastmath.log1p_unit, UNIT_INPUTS, mp.log1p),
        (fastmath.log1p, np.r_[UNIT_INPUTS, LARGE_INPUTS], mp.log1p),
        (fastmath.log, np.r_[UNIT_INPUTS, LARGE_INPUTS, NEAR_ONE], mp.log),
    ],
    ids=["exp", "log1p_unit", "log1p", "log"],
)
def test_within_2_ulp(function, inputs, reference):
    inputs = inputs[inputs != 0] if function is fastmath.log else inputs
    with mp.workdps(50):
        for x, got in zip(inputs, vectorized(function)(inputs), strict=True):
            expected = reference(exact(x))
            ulp = exact(np.spacing(abs(float(expected))))
            assert abs(exact(got) - expected) <= 2 * ulp, x


def test_exp_at_the_ends_of_its_domain():
    x = [0.0, -0.0, -708.39, -708.4, -1e4, -1e308, -np.inf]
    got = vectorized(fastmath.exp)(x)
    assert got[0] == got[1] == 1.0
    assert got[2] > np.finfo(np.float64).tiny
    np.testing.assert_array_equal(got[3:], 0.0)


def test_log1p_of_zero_is_zero():
    assert vectorized(fastmath.log1p_unit)([0.0])[0] == 0.0
    assert vectorized(fastmath.log1p)([0.0])[0] == 0.0


@pytest.mark.parametrize("name", ["exp", "log1p_unit", "log1p"])
def test_nan_stays_nan(name):
    assert np.isnan(vectorized(getattr(fastmath, name))([np.nan])[0])
