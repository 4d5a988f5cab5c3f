"""The threads of a worker, which Dask gives a share of its machine's cores."""

from distributed import get_worker

__all__ = ["threads_of_worker"]


def threads_of_worker() -> int:
    """Return how many threads the worker that calls this has."""
    return get_worker().state.nthreads
