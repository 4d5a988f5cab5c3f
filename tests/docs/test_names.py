"""What the documentation names exists: versions, and the names that it links to."""

import builtins
import pkgutil
import re

import pytest

import skfocal
from tests.docs.snippets import DOCS

ROOT = DOCS.parent
LINKED = [
    line.split()[0]
    for path in sorted((DOCS / "_inventories").glob("*.inv"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def test_the_version_to_cite():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {skfocal.__version__}\n" in citation
    page = (DOCS / "citing.rst").read_text(encoding="utf-8")
    assert re.search(r"version = \{(.+)\}", page)[1] == skfocal.__version__


def test_the_changelog_begins_with_this_version():
    changelog = (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8").splitlines()
    first = next(line for line in changelog if re.match(r"\d", line))
    assert first.split()[0] == skfocal.__version__


@pytest.mark.parametrize("name", LINKED)
def test_what_is_linked_to_exists(name):
    assert hasattr(builtins, name) or pkgutil.resolve_name(name)
