"""Kernels over chunks of rows, on threads that fork, joblib and Dask can't upset."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numba

# Fewer numbers than this per thread cost less than handing them to another thread.
_MIN_SIZE_PER_THREAD = 25_000
# More chunks than threads: an engine's own threads may still spin on a core, so that
# one thread gets through fewer chunks than another.
_CHUNKS_PER_THREAD = 8
_MIN_CHUNK_SIZE = 12_500
# Chunks begin at a multiple of it, so that no two threads write to one cache line.
_ROW_MULTIPLE = 128

# A worker of a cluster has its share of a machine's cores only.
_limit = threading.local()
_NO_LIMIT = sys.maxsize

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def _forget_pool() -> None:
    global _lock, _pool
    _lock, _pool = threading.Lock(), None


# A forked child inherits the pool without its threads: it would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _get_pool() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            workers = max(1, numba.config.NUMBA_NUM_THREADS - 1)
            _pool = ThreadPoolExecutor(workers, thread_name_prefix="skfocal")
        return _pool


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Let kernels that this thread calls in the block run on no more threads."""
    before = getattr(_limit, "value", _NO_LIMIT)
    _limit.value = n_threads
    try:
        yield
    finally:
        _limit.value = before


def max_threads() -> int:
    """Return how many threads kernels may use that this thread calls."""
    return min(_numba_threads(), getattr(_limit, "value", _NO_LIMIT))


def _numba_threads() -> int:
    """Return what ``numba.get_num_threads()`` would, without its side effect.

    That function starts numba's own threads, OpenMP's as a rule, which make a later
    fork unsafe. They run only if the user called numba's threading functions before.
    """
    try:
        numba.threading_layer()
    except ValueError:
        return numba.config.NUMBA_NUM_THREADS
    return numba.get_num_threads()


def _chunk_bounds(n_rows: int, n_chunks: int) -> list[int]:
    rows = -(-n_rows // n_chunks)
    rows += -rows % _ROW_MULTIPLE
    return [*range(0, n_rows, rows), n_rows]


def run_kernel(kernel: Callable[..., None], shape: tuple[int, ...], *args: Any) -> None:
    """Call ``kernel(*args, start, stop)`` on chunks of rows that cover ``shape``.

    Parameters
    ----------
    kernel : callable
        Compiled function that releases the GIL and writes to its arguments.
    shape : tuple of int
        Shape of the raw predictions: their number decides how many threads pay.
    *args
        Arguments of the kernel before the two row numbers.
    """
    size = shape[0] * (shape[1] if len(shape) > 1 else 1)
    n_threads = min(max_threads(), size // _MIN_SIZE_PER_THREAD)
    if n_threads <= 1:
        kernel(*args, 0, shape[0])
        return
    n_chunks = min(_CHUNKS_PER_THREAD * n_threads, size // _MIN_CHUNK_SIZE)
    chunks = deque(pairwise(_chunk_bounds(shape[0], n_chunks)))
    helpers = _submitted(_work_off, [(kernel, args, chunks)] * (n_threads - 1))
    try:
        _work_off(kernel, args, chunks)
    finally:
        # One that hasn't begun by now would find nothing to do.
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun)
    for helper in begun:
        helper.result()


def map_rows(function: Callable[[int, int], Any], n_rows: int, size: int) -> list[Any]:
    """Return ``function(start, stop)`` of one range of rows per thread, in order.

    Unlike the chunks of :func:`run_kernel`, the ranges are the same at every call, so
    that sums over rows don't change from run to run.

    Parameters
    ----------
    function : callable
        Does most of its work without the GIL.
    n_rows : int
        Number of rows to cover.
    size : int
        Numbers to work on: it decides how many threads pay.
    """
    n_threads = max(1, min(max_threads(), size // _MIN_SIZE_PER_THREAD, n_rows))
    (start, stop), *others = pairwise(_chunk_bounds(n_rows, n_threads))
    futures = _submitted(function, others) if others else []
    try:
        first = function(start, stop)
        last = [function(*rows) for rows in others[len(futures) :]]
    finally:
        wait(futures)
    return [first, *(future.result() for future in futures), *last]


def _submitted(function: Callable[..., Any], calls: list[Any]) -> list[Future[Any]]:
    """Hand the first of the calls to other threads, all of them as a rule.

    Once the main script has ended, and where no thread can be started, none is taken.
    """
    submit, futures = _get_pool().submit, list[Future[Any]]()
    for arguments in calls:
        try:
            futures.append(submit(function, *arguments))
        except RuntimeError:
            break
    return futures


def _work_off(
    kernel: Callable[..., None], args: tuple[Any, ...], chunks: deque[tuple[int, int]]
) -> None:
    while True:
        try:
            rows = chunks.popleft()
        except IndexError:
            return
        kernel(*args, *rows)
