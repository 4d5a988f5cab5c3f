"""Set up before any test module imports numba or an engine."""

import os

from hypothesis import settings

# Side by side on the same cores, the engines' threads would wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# The first example of a new dtype or memory order compiles a kernel.
settings.register_profile("skfocal", deadline=None, derandomize=True)
settings.load_profile("skfocal")
