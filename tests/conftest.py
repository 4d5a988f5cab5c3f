"""Set up before any test module imports numba or an engine."""

import os

from hypothesis import settings

# Side by side on the same cores, the engines' threads would wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The first example of a new dtype or memory order compiles a kernel.
settings.register_profile("skfocal", deadline=None, derandomize=True)
settings.load_profile("skfocal")

# They compile kernels for minutes and ask of other packages little that the rest does
# not: enough with the versions that the README's command installs.
SLOW = (
    *("tests/_compute/", "tests/docs/test_snippets.py", "tests/loss/"),
    *("tests/linear_model/test_kernels.py", "tests/linear_model/test_logistic"),
    *("tests/_boosting/test_calibration.py", "tests/_boosting/test_classes_and_"),
    *("tests/_boosting/test_metric.py", "tests/_boosting/test_objective.py"),
    *("tests/_boosting/test_training.py", "tests/_boosting/test_validation_sets.py"),
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker("slow")
