"""That a cached kernel is never older than the code that is inlined into it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skfocal
from skfocal import FocalLoss
from skfocal._compute import compiling
from skfocal.loss._binary_kernels import binary_focal

CODE = """
import numpy as np
from skfocal import FocalLoss
print(FocalLoss(2.0).loss([1], [0.5])[0])
"""


# As on a disk that is full.
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
"""


def run(folder, before=""):
    words = {"cwd": folder, "text": True, "env": {"PYTHONPATH": str(folder)}}
    command = [sys.executable, "-c", before + CODE]
    return float(subprocess.check_output(command, **words))


@pytest.fixture
def copied(tmp_path):
    """Return a folder with a copy of the package that has compiled nothing yet."""
    source = Path(skfocal.__file__).parent
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, tmp_path / "skfocal", ignore=skipped)
    return tmp_path


def test_an_edit_of_an_inlined_file_reaches_cached_kernels(copied):
    before = run(copied)
    assert run(copied) == before
    file = copied / "skfocal" / "loss" / "_kernel_terms.py"
    text = file.read_text()
    assert "return odd * even" in text
    file.write_text(text.replace("return odd * even", "return 2.0 * odd * even"))
    assert run(copied) == 2.0 * before


def cache_files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*.nb?")}


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits of files")
def test_a_full_disk_costs_the_cache_only(copied):
    assert run(copied, FULL) == pytest.approx(FocalLoss(2.0).loss([1], [0.5])[0])
    assert not any(cache_files(copied).values())


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_cache_files_that_were_cut_off_are_written_anew(copied, ending):
    expected, kept = run(copied), []
    for path in copied.rglob(f"*.{ending}"):
        path.write_bytes(path.read_bytes()[:-50])
    damaged = cache_files(copied)
    for _ in range(2):
        assert run(copied) == expected
        kept.append(cache_files(copied))
    assert kept[0] == kept[1] != damaged


def test_kernels_are_named_by_the_files_inlined_into_them(tmp_path):
    digest = compiling._digest(Path(compiling.__file__).parents[1] / "loss")
    assert binary_focal.py_func.__qualname__ == f"binary_focal{digest}"
    assert compiling._digest(tmp_path) != digest
    (tmp_path / "my_kernels.py").write_text("x = 1")
    first = compiling._digest(tmp_path)
    (tmp_path / "my_kernels.py").write_text("x = 2")
    assert compiling._digest(tmp_path) != first
