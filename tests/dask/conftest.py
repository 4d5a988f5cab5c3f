"""One cluster of two processes for all tests of Dask, on this machine alone."""

import logging

import pytest

distributed = pytest.importorskip("distributed", reason="needs skfocal[dask]")


@pytest.fixture(scope="session")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            # With None it would be the port that another cluster may have.
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
