"""LightGBM's workers, which wait for each other in a network of their own."""

import os
import threading
from collections.abc import Callable
from concurrent import futures
from contextvars import copy_context
from functools import partial
from typing import Any

import lightgbm as lgb
import psutil
from distributed import Client, Future, get_worker

from skfocal._compute.threads import limited_threads
from skfocal.dask._threads import threads_of_worker

__all__ = [
    "LabelsAndWeights",
    "ObjectiveAtWorker",
    "cut_connections",
    "note_network",
    "watched",
]

_SECONDS_PER_LOOK = 1.0
# In which LightGBM's other workers raise.
_SECONDS_OF_GRACE = 5.0
# Of the network of a worker's training, by its address.
_PORTS: dict[str, set[int]] = {}


def watched(client: Client, train: Callable[[], Any], workers: set[str]) -> Any:
    """Return what a training returns, or raise once one of its workers is gone.

    LightGBM reads without end from a connection that another worker closed: after any
    error the workers that are left are made to give up.
    """
    done: futures.Future[Any] = futures.Future()
    run = partial(copy_context().run, _complete, done, train)
    threading.Thread(target=run, daemon=True).start()
    lost: set[str] = set()
    while not lost and not futures.wait([done], _SECONDS_PER_LOOK).done:
        lost = workers - client.nthreads().keys()
    if not lost and done.exception() is None:
        return done.result()
    client.run(cut_connections)
    if futures.wait([done], _SECONDS_OF_GRACE).done:
        return done.result()
    # They wait for a worker that doesn't come back.
    client.cancel([Future(key, client) for key in _training_tasks(client)])
    raise RuntimeError(f"lost the workers {sorted(lost)}")


def _complete(done: "futures.Future[Any]", train: Callable[[], Any]) -> None:
    try:
        done.set_result(train())
    except BaseException as error:
        done.set_exception(error)


def _training_tasks(client: Client) -> list[str]:
    """Return the keys of LightGBM's tasks that this client waits for."""
    return [key for key in map(str, client.futures) if key.startswith("_train_part")]


def note_network(env: Any) -> None:
    """Remember the ports of the training's network at a worker: LightGBM's callback."""
    if env.iteration > env.begin_iteration:
        return
    machines = str(env.params.get("machines", ""))
    ports = {
        int(machine.rpartition(":")[2]) for machine in machines.split(",") if machine
    }
    _PORTS.update({get_worker().address: ports})


note_network.before_iteration = True  # type: ignore[attr-defined]


def cut_connections(dask_worker: Any) -> None:
    """Let LightGBM's connections of a worker fail, so that it raises.

    Something that is no socket takes their place, until LightGBM closes them itself.
    """
    ports = _PORTS.pop(dask_worker.address, set())
    with open(os.devnull, "rb") as no_socket:
        for connection in psutil.Process().net_connections("tcp"):
            ends = (connection.laddr, connection.raddr)
            if any(end and end.port in ports for end in ends):
                os.dup2(no_socket.fileno(), connection.fd)


class ObjectiveAtWorker:
    """An objective whose kernels keep to the threads of their worker.

    It takes the way of native training, which checks labels once and keeps its buffers.
    """

    def __init__(self, objective: Any) -> None:
        self.objective = objective

    # The signature by which LightGBM knows what an objective takes.
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        data = LabelsAndWeights(None, label=y_true, weight=sample_weight)
        with limited_threads(threads_of_worker()):
            return self.objective._native(y_pred, data)


class LabelsAndWeights(lgb.Dataset):
    """What a metric asks a Dataset for, without one of LightGBM's own."""

    def get_label(self) -> Any:
        return self.label

    def get_weight(self) -> Any:
        return self.weight

    def get_group(self) -> None:
        return None
