"""Set up before any test module imports numba."""

import hashlib
import os
import tempfile
from pathlib import Path

from hypothesis import settings

# A kernel's cache entry doesn't notice an edit of a file that the kernel's own file
# imports: a stale kernel would pass tests that the edited formula fails.
_source = Path(__file__).parents[1] / "skfocal"
_digest = hashlib.sha256()
for _file in sorted(_source.glob("_*.py")):
    _digest.update(_file.read_bytes())
os.environ["NUMBA_CACHE_DIR"] = str(
    Path(tempfile.gettempdir()) / f"skfocal-test-{_digest.hexdigest()[:16]}"
)

# The first example of a new dtype or memory order compiles a kernel.
settings.register_profile("skfocal", deadline=None, derandomize=True)
settings.load_profile("skfocal")
