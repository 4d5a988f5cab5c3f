"""The table of categories in a model, by which XGBoost codes those of other frames."""

import json
from typing import Any

import numpy as np
import xgboost as xgb

__all__ = ["tree_weights", "trees_of", "with_categories_of"]


def with_categories_of(whole: xgb.Booster, part: xgb.Booster) -> xgb.Booster:
    """Return a slice of a model with the model's table of categories.

    Without it the slice would read a frame's codes as those of the training data, in
    whatever order that frame has its categories. XGBoost's own slices lose it until 3.4
    (3.1 and 3.2 do for certain).
    """
    # A linear model, which can't be cut, doesn't let itself be asked.
    if part is whole or whole.get_categories().empty():
        return part
    if not part.get_categories().empty():
        return part
    model = json.loads(part.save_raw("json"))
    trees_of(model)["cats"] = trees_of(json.loads(whole.save_raw("json")))["cats"]
    restored = xgb.Booster(model_file=bytearray(json.dumps(model).encode()))
    # A file doesn't hold the parameters of the training.
    restored.load_config(part.save_config())
    return restored


def trees_of(model: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a model's JSON that holds its trees and categories."""
    booster = model["learner"]["gradient_booster"]
    # That of dart holds one of gbtree.
    return booster.get("gbtree", booster)["model"]


def tree_weights(model: dict[str, Any]) -> Any:
    """Return the factor of each tree of a model's JSON.

    Dart multiplies a tree by what was left of it whenever it was dropped. It stands
    beside the ensemble until XGBoost 3.3, and later in it.
    """
    trees = trees_of(model)
    weights = model["learner"]["gradient_booster"].get("weight_drop", ())
    weights = trees.get("weight_drop", weights)
    return weights if len(weights) else np.ones(len(trees["trees"]))
