"""Which errors are the cluster's."""

from types import SimpleNamespace

import pytest

distributed = pytest.importorskip("distributed", reason="needs skfocal[dask]")

from distributed.client import FutureCancelledError  # noqa: E402
from distributed.comm import CommClosedError  # noqa: E402
from distributed.scheduler import NoWorkerError  # noqa: E402

from skfocal.dask._errors import cluster_errors  # noqa: E402


@pytest.mark.parametrize(
    "error",
    [
        distributed.KilledWorker("task", SimpleNamespace(address="tcp://127.0.0.1"), 3),
        FutureCancelledError("task", "lost dependencies"),
        CommClosedError("in <TCP>: Stream is closed"),
        NoWorkerError("task", 1.0),
        TimeoutError("after 30 s"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_of_the_cluster_is_one_error(error):
    name = type(error).__name__
    failed = f"^training on the cluster failed: {name}: "
    with pytest.raises(RuntimeError, match=failed) as raised, cluster_errors():
        raise error
    assert raised.value.__cause__ is error
    assert str(error) in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [ValueError("X"), TypeError("y"), RuntimeError("z"), OSError("disk")],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as raised, cluster_errors():
        raise error
    assert raised.value is error
