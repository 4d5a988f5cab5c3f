"""Whether XGBoost can walk the trees of a model file.

It reads a file whose numbers point outside of their arrays, and ends the process when
it predicts.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal.xgboost._categories import tree_weights, trees_of

__all__ = ["check_model"]

IntArray = npt.NDArray[np.integer]

_OF_NODES = (
    *("left_children", "right_children", "parents", "split_indices"),
    *("split_conditions", "default_left", "split_type"),
)
_OF_CATEGORIES = ("categories_nodes", "categories_segments", "categories_sizes")
# What the root has.
_NO_PARENT = (-1, 2**31 - 1)


def check_model(model: dict[str, Any]) -> None:
    """Raise if XGBoost would read outside of the arrays of a parsed model."""
    learner = model["learner"]
    n_features = int(learner["learner_model_param"]["num_feature"])
    n_outputs = max(
        int(learner["learner_model_param"][name])
        for name in ("num_class", "num_target")
    )
    ensemble = learner["gradient_booster"]
    if ensemble["name"] == "gblinear":
        if len(ensemble["model"]["weights"]) != (n_features + 1) * max(n_outputs, 1):
            raise ValueError("it has no coefficient of each feature")
        return
    trees = trees_of(model)
    for fault in _faults_of_ensemble(trees, max(n_outputs, 1)):
        raise ValueError(f"it has {fault}")
    if len(tree_weights(model)) != len(trees["trees"]):
        raise ValueError("it has no weight of each tree")
    for number, tree in enumerate(trees["trees"]):
        if not _is_tree(tree, n_features):
            raise ValueError(f"its tree {number} isn't one")


def _faults_of_ensemble(model: dict[str, Any], n_outputs: int) -> Iterator[str]:
    n_trees = len(model["trees"])
    if int(model["gbtree_model_param"]["num_trees"]) != n_trees:
        yield "another number of trees than it says"
    outputs = np.array(model["tree_info"], dtype=np.int64)
    if len(outputs) != n_trees or not _all_within(outputs, n_outputs):
        yield f"trees for other outputs than its {n_outputs}"
    rounds = np.array(model["iteration_indptr"], dtype=np.int64)
    if rounds[0] != 0 or rounds[-1] != n_trees or (np.diff(rounds) < 0).any():
        yield "rounds that don't make up its trees"


def _is_tree(tree: dict[str, Any], n_features: int) -> bool:
    left, right, features = (
        np.array(tree[name], dtype=np.int64)
        for name in ("left_children", "right_children", "split_indices")
    )
    inner, n_nodes = left != -1, len(left)
    if int(tree["tree_param"]["num_nodes"]) != n_nodes or not n_nodes:
        return False
    if any(len(tree[name]) != n_nodes for name in _OF_NODES):
        return False
    children = np.concatenate([left[inner], right[inner]])
    parents = np.array(tree["parents"], dtype=np.int64)
    # With one parent each and none of the root, no walk from the root turns in circles.
    walkable = (
        (_has_vectors(tree) or np.array_equal(inner, right != -1))
        and len(np.unique(children)) == len(children)
        and _all_within(children, n_nodes, 1)
        and np.array_equal(parents[children], np.tile(np.flatnonzero(inner), 2))
        and parents[0] in _NO_PARENT
    )
    return bool(
        walkable
        and _all_within(features[inner], n_features)
        and _has_categories(tree, n_nodes)
    )


def _has_categories(tree: dict[str, Any], n_nodes: int) -> bool:
    """Whether the categories of each split by categories are there."""
    nodes, begins, sizes = (np.array(tree[n], dtype=np.int64) for n in _OF_CATEGORIES)
    if not len(nodes) == len(begins) == len(sizes):
        return False
    split = np.flatnonzero(np.array(tree["split_type"], dtype=np.int64))
    n_known = len(tree["categories"])
    return bool(
        np.array_equal(np.sort(nodes), split)
        and _all_within(nodes, n_nodes)
        and _all_within(sizes, n_known + 1)
        and _all_within(begins, n_known + 1)
        and (begins + sizes <= n_known).all()
    )


def _all_within(values: IntArray, end: int, begin: int = 0) -> bool:
    return bool(((values >= begin) & (values < end)).all())


def _has_vectors(tree: dict[str, Any]) -> bool:
    """Whether a leaf has a value for each class, whose place is its right child."""
    return int(tree["tree_param"]["size_leaf_vector"]) > 1
