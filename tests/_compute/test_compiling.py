"""That a cached kernel is never older than the code that is inlined into it."""

import shutil
import subprocess
import sys
from pathlib import Path

import skfocal
from skfocal._compute import compiling
from skfocal.loss._binary_kernels import binary_focal

CODE = """
import numpy as np
from skfocal import FocalLoss
print(FocalLoss(2.0).loss([1], [0.5])[0])
"""


def run(folder):
    words = {"cwd": folder, "text": True, "env": {"PYTHONPATH": str(folder)}}
    return float(subprocess.check_output([sys.executable, "-c", CODE], **words))


def test_an_edit_of_an_inlined_file_reaches_cached_kernels(tmp_path):
    source = Path(skfocal.__file__).parent
    shutil.copytree(
        source, tmp_path / "skfocal", ignore=shutil.ignore_patterns("__pycache__")
    )
    before = run(tmp_path)
    assert run(tmp_path) == before
    file = tmp_path / "skfocal" / "loss" / "_kernel_terms.py"
    text = file.read_text()
    assert "return odd * even" in text
    file.write_text(text.replace("return odd * even", "return 2.0 * odd * even"))
    assert run(tmp_path) == 2.0 * before


def test_kernels_are_named_by_the_files_inlined_into_them(tmp_path):
    digest = compiling._digest(Path(compiling.__file__).parents[1] / "loss")
    assert binary_focal.py_func.__qualname__ == f"binary_focal{digest}"
    assert compiling._digest(tmp_path) != digest
    (tmp_path / "my_kernels.py").write_text("x = 1")
    first = compiling._digest(tmp_path)
    (tmp_path / "my_kernels.py").write_text("x = 2")
    assert compiling._digest(tmp_path) != first
