"""LightGBM models that hold their start value, their link and their focal loss."""

from operator import attrgetter
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from skfocal._boosting.model_state import STATE_NAME, EngineModels, ModelState

__all__ = [
    "MODELS",
    "constant_booster",
    "copy_of",
    "fold_start",
    "has_usable_feature",
    "read_state",
    "write_link_and_state",
]

MODELS = EngineModels("LightGBM", lgb.Booster, "predict_proba", attrgetter("booster_"))

# Where LightGBM keeps the parameters of a training, as lines "[name: value]".
_PARAMETERS = "\nparameters:\n"
_STATE_START = f"[{STATE_NAME}: "


def has_usable_feature(data: lgb.Dataset) -> bool:
    """Whether any feature of a constructed Dataset has more than one bin."""
    return any(data.feature_num_bin(k) > 1 for k in range(data.num_feature()))


def copy_of(booster: lgb.Booster) -> lgb.Booster:
    """Return a copy with all trees."""
    copied = lgb.Booster(model_str=booster.model_to_string(num_iteration=-1))
    copied.best_iteration = booster.best_iteration
    return copied


def constant_booster(
    params: dict[str, Any], data: lgb.Dataset, init_model: lgb.Booster | None
) -> lgb.Booster:
    """A model of one leaf per class, of value 0, for data without a usable feature.

    Where training was to go on from a model, it is that model.

    LightGBM fails on such data with a custom objective (microsoft/LightGBM#5667).
    """
    if init_model is not None:
        return lgb.Booster(model_str=init_model.model_to_string())
    kept = ("num_class", "verbosity", "verbose", "num_threads")
    words = {name: params[name] for name in kept if name in params}
    words["objective"] = "multiclass" if "num_class" in params else "binary"
    booster = lgb.train(words, data, num_boost_round=1)
    for tree in range(params.get("num_class", 1)):
        booster.set_leaf_output(tree, 0, 0.0)
    return booster


def fold_start(booster: lgb.Booster, start: npt.ArrayLike) -> None:
    """Add a constant raw prediction per class to the leaves of the first trees."""
    if not np.any(start):
        return
    trees = booster.dump_model(num_iteration=1)["tree_info"]
    for tree, value in zip(trees, np.broadcast_to(start, len(trees)), strict=True):
        index = tree["tree_index"]
        for leaf in range(tree["num_leaves"]):
            output = booster.get_leaf_output(index, leaf)
            booster.set_leaf_output(index, leaf, output + float(value))


def write_link_and_state(booster: lgb.Booster, state: ModelState) -> None:
    """Let ``booster.predict`` return expit or softmax, and keep loss and labels.

    A model of a custom objective names no link, so that it would return the raw
    prediction. The state becomes a line among the parameters, which LightGBM writes
    again as it read them.
    """
    n_classes = len(state.classes)
    link = "binary sigmoid:1" if n_classes == 2 else f"multiclass num_class:{n_classes}"
    best_iteration = booster.best_iteration
    # All trees: with a best iteration set, fewer are written by default.
    text = booster.model_to_string(num_iteration=-1)
    head, names, rest = text.partition("feature_names=")
    lines = [line for line in head.splitlines() if not line.startswith("objective=")]
    linked = "\n".join([*lines, f"objective={link}", names + rest])
    booster.model_from_string(_with_state(linked, state.to_text()))
    booster.best_iteration = best_iteration


def _with_state(text: str, state: str | None) -> str:
    trees, parameters, rest = text.rpartition(_PARAMETERS)
    lines = [line for line in rest.split("\n") if not line.startswith(_STATE_START)]
    if state is not None:
        lines.insert(0, f"{_STATE_START}{state}]")
    return trees + parameters + "\n".join(lines)


def read_state(booster: lgb.Booster) -> ModelState | None:
    """Return what :func:`write_link_and_state` wrote, or None."""
    text = booster.model_to_string(num_iteration=1).rpartition(_PARAMETERS)[2]
    for line in text.split("\n"):
        if line.startswith(_STATE_START):
            state = line.removeprefix(_STATE_START).removesuffix("]")
            return ModelState.from_text(state)
    return None
