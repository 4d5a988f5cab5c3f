"""LightGBM's models as text: what a custom objective leaves unsaid, written into it.

LightGBM's own log loss adds its start value to all nodes of the first trees and names
itself as the objective. Both are found by every reader of the text.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

__all__ = [
    "PARAMETERS",
    "TREE_SIZES",
    "header_of",
    "note_line",
    "note_of",
    "objective_of",
    "tree_texts",
    "with_link",
    "with_note",
    "with_objective",
    "with_start",
]

# Where LightGBM keeps the parameters of a training, as lines "[name: value]".
PARAMETERS = "\nparameters:\n"
# LightGBM cuts a parameter at its colons.
_NO_COLON = " !\"#$&'()*+,-./;<=>?@[\\]^_`{|}~"
_TREES_A_ROUND = re.compile(r"^num_tree_per_iteration=(\d+)$", re.MULTILINE)
TREE_SIZES = re.compile(r"^tree_sizes=(.*)\n", re.MULTILINE)
_NODE_VALUES = re.compile(r"^(leaf_value|internal_value)=(.+)$", re.MULTILINE)
_OBJECTIVE = re.compile(r"^objective=(.*)\n", re.MULTILINE)


def with_start(text: str, start: npt.ArrayLike) -> str:
    """Add a constant raw prediction per class to the nodes of the first trees."""
    if not np.any(start):
        return text
    n_outputs = int(_found(_TREES_A_ROUND, text)[1])
    sizes = _found(TREE_SIZES, text)
    trees = list(tree_texts(text))
    for k, value in enumerate(np.broadcast_to(start, n_outputs)):
        trees[k] = _raised(trees[k], float(value))
    lengths = " ".join(str(len(tree)) for tree in trees)
    end = sizes.end() + 1 + sum(map(int, sizes[1].split()))
    head = f"{text[: sizes.start()]}tree_sizes={lengths}\n\n"
    return head + "".join(trees) + text[end:]


def _found(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = pattern.search(text)
    if found is None:
        raise ValueError(f"a model of LightGBM must have {pattern.pattern!r}")
    return found


def tree_texts(text: str) -> Iterator[str]:
    """Cut the trees apart; they are ASCII, so that bytes are characters."""
    sizes = _found(TREE_SIZES, text)
    begin = sizes.end() + 1
    for size in map(int, sizes[1].split()):
        yield text[begin : begin + size]
        begin += size


def _raised(tree: str, by: float) -> str:
    def raise_line(line: re.Match[str]) -> str:
        # As LightGBM itself writes a leaf, so that it stays when it does so again.
        values = (format(float(value) + by, ".17g") for value in line[2].split())
        return f"{line[1]}={' '.join(values)}"

    return _NODE_VALUES.sub(raise_line, tree)


def objective_of(text: str) -> str | None:
    """Return what the header says of the link, such as "binary sigmoid:1"."""
    found = _OBJECTIVE.search(header_of(text))
    return None if found is None else found[1]


def header_of(text: str) -> str:
    """Return what stands before the trees, ``tree_sizes`` included."""
    return text.partition("\n\n")[0] + "\n"


def with_link(text: str, link: str) -> str:
    """Name the function of the raw prediction that ``predict`` returns."""
    header, heading, rest = text.partition("feature_names=")
    return _OBJECTIVE.sub("", header) + f"objective={link}\n" + heading + rest


def with_objective(text: str, objective: str) -> str:
    """Name the objective among the parameters, too."""
    trees, heading, rest = text.rpartition(PARAMETERS)
    line = re.compile(r"^\[objective: .*\]$", re.MULTILINE)
    return trees + heading + line.sub(f"[objective: {objective}]", rest, count=1)


def with_note(text: str, name: str, note: str | None) -> str:
    """Write a line of ours among the parameters, in place of an older one.

    It has the form of a parameter of no value, whose name holds the note: of others
    that it doesn't know LightGBM warns whenever it reads the model.
    """
    trees, heading, rest = text.rpartition(PARAMETERS)
    lines = [line for line in rest.split("\n") if not line.startswith(f"[{name} ")]
    if note is not None:
        lines.insert(0, f"[{name} {quote(note, _NO_COLON)}: ]")
    return trees + heading + "\n".join(lines)


def note_of(text: str, name: str) -> str | None:
    """Return what :func:`with_note` wrote, or None."""
    line = note_line(text, name)
    if line is None:
        return None
    return unquote(line.removeprefix(f"[{name} ").removesuffix(": ]"))


def note_line(text: str, name: str) -> str | None:
    """Return the line that :func:`with_note` wrote, or None."""
    lines = text.rpartition(PARAMETERS)[2].split("\n")
    return next((line for line in lines if line.startswith(f"[{name} ")), None)
