"""Whether the trees of an XGBoost model file can be walked.

XGBoost reads a file whose children stand outside of their tree, and ends the process
when it predicts.
"""

import json
from typing import Any

import numpy as np
import xgboost as xgb

from skfocal.xgboost._categories import trees_of

__all__ = ["read_model"]


def read_model(path: str, name: str) -> xgb.Booster:
    """Return the model of a file, given as an argument of a name."""
    booster = xgb.Booster(model_file=path)
    model = trees_of(json.loads(booster.save_raw("json")))
    for number, tree in enumerate(model.get("trees", ())):
        if not _is_tree(tree, booster.num_features()):
            raise ValueError(
                f"{name} must be an undamaged model file of XGBoost, got {path!r}, "
                f"whose tree {number} isn't one"
            )
    return booster


def _is_tree(tree: dict[str, Any], n_features: int) -> bool:
    left, right = (np.array(tree[f"{side}_children"]) for side in ("left", "right"))
    features, inner = np.array(tree["split_indices"]), left != -1
    if not len(left) == len(right) == len(features):
        return False
    children = np.concatenate([left[inner], right[inner]])
    # With one parent each and none of the root, no walk from the root turns in circles.
    walkable = (
        (_has_vectors(tree) or np.array_equal(inner, right != -1))
        and len(np.unique(children)) == len(children)
        and ((children > 0) & (children < len(left))).all()
    )
    return bool(walkable and ((features >= 0) & (features < n_features))[inner].all())


def _has_vectors(tree: dict[str, Any]) -> bool:
    """Whether a leaf has a value for each class, whose place is its right child."""
    return int(tree["tree_param"]["size_leaf_vector"]) > 1
