"""Exponential and logarithms that LLVM can turn into SIMD code.

A call to libm stops the vectoriser, so a loop over ``math.exp`` handles one number at a
time. The functions here are straight-line arithmetic on the bits of a float64: a loop
that inlines them runs at the full width of AVX2, AVX-512 or NEON. Each result is within
2 units in the last place on the domain that its docstring names.
"""

import numpy as np

from skfocal._compute.compiling import fast_njit

_LOG2_E = 1.4426950408889634
_LN2 = 0.6931471805599453
# ln 2 in two parts: the high one has trailing zeros, so that k * _LN2_HIGH is exact.
_LN2_HIGH = float.fromhex("0x1.62e42fefa3800p-1")
_LN2_LOW = float.fromhex("0x1.ef35793c76730p-45")
# Adding 1.5 * 2**52 rounds to an integer and leaves it in the low bits.
_ROUND = 6755399441055744.0
# Below it exp is subnormal, which the addition to the exponent bits can't express.
_EXP_UNDERFLOW = -708.3964185322641
_MANTISSA_BITS = np.int64(52)
_EXPONENT_MASK = np.int64(-1) << _MANTISSA_BITS
_ONE_BITS = np.int64(0x3FF0000000000000)
_SQRT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)

# exp(r) = 1 + r + r**2 E(r) on |r| <= ln(2) / 2, interpolated at Chebyshev nodes with
# mpmath; truncation error 1.7e-17.
_E0 = 0.5000000000000001
_E1 = 0.16666666666666669
_E2 = 0.041666666666624164
_E3 = 0.008333333333330065
_E4 = 0.0013888888917196881
_E5 = 0.0001984126986304067
_E6 = 2.4801521322116825e-05
_E7 = 2.7557268480116333e-06
_E8 = 2.762007599981065e-07
_E9 = 2.5100375924709717e-08

# 2 atanh(f) = 2 f + f u A(u), u = f**2, on |f| <= (sqrt(2) - 1) / (sqrt(2) + 1), made
# the same way; truncation error 4.5e-18.
_A0 = 0.666666666666667
_A1 = 0.39999999999899505
_A2 = 0.2857142862597575
_A3 = 0.22222211134751835
_A4 = 0.18182889128412458
_A5 = 0.15331721495826012
_A6 = 0.1461645097955211


@fast_njit
def _bits(x):
    return np.float64(x).view(np.int64)


@fast_njit
def _from_bits(bits):
    return np.int64(bits).view(np.float64)


@fast_njit
def exp(x):
    """exp(x) for x <= 0 (including -inf), and 0 where the result would be subnormal."""
    shifted = x * _LOG2_E + _ROUND
    k = shifted - _ROUND
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    r2 = r * r
    low = (_E0 + r * _E1) + r2 * (_E2 + r * _E3)
    high = (_E4 + r * _E5) + r2 * (_E6 + r * _E7) + (r2 * r2) * (_E8 + r * _E9)
    mantissa = 1.0 + (r + r2 * (low + (r2 * r2) * high))
    scaled = _from_bits(_bits(mantissa) + (_bits(shifted) << _MANTISSA_BITS))
    return 0.0 if x < _EXP_UNDERFLOW else scaled


@fast_njit
def _two_atanh(numerator, denominator):
    f = numerator / denominator
    u = f * f
    u2 = u * u
    tail = (_A0 + u * _A1) + u2 * ((_A2 + u * _A3) + u2 * ((_A4 + u * _A5) + u2 * _A6))
    return 2.0 * f + f * (u * tail)


@fast_njit
def log1p_unit(x):
    """log(1 + x) for 0 <= x <= 1."""
    # log(1 + x) = log 2 + log(1 + (x - 1) / 2) keeps the argument of atanh small.
    upper = x > 0.41421356237309503
    numerator = x - 1.0 if upper else x
    denominator = x + 3.0 if upper else x + 2.0
    return _two_atanh(numerator, denominator) + (_LN2 if upper else 0.0)


@fast_njit
def _exponent(x):
    """The k with x 2**-k in [sqrt(1/2), sqrt(2)): as a float, and in exponent bits."""
    offset = _bits(x) - _SQRT_HALF_BITS
    # int64 -> float64 has no AVX2 instruction: the low bits of ROUND hold an integer.
    k = _from_bits(_bits(_ROUND) + (offset >> _MANTISSA_BITS)) - _ROUND
    return k, offset & _EXPONENT_MASK


@fast_njit
def log(x):
    """Natural logarithm of a positive, normal x."""
    k, k_bits = _exponent(x)
    m = _from_bits(_bits(x) - k_bits)
    return k * _LN2_HIGH + (_two_atanh(m - 1.0, m + 1.0) + k * _LN2_LOW)


@fast_njit
def log1p(x):
    """log(1 + x) for finite x >= 0."""
    k, k_bits = _exponent(1.0 + x)
    scale = _from_bits(_ONE_BITS - k_bits)
    # (1 + x) 2**-k - 1 without rounding 1 + x, so that a tiny x keeps its digits.
    f = x * scale + (scale - 1.0)
    return k * _LN2_HIGH + (_two_atanh(f, f + 2.0) + k * _LN2_LOW)
