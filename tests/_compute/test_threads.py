"""Threads, forks and processes change nothing but the time."""

import multiprocessing
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal

from skfocal import FocalLoss
from skfocal._compute import threads

N = 200_000
LOSS = FocalLoss(2.0, alpha=0.3)


def problem(seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, N), rng.normal(size=N), rng.uniform(size=N)


def gradient(seed):
    return LOSS.gradient(*problem(seed))


@pytest.mark.parametrize("n_threads", [1, 2, 3, 8])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_number_of_threads_does_not_change_a_digit(
    monkeypatch, n_threads, n_classes
):
    rng = np.random.default_rng(0)
    raw = rng.normal(size=N if n_classes == 2 else (N, n_classes))
    y = rng.integers(0, n_classes, N)
    monkeypatch.setattr(threads, "max_threads", lambda: 1)
    expected = FocalLoss(1.5).gradient_hessian(y, raw)
    monkeypatch.setattr(threads, "max_threads", lambda: n_threads)
    got = FocalLoss(1.5).gradient_hessian(y, raw)
    assert_array_equal(got, expected)


@pytest.mark.parametrize("n_rows", [0, 1, 127, 128, 129, 50_000, 999_999])
@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_chunks_cover_every_row_once(monkeypatch, n_rows, n_threads):
    monkeypatch.setattr(threads, "max_threads", lambda: n_threads)
    counts = np.zeros(n_rows, int)

    def count(start, stop):
        counts[start:stop] += 1

    threads.run_kernel(count, (n_rows,))
    assert (counts == 1).all()


def test_small_problems_stay_on_one_thread(monkeypatch):
    monkeypatch.setattr(threads, "max_threads", lambda: 8)
    calls = []
    threads.run_kernel(lambda *rows: calls.append(rows), (49_999,))
    assert calls == [(0, 49_999)]
    calls.clear()
    threads.run_kernel(lambda *rows: calls.append(rows), (50_000,))
    assert len(calls) > 1


def test_an_error_in_a_chunk_reaches_the_caller(monkeypatch):
    monkeypatch.setattr(threads, "max_threads", lambda: 2)

    def fail_in(thread_is_main, start):
        here = threading.current_thread() is threading.main_thread()
        if here == thread_is_main:
            raise RuntimeError("in a chunk")
        time.sleep(0.01)  # leave chunks for the other thread

    for thread_is_main in (True, False):
        with pytest.raises(RuntimeError, match="in a chunk"):
            threads.run_kernel(
                lambda start, stop, m=thread_is_main: fail_in(m, start), (N,)
            )


def test_numba_threads_are_respected_and_not_started():
    code = (
        "import numba, numpy as np\n"
        "from skfocal import FocalLoss\n"
        "from skfocal._compute import threads\n"
        "FocalLoss().loss(np.zeros(100_000), np.zeros(100_000))\n"
        "assert threads.max_threads() == numba.config.NUMBA_NUM_THREADS == 3\n"
        "try:\n"
        "    numba.threading_layer()\n"
        "except ValueError:\n"
        "    pass\n"
        "else:\n"
        "    raise AssertionError('numba started its threads')\n"
        "numba.set_num_threads(2)\n"
        "numba.get_num_threads()\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment(NUMBA_NUM_THREADS="3")
    )


def environment(**variables):
    import os

    return {**os.environ, **variables}


def test_sixteen_threads_at_once():
    expected = [gradient(seed) for seed in range(16)]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            for got, want in zip(pool.map(gradient, range(16)), expected, strict=True):
                assert_array_equal(got, want)


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork here"
)
# Python 3.12 warns of any fork in a process that has threads: that is what is tested.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_fork_after_use():
    expected = gradient(0)
    assert threads._pool is not None or numba.config.NUMBA_NUM_THREADS == 1
    with multiprocessing.get_context("fork").Pool(2) as pool:
        got = pool.map_async(gradient, [0, 0, 0]).get(timeout=60)
    for values in got:
        assert_array_equal(values, expected)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_joblib(backend):
    expected = [gradient(seed) for seed in range(4)]
    jobs = Parallel(n_jobs=2, backend=backend)
    got = jobs(
        delayed(pickle.loads(pickle.dumps(LOSS)).gradient)(*problem(s))
        for s in range(4)
    )
    for values, want in zip(got, expected, strict=True):
        assert_array_equal(values, want)


def test_a_limit_holds_for_its_thread_and_its_block(monkeypatch):
    monkeypatch.setattr(threads, "_numba_threads", lambda: 4)
    with threads.limited_threads(2):
        with threads.limited_threads(8):
            assert threads.max_threads() == 4
        assert threads.max_threads() == 2
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(threads.max_threads).result() == 4
    assert threads.max_threads() == 4


def test_a_limit_ends_with_an_error(monkeypatch):
    monkeypatch.setattr(threads, "_numba_threads", lambda: 4)
    with pytest.raises(KeyError), threads.limited_threads(1):
        raise KeyError
    assert threads.max_threads() == 4


AFTER_THE_SCRIPT = """
import threading
import numpy as np
from skfocal import FocalLoss
from skfocal._compute import threads

threads.max_threads = lambda: 3
raw = np.linspace(-3, 3, 200_000)
y = (raw > 0).astype(int)
expected = FocalLoss(2.0).loss(y, raw)

def work():
    threading.main_thread().join()
    sums = threads.map_rows(lambda a, b: b - a, len(raw), len(raw))
    same = np.array_equal(FocalLoss(2.0).loss(y, raw), expected)
    print(sum(sums) == len(raw), same)

threading.Thread(target=work).start()
"""


def test_a_thread_that_outlives_the_script_still_computes():
    command = [sys.executable, "-c", AFTER_THE_SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_calls_that_no_thread_takes_are_made_here(monkeypatch):
    class FullPool:
        def __init__(self, room):
            self.room, self.pool = room, ThreadPoolExecutor(1)

        def submit(self, *call):
            self.room -= 1
            if self.room < 0:
                raise RuntimeError("can't start new thread")
            return self.pool.submit(*call)

    monkeypatch.setattr(threads, "max_threads", lambda: 4)
    for room in range(4):
        monkeypatch.setattr(threads, "_get_pool", lambda room=room: FullPool(room))
        found = threads.map_rows(lambda a, b: (a, b), 1024, 10**6)
        assert found == [(0, 256), (256, 512), (512, 768), (768, 1024)]
        counts = np.zeros(200_000, int)

        def count(start, stop, counts=counts):
            counts[start:stop] += 1

        threads.run_kernel(count, counts.shape)
        assert (counts == 1).all()
