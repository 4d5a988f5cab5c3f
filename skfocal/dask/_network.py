"""LightGBM's workers, which wait for each other in a network of their own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import lightgbm as lgb
from lightgbm.callback import EarlyStopException

from skfocal._compute.threads import limited_threads
from skfocal.dask._threads import threads_of_worker

__all__ = ["CallbackAtWorker", "ObjectiveAtWorker", "leaving_on_error"]


@contextmanager
def leaving_on_error() -> Iterator[None]:
    """Leave the network if the block raises.

    The others would wait for this worker until LightGBM's ``time_out``, and could do
    nothing else.
    """
    try:
        yield
    except EarlyStopException:
        # All of them stop at this round.
        raise
    except BaseException:
        # A method of the Booster that is none of its models'.
        lgb.Booster.free_network(SimpleNamespace())
        raise


class ObjectiveAtWorker:
    """An objective whose kernels keep to the threads of their worker."""

    def __init__(self, objective: Any) -> None:
        self.objective = objective

    # The signature by which LightGBM knows what an objective takes.
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with leaving_on_error(), limited_threads(threads_of_worker()):
            return self.objective(y_true, y_pred, sample_weight)


class CallbackAtWorker:
    """A callback of the user's, which LightGBM treats as it would treat that."""

    def __init__(self, callback: Callable[..., Any]) -> None:
        self.callback = callback
        self.before_iteration = getattr(callback, "before_iteration", False)
        # LightGBM sets it of whatever has none.
        if hasattr(callback, "order"):
            self.order = callback.order

    def __call__(self, env: Any) -> None:
        with leaving_on_error():
            self.callback(env)
