"""A worker is killed in the middle of a fit: on clusters of their own."""

import logging
import os
import signal

import numpy as np
import pytest

distributed = pytest.importorskip("distributed", reason="needs skfocal[dask]")

import dask  # noqa: E402
import dask.array as da  # noqa: E402

from skfocal import FocalLogisticRegression  # noqa: E402
from skfocal.dask import DaskFocalLogisticRegression, _errors  # noqa: E402
from skfocal.dask._linear_sums import DaskLossSums  # noqa: E402
from tests.dask.linear_data import (  # noqa: E402
    TOL,
    assert_same_fit,
    make_data,
    on_dask,
)

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(120)]


def cluster(**words):
    return distributed.LocalCluster(
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        **words,
    )


@pytest.fixture
def own_client():
    with (
        cluster(n_workers=2, threads_per_worker=1) as two,
        distributed.Client(two, set_as_default=False) as client,
    ):
        yield client


def kill_at_the_second_point(monkeypatch, client, address):
    pid = client.run(os.getpid)[address]
    points, evaluate = [], DaskLossSums.evaluate

    def evaluate_and_kill(self, *point):
        points.append(point)
        if len(points) == 2:
            os.kill(pid, signal.SIGKILL)
        return evaluate(self, *point)

    monkeypatch.setattr(DaskLossSums, "evaluate", evaluate_and_kill)
    return points


def test_its_blocks_are_computed_again(own_client, monkeypatch):
    X, y, _ = make_data()
    address = next(iter(own_client.scheduler_info()["workers"]))
    points = kill_at_the_second_point(monkeypatch, own_client, address)
    # With each row's curvature at the workers, which is lost as well.
    words = {"solver": "trust-ncg", "tol": TOL}
    model = DaskFocalLogisticRegression(client=own_client, **words)
    model.fit(*on_dask(X, y, chunks=100))
    assert len(points) > 2
    assert_same_fit(model, FocalLogisticRegression(**words).fit(X, y))


def test_rows_that_nobody_else_has(own_client, monkeypatch):
    X, y, _ = make_data()
    address = next(iter(own_client.scheduler_info()["workers"]))
    block = own_client.scatter(X, workers=[address], hash=False)
    given = da.from_delayed(dask.delayed(block), X.shape, X.dtype)
    points = kill_at_the_second_point(monkeypatch, own_client, address)
    model = DaskFocalLogisticRegression(client=own_client, solver="trust-exact")
    before = vars(model).copy()
    with pytest.raises(RuntimeError, match=r"^training on the cluster failed: "):
        model.fit(given, *on_dask(y))
    assert len(points) == 2
    assert vars(model) == before


def test_no_worker_is_left(monkeypatch):
    monkeypatch.setattr(_errors, "_MAX_SECONDS_IDLE", 0.2)
    monkeypatch.setattr(_errors, "_SECONDS_PER_LOOK", 0.1)
    with (
        cluster(n_workers=0) as none,
        distributed.Client(none, set_as_default=False) as client,
        pytest.raises(RuntimeError, match=r"it has had no workers for 0\.2 s"),
    ):
        _errors.gather(client, client.map(np.sqrt, [1.0, 4.0]))
