"""Whether the trees of a LightGBM model file are what they say of themselves."""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from skfocal.lightgbm._model_text import header_of, tree_texts

__all__ = ["check_trees"]

FloatArray = npt.NDArray[np.floating]

_OF_NODES = (
    *("split_feature", "split_gain", "threshold", "decision_type"),
    *("left_child", "right_child", "internal_value", "internal_weight"),
    "internal_count",
)
_OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_LAST_FEATURE = re.compile(r"^max_feature_idx=(\d+)$", re.MULTILINE)
_OUTPUTS = re.compile(r"^num_tree_per_iteration=(\d+)$", re.MULTILINE)


def check_trees(text: str) -> None:
    """Raise if LightGBM would read or write outside of its arrays."""
    header = header_of(text)
    n_outputs, last = _OUTPUTS.search(header), _LAST_FEATURE.search(text)
    if n_outputs is None or last is None:
        raise ValueError("its header lacks the numbers of features and outputs")
    trees = list(tree_texts(text))
    if int(n_outputs[1]) == 0 or len(trees) % int(n_outputs[1]):
        raise ValueError(f"it has {len(trees)} trees for {n_outputs[1]} outputs")
    for i, tree in enumerate(trees):
        fault = next(_faults(tree, int(last[1])), None)
        if fault is not None:
            raise ValueError(f"its tree {i} has {fault}")


def _faults(tree: str, last_feature: int) -> Iterator[str]:
    lines = (line.partition("=") for line in tree.split("\n"))
    fields = {name: values.split() for name, sign, values in lines if sign}
    n_leaves, n_categorical = _count(fields, "num_leaves"), _count(fields, "num_cat")
    if n_leaves < 1 or n_categorical < 0:
        yield "no number of leaves and of categorical splits"
        return
    if n_leaves == 1:
        numbers = {"leaf_value": 1}
    else:
        numbers = dict.fromkeys(_OF_NODES, n_leaves - 1)
        numbers |= dict.fromkeys(_OF_LEAVES, n_leaves)
    if n_categorical:
        numbers["cat_boundaries"] = n_categorical + 1
    arrays = {name: _numbers(fields.get(name, [])) for name in numbers}
    for name, count in numbers.items():
        if len(arrays[name]) != count:
            yield f"no {name} of {count} numbers"
            return
    if n_leaves > 1:
        yield from _faults_of_nodes(arrays, n_leaves, last_feature)
    if n_categorical:
        yield from _faults_of_categories(arrays, fields, n_categorical)


def _faults_of_nodes(
    arrays: dict[str, FloatArray], n_leaves: int, last_feature: int
) -> Iterator[str]:
    children = np.concatenate([arrays["left_child"], arrays["right_child"]])
    # Nodes but for the first, and leaves as negative numbers: each once.
    if not np.array_equal(
        np.sort(children), [*range(-n_leaves, 0), *range(1, n_leaves - 1)]
    ):
        yield "children that make no tree"
    features = arrays["split_feature"]
    if not ((features >= 0) & (features <= last_feature)).all():
        yield f"a split_feature outside of 0 .. {last_feature}"


def _faults_of_categories(
    arrays: dict[str, FloatArray], fields: dict[str, list[str]], n_categorical: int
) -> Iterator[str]:
    bounds = arrays["cat_boundaries"]
    words = _numbers(fields.get("cat_threshold", []))
    if bounds[0] != 0 or (np.diff(bounds) <= 0).any() or bounds[-1] != len(words):
        yield "cat_boundaries that don't fit its cat_threshold"
    categorical = arrays["decision_type"].astype(int) & 1 == 1
    which = arrays["threshold"][categorical]
    if not np.array_equal(np.sort(which), np.arange(n_categorical)):
        yield f"categorical splits other than 0 .. {n_categorical - 1}"


def _count(fields: dict[str, list[str]], name: str) -> int:
    values = fields.get(name, [])
    return int(values[0]) if len(values) == 1 and values[0].isdecimal() else -1


def _numbers(values: list[str]) -> FloatArray:
    """Return finite numbers, or none if one of them is no such number."""
    try:
        numbers = np.array(values, dtype=np.float64)
    except ValueError:
        return np.zeros(0)
    return numbers if np.isfinite(numbers).all() else np.zeros(0)
