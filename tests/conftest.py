"""Set up before any test module imports numba or an engine."""

import os

import pytest
from hypothesis import settings

# Side by side on the same cores, the engines' threads would wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The first example of a new dtype or memory order compiles a kernel.
settings.register_profile("skfocal", deadline=None, derandomize=True)
settings.load_profile("skfocal")

# What other packages' versions are likely to change: CI runs it with the oldest and the
# newest of them as well. The rest compiles kernels for minutes.
OF_VERSIONS = (
    *("tests/test_common", "tests/test_public_api", "tests/_boosting/test_tables"),
    *("tests/_boosting/test_released_models", "tests/lightgbm/test_host"),
    *("tests/lightgbm/test_words", "tests/xgboost/test_saved_models"),
    *("tests/xgboost/test_cut_categories", "tests/xgboost/test_host_class"),
    *("tests/xgboost/test_other_tables", "tests/xgboost/test_tables"),
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.startswith(OF_VERSIONS):
            item.add_marker("versions")
        # Two Dask clusters at a time might take each other's ports for LightGBM.
        if item.get_closest_marker("distributed"):
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
