"""Set up before any test module imports numba."""

from hypothesis import settings

# The first example of a new dtype or memory order compiles a kernel.
settings.register_profile("skfocal", deadline=None, derandomize=True)
settings.load_profile("skfocal")
