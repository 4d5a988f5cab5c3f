"""The threads of a worker, which Dask gives a share of its machine's cores."""

from typing import Any

from distributed import get_worker

from skfocal._compute.threads import limited_threads

__all__ = ["AtWorker", "threads_of_worker"]


def threads_of_worker() -> int:
    """Return how many threads the worker that calls this has."""
    return get_worker().state.nthreads


class AtWorker:
    """An objective of LightGBM whose kernels keep to the threads of their worker."""

    def __init__(self, objective: Any) -> None:
        self.objective = objective

    # The signature by which LightGBM knows what an objective takes.
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with limited_threads(threads_of_worker()):
            return self.objective(y_true, y_pred, sample_weight)
