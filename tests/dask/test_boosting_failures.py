"""A training that fails at a worker ends soon, in one error, and nothing is lost."""

import logging
import os
import signal
import threading
import time

import pytest
import xgboost as xgb
from distributed import Client, LocalCluster, get_worker
from numpy.testing import assert_array_equal

from tests.dask.engines import ENGINES, make_data, on_dask

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(120, method="thread")]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)


class Raises(xgb.callback.TrainingCallback):
    def after_iteration(self, model, epoch, evals_log):
        if epoch == 2:
            raise ZeroDivisionError("in round 2")


def raises(env):
    if env.iteration == 2:
        raise ZeroDivisionError("in round 2")


@each_engine
def test_what_a_worker_raises(engine, client):
    X, y, _ = make_data()
    model = engine.model().fit(*on_dask(X, y), **engine.silent)
    before = model.predict_proba(X)
    lightgbm = engine.name == "lightgbm"
    of_fit = {"callbacks": [raises]} if lightgbm else engine.silent
    if not lightgbm:
        model.set_params(callbacks=[Raises()])
    with pytest.raises(
        RuntimeError, match=r"on the cluster failed, .* ZeroDivisionError: in round 2"
    ) as found:
        model.fit(*on_dask(X[:, :4], y), **of_fit)
    assert isinstance(found.value.__cause__, ZeroDivisionError)
    assert model.n_features_in_ == 6
    assert_array_equal(model.predict_proba(X), before)


class RaisesAtOne(xgb.callback.TrainingCallback):
    def __init__(self, worker):
        self.worker = worker

    def after_iteration(self, model, epoch, evals_log):
        raise_at(self.worker, epoch)


def raise_at(worker, iteration):
    if iteration == 2 and get_worker().address == worker:
        raise ZeroDivisionError("in round 2")


def raises_at_one(worker):
    def callback(env):
        raise_at(worker, env.iteration)

    return callback


@each_engine
def test_what_one_of_the_workers_raises(engine, client):
    """The other one doesn't wait for it: both are there for the next training."""
    X, y, _ = make_data()
    worker = next(iter(client.nthreads()))
    lightgbm = engine.name == "lightgbm"
    of_fit = {"callbacks": [raises_at_one(worker)]} if lightgbm else engine.silent
    model = engine.model(**{} if lightgbm else {"callbacks": [RaisesAtOne(worker)]})
    with pytest.raises(RuntimeError, match="on the cluster failed"):
        model.fit(*on_dask(X, y), **of_fit)
    after = engine.model().fit(*on_dask(X, y), **engine.silent)
    assert after.n_iter_ == 8


class Tells(xgb.callback.TrainingCallback):
    """A training that says when it is under way, and doesn't end by itself soon."""

    def __init__(self, path):
        self.path = path

    def after_iteration(self, model, epoch, evals_log):
        tell(self.path, epoch)


def tell(path, iteration):
    if iteration == 2:
        path.touch()
    time.sleep(0.05)


def tells(path):
    def callback(env):
        tell(path, env.iteration)

    return callback


def kill_when_told(path, process, killed):
    while not path.exists():
        time.sleep(0.05)
    os.kill(process, signal.SIGKILL)
    killed.append(time.monotonic())


@each_engine
def test_a_killed_worker(engine, tmp_path):
    X, y, _ = make_data()
    lightgbm, path = engine.name == "lightgbm", tmp_path / "under way"
    of_fit = {"callbacks": [tells(path)]} if lightgbm else engine.silent
    words = {} if lightgbm else {"callbacks": [Tells(path)]}
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as own,
    ):
        model = engine.model(client=own, n_estimators=2000, **words)
        victim, killed = next(iter(own.run(os.getpid).values())), []
        killer = threading.Thread(
            target=kill_when_told, args=(path, victim, killed), daemon=True
        )
        killer.start()
        with pytest.raises(RuntimeError, match="on the cluster failed"):
            model.fit(*on_dask(X, y), **of_fit)
        # Nobody waited for LightGBM's time_out.
        assert time.monotonic() - killed[0] < 30.0
        assert not model.__sklearn_is_fitted__()
