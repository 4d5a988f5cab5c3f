"""Failures of the cluster, told apart from those of the user's input."""

from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from distributed import Client, Future, KilledWorker, wait
from distributed.client import ClosedClientError
from distributed.comm import CommClosedError
from distributed.scheduler import NoValidWorkerError, NoWorkerError

__all__ = ["cluster_errors", "gather"]

# Workers that are restarted, or that the cluster replaces, take a while to come.
_MAX_SECONDS_IDLE = 120
_SECONDS_PER_LOOK = 10

_CLUSTER_ERRORS = (
    CancelledError,
    ClosedClientError,
    CommClosedError,
    KilledWorker,
    NoValidWorkerError,
    NoWorkerError,
    TimeoutError,
)


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Raise one RuntimeError for whatever Dask raises where workers are lost.

    Errors that tasks raise, as of input that isn't valid, remain what they are.
    """
    try:
        yield
    except _CLUSTER_ERRORS as error:
        reason = f"{type(error).__name__}: {error}"
        raise RuntimeError(f"training on the cluster failed: {reason}") from error


def gather(client: Client, futures: Sequence[Future]) -> list[Any]:
    """Return results, or raise if no worker is left to compute them."""
    futures = list(futures)
    idle = 0
    while futures:
        try:
            wait(futures, timeout=_SECONDS_PER_LOOK)
            break
        except TimeoutError:
            # Dask waits forever for workers to come.
            idle = 0 if client.nthreads() else idle + 1
        if idle * _SECONDS_PER_LOOK >= _MAX_SECONDS_IDLE:
            raise RuntimeError(
                "training on the cluster failed: it has had no workers for "
                f"{_MAX_SECONDS_IDLE} s"
            )
    return client.gather(futures)
