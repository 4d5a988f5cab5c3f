"""LightGBM's model files, checked before LightGBM reads them.

It aborts the process over a file that was cut off or damaged, and predicts otherwise,
without a word, where a digit has changed. Each model of a classifier here holds the
checksums of its own parts; of others the trees are compared with what they say of
themselves.
"""

import json
import os
import re
from pathlib import Path
from zlib import crc32

from skfocal._boosting.model_state import STATE_NAME
from skfocal.lightgbm._model_text import (
    PARAMETERS,
    TREE_SIZES,
    header_of,
    note_line,
    note_of,
    tree_texts,
    with_note,
)
from skfocal.lightgbm._tree_checks import check_trees

__all__ = ["read_model_text", "with_checksums"]

_CHECKSUMS = f"{STATE_NAME}_checksums"
_ALL_TREES, _ALL_PARAMETERS = "end of trees\n", "\nend of parameters\n"
_CATEGORIES = "pandas_categorical"
# A file may begin with a later tree, and of a tree of one leaf LightGBM forgets a 0.
_CHANGING = re.compile(r"^Tree=\d+\n|^leaf_weight=0?\n", re.MULTILINE)
# LightGBM writes six digits of those that the start was added to.
_INNER_NODES = re.compile(r"(?<=^internal_value=).+$", re.MULTILINE)


def with_checksums(text: str) -> str:
    """Write the checksums of a model's parts among its parameters."""
    sums = [*_sums_of_frame(text), *_sums_of_trees(text)]
    return with_note(text, _CHECKSUMS, " ".join(sums))


def _sum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"


def _sums_of_frame(text: str) -> list[str]:
    """Of the header, of our state and of the categories.

    Not of the numbers that other numbers of trees change.
    """
    header = TREE_SIZES.sub("", header_of(text))
    state = note_line(text, STATE_NAME) or ""
    return [
        _sum(header),
        _sum(state),
        _sum(text.rpartition(f"\n{_CATEGORIES}:")[2].strip()),
    ]


def _sums_of_trees(text: str) -> list[str]:
    trees = (_CHANGING.sub("", tree) for tree in tree_texts(text))
    return [_sum(_INNER_NODES.sub(_rounded, tree)) for tree in trees]


def _rounded(line: re.Match[str]) -> str:
    return " ".join(f"{float(value):g}" for value in line[0].split())


def read_model_text(path: str | os.PathLike[str], name: str) -> str:
    """Return a whole and undamaged model, with the line ends that LightGBM reads.

    Parameters
    ----------
    path : str or Path
        The file.
    name : str
        The argument that it was given as.
    """
    content = Path(path).read_bytes()
    try:
        text = content.decode().replace("\r\n", "\n")
        _check_marks(text)
        sums = note_of(text, _CHECKSUMS)
        if sums is None:
            check_trees(text)
        else:
            _check_sums(text, sums.split())
    except ValueError as error:
        raise ValueError(
            f"{name} must be a whole and undamaged model file of LightGBM, got "
            f"{os.fspath(path)!r}: {error}"
        ) from None
    return text


def _check_marks(text: str) -> None:
    """Raise if the file doesn't begin, go on and end as it should."""
    if not text.startswith("tree\n"):
        raise ValueError(f"it begins with {text[:20]!r}")
    sizes = TREE_SIZES.search(header_of(text))
    if sizes is None or not all(map(str.isdecimal, sizes[1].split())):
        raise ValueError("the sizes of its trees are missing")
    trees = list(tree_texts(text))
    wrong = [i for i, tree in enumerate(trees) if not _is_tree(tree, i)]
    if wrong:
        raise ValueError(f"its tree {wrong[0]} isn't as long as tree_sizes says")
    rest = text[sizes.end() + 1 + sum(map(len, trees)) :]
    if not rest.startswith(_ALL_TREES):
        raise ValueError(f"{_ALL_TREES.strip()!r} is missing behind its trees")
    if PARAMETERS not in rest or _ALL_PARAMETERS not in rest:
        raise ValueError(f"{_ALL_PARAMETERS.strip()!r} is missing")
    last = rest.partition(_ALL_PARAMETERS)[2].strip()
    # Models that Python didn't write end here.
    if last and not _are_categories(last):
        raise ValueError(f"it ends with {last[-20:]!r}")


def _are_categories(line: str) -> bool:
    name, _, values = line.partition(":")
    try:
        return name == _CATEGORIES and json.loads(values) is not False
    except ValueError:
        return False


def _is_tree(tree: str, number: int) -> bool:
    return tree.startswith(f"Tree={number}\n") and tree.endswith("\n\n\n")


def _check_sums(text: str, sums: list[str]) -> None:
    """Raise unless the trees are a run of those that were written, frame included."""
    parts = zip(("header", "state", "categories"), sums, strict=False)
    for (part, written), found in zip(parts, _sums_of_frame(text), strict=True):
        if written != found:
            raise ValueError(f"its {part} isn't the one that was written")
    trees = " ".join(_sums_of_trees(text))
    if f" {trees} " not in f" {' '.join(sums[3:])} ":
        raise ValueError("its trees aren't those that were written")
