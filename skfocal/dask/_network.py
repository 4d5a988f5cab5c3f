"""LightGBM's workers, which wait for each other in a network of their own."""

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from types import SimpleNamespace
from typing import Any

import lightgbm as lgb
from distributed import Client, Future
from lightgbm.callback import EarlyStopException

from skfocal._compute.threads import limited_threads
from skfocal.dask._threads import threads_of_worker

__all__ = ["CallbackAtWorker", "ObjectiveAtWorker", "leaving_on_error", "watched"]

_SECONDS_PER_LOOK = 1.0
# In which LightGBM itself may notice, and say more.
_SECONDS_OF_GRACE = 2.0


def watched(client: Client, train: Callable[[], Any]) -> Any:
    """Return what a training returns, or raise once one of its workers is gone.

    LightGBM's others may go on to read from a connection that was closed, forever.
    """
    done: futures.Future[Any] = futures.Future()
    run = partial(copy_context().run, _complete, done, train)
    threading.Thread(target=run, daemon=True).start()
    parts: dict[str, str] = {}
    while not futures.wait([done], _SECONDS_PER_LOOK).done:
        parts |= _training_parts(client)
        lost = parts.keys() - client.nthreads().keys()
        if lost and not futures.wait([done], _SECONDS_OF_GRACE).done:
            client.cancel([Future(key, client) for key in parts.values()])
            raise RuntimeError(
                f"lost the workers {sorted(lost)}; the others may wait for them "
                "without end, until client.restart() frees them"
            )
    return done.result()


def _complete(done: "futures.Future[Any]", train: Callable[[], Any]) -> None:
    try:
        done.set_result(train())
    except BaseException as error:
        done.set_exception(error)


def _training_parts(client: Client) -> dict[str, str]:
    """Return the keys of LightGBM's tasks by the workers that run them."""
    return {
        worker: key
        for worker, keys in client.processing().items()
        for key in keys
        if str(key).startswith("_train_part")
    }


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
