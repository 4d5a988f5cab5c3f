"""Failures of the cluster, told apart from those of the user's input."""

from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager

from distributed import KilledWorker
from distributed.client import ClosedClientError
from distributed.comm import CommClosedError
from distributed.scheduler import NoValidWorkerError, NoWorkerError

__all__ = ["cluster_errors"]

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
