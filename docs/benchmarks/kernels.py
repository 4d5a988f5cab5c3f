"""What the kernels cost: against naive NumPy, and against copying the same bytes.

The task is gradient and Newton weight, float64 in and float32 out, and exact gradient
and Hessian in float64, as FocalLoss.gradient_hessian returns them.

Run ``python docs/benchmarks/kernels.py``, with ``--quick`` only to see that it runs.
All times of a table come from interleaved runs in one process; medians are compared.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import product

import numba
import numpy as np
from _timing import medians

from skfocal import FocalLoss
from skfocal._compute import threads
from skfocal._compute.compiling import FASTMATH
from skfocal._compute.fastmath import exp, log1p_unit
from skfocal.loss._step import NewtonStep

COPY = "copy of the same bytes"


def true_class(y, z):
    p = np.clip(1 / (1 + np.exp(-z)), 1e-15, 1 - 1e-15)
    return 2 * y - 1, np.where(y == 1, p, 1 - p)


def naive_binary(y, z, gamma, alpha=0.5):
    """The formulas as they are copied around: a function for each derivative."""

    def gradient():
        sign, pt = true_class(y, z)
        return alpha * sign * (1 - pt) ** gamma * (gamma * pt * np.log(pt) + pt - 1)

    def hessian():
        sign, pt = true_class(y, z)
        u = alpha * sign * (1 - pt) ** gamma
        du = -alpha * sign * gamma * (1 - pt) ** (gamma - 1)
        v = gamma * pt * np.log(pt) + pt - 1
        dv = gamma * np.log(pt) + gamma + 1
        return (du * v + u * dv) * sign * pt * (1 - pt)

    return gradient(), hessian()


def tuned_binary(y, z, gamma, alpha=0.5):
    """NumPy at its best: each term computed once."""
    p = 1 / (1 + np.exp(-z))
    pt = np.where(y == 1, p, 1 - p)
    q, L = 1 - pt, -np.log(pt)
    power = alpha * q**gamma
    gradient = (1 - 2 * y) * power * (gamma * pt * L + q)
    return gradient, power * pt * ((1 + 2 * gamma) * q + gamma * (gamma * pt - q) * L)


def naive_softmax(y, z, gamma):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    pt = p[np.arange(len(y)), y]
    q, L = 1 - pt, -np.log(pt)
    d = p - np.eye(z.shape[1])[y]
    A = q ** (gamma - 1) * (gamma * pt * L + q)
    B = gamma * pt * q ** (gamma - 2) * (2 * q + (gamma * pt - 1) * L)
    return A[:, None] * d, A[:, None] * p * (1 - p) + B[:, None] * d**2


def step(y, raw, gamma, link):
    """Gradient and Newton weight in float32, as an engine asks for them."""
    alpha = 0.5 if raw.ndim == 1 else None
    n_classes = 2 if raw.ndim == 1 else raw.shape[1]
    newton = NewtonStep(FocalLoss(gamma, alpha, link=link), n_classes)
    out = [np.empty_like(raw, dtype=np.float32) for _ in range(2)]
    floor = 0.5 if link == "focal" else 1.0
    return lambda: newton.fill(y, raw, None, *out, floor=floor)


def exact(y, raw, gamma, link):
    """Exact derivatives in float64, arguments checked."""
    loss, y = FocalLoss(gamma, link=link), y.astype(np.int32)
    return lambda: loss.gradient_hessian(y, raw)


def copy_of_the_same_bytes(raw, y):
    """Half of all bytes that the kernel reads and writes, copied."""
    traffic = raw.nbytes + y.nbytes + 2 * 4 * raw.size
    source = np.ones(traffic // 2, np.uint8)
    target = np.empty_like(source)

    def copy(start, stop):
        np.copyto(target[start:stop], source[start:stop])

    return lambda: threads.run_kernel(copy, source.shape)


def loop_over(function):
    kernel = numba.njit(fastmath=FASTMATH, error_model="numpy", nogil=True)

    @kernel
    def loop(x, out, start, stop):
        x, out = x[start:stop], out[start:stop]
        for i in range(x.size):
            out[i] = function(x[i])

    return loop


def only(function, x):
    out, loop = np.empty_like(x), loop_over(function)
    return lambda: threads.run_kernel(loop, x.shape, x, out)


def with_threads(n_threads, task):
    def call():
        threads.max_threads, before = (lambda: n_threads), threads.max_threads
        try:
            task()
        finally:
            threads.max_threads = before

    return call


def binary_tasks(n, gamma):
    rng = np.random.default_rng(0)
    z = rng.normal(scale=3, size=n)
    y = (rng.random(n) < 0.1).astype(np.float32)
    numpy_tasks = {
        "naive NumPy": lambda: naive_binary(y, z, gamma),
        "tuned NumPy": lambda: tuned_binary(y, z, gamma),
    }
    return numpy_tasks, {
        COPY: copy_of_the_same_bytes(z, y),
        "focal": step(y, z, gamma, "focal"),
        "focal, float32 raw": step(y, z.astype(np.float32), gamma, "focal"),
        "posterior": step(y, z, gamma, "posterior"),
        "posterior, float32 raw": step(y, z.astype(np.float32), gamma, "posterior"),
        "gradient_hessian, focal": exact(y, z, gamma, "focal"),
        "gradient_hessian, posterior": exact(y, z, gamma, "posterior"),
        "part: exp alone": only(exp, -abs(z)),
        "part: log1p alone": only(log1p_unit, np.exp(-abs(z))),
    }


def softmax_tasks(n, gamma, order):
    rng = np.random.default_rng(0)
    z = np.asarray(rng.normal(scale=3, size=(n, 5)), order=order)
    y = rng.integers(0, 5, n).astype(np.int32)
    return {"naive NumPy": lambda: naive_softmax(y, z, gamma)}, {
        COPY: copy_of_the_same_bytes(z, y),
        "focal": step(y, z, gamma, "focal"),
        "posterior": step(y, z, gamma, "posterior"),
        "gradient_hessian, focal": exact(y, z, gamma, "focal"),
        "gradient_hessian, posterior": exact(y, z, gamma, "posterior"),
    }


def print_table(title, serial, parallel, repeats):
    tasks = {(name, 1): task for name, task in serial.items()}
    for n_threads in (1, 2):
        for name, task in parallel.items():
            tasks[name, n_threads] = with_threads(n_threads, task)
    seconds = medians(tasks, repeats)
    print(f"\n{title}")
    print(f"{'':32}{'threads':>8}{'naive / it':>12}{'it / copy':>11}")
    for (name, n_threads), took in seconds.items():
        speed_up = seconds["naive NumPy", 1] / took
        ratio = took / seconds[COPY, n_threads]
        print(f"{name:32}{n_threads:8}{speed_up:12.1f}{ratio:11.2f}")


FIRST_CALL = """
from time import perf_counter
start = perf_counter()
import numpy as np
from skfocal import FocalLoss
imported = perf_counter()
y, z = np.zeros(10), np.zeros({shape})
FocalLoss(2.0, link="{link}").gradient_hessian(y, z)
print(imported - start, perf_counter() - imported)
"""


def first_call(shape, link, cache):
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", FIRST_CALL.format(shape=shape, link=link)]
    output = subprocess.check_output(command, env=environment, text=True)
    return [float(number) for number in output.split()]


def print_first_calls(repeats):
    print("\nfirst call in a fresh process, seconds")
    print(f"{'':30}{'import':>12}{'cold cache':>12}{'warm cache':>12}")
    shapes = {"binary": 10, "softmax, 5 classes": (10, 5)}
    for (name, shape), link in product(shapes.items(), ("focal", "posterior")):
        with tempfile.TemporaryDirectory() as cache:
            _, cold = first_call(shape, link, cache)
            warm = [first_call(shape, link, cache) for _ in range(repeats)]
        imports, calls = np.median(warm, axis=0)
        print(f"{name + ', ' + link:30}{imports:12.2f}{cold:12.2f}{calls:12.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and few: a trial")
    quick = parser.parse_args().quick
    n, repeats = (100_000, 3) if quick else (1_000_000, 41)
    for gamma in (2.0, 1.7):
        title = f"binary, {n} rows, gamma={gamma}"
        print_table(title, *binary_tasks(n, gamma), repeats)
        for order in "CF":
            title = f"softmax, 5 classes, {n // 5} rows, gamma={gamma}, {order} order"
            print_table(title, *softmax_tasks(n // 5, gamma, order), repeats)
    print_first_calls(1 if quick else 5)


if __name__ == "__main__":
    main()
