"""One thread for BLAS, while there are threads of our own."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]


class _Users:
    """How many fits there are at the moment, and what the first of them changed."""

    def __init__(self) -> None:
        self.lock, self.count = threading.Lock(), 0
        self.limit: Any = None


_users = _Users()


def _forget_users() -> None:
    global _users
    _users = _Users()


# In a forked child the fits of other threads never end.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_users)


@cache
def _blas() -> Any:
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS work on one thread.

    A solver calls it for vectors and for blocks of rows so small that other threads are
    awake later than the work is done: the fit of a small problem took eight times as
    long. The setting is the process's, so the last fit of several restores it.
    """
    users = _users
    with users.lock:
        if not users.count:
            users.limit = _blas().limit(limits=1)
        users.count += 1
    try:
        yield
    finally:
        with users.lock:
            users.count -= 1
            if not users.count:
                users.limit.restore_original_limits()
