"""The raw prediction that an XGBoost model starts from, in log-odds.

Of two classes XGBoost holds it as a probability in float32, between 1e-6 and 1 - 1e-6.
What is left of a start outside of that stands in the leaves of the first tree, or in
the bias of a linear model.
"""

import json
from typing import Any

import numpy as np
import xgboost as xgb
from scipy.special import expit, logit

from skfocal.xgboost._categories import tree_weights, trees_of

__all__ = ["add_to_start", "held_start", "set_start", "start_of", "start_words"]

_LEAST_PROBA = 1e-6


def start_words(start: Any) -> dict[str, Any]:
    """Give a start in log-odds as XGBoost takes it: a probability, or raw values."""
    if np.ndim(start) == 0:
        # XGBoost 3.1 refuses 1.0 in float32, which later versions clip.
        return {"base_score": float(_held_proba(start))}
    return {"base_score": np.asarray(start, dtype=np.float64).tolist()}


def held_start(start: Any) -> Any:
    """Return a start as base_score holds it, but for float32's last digits.

    Of two classes it is a probability, which XGBoost clips, and which next to 1 has few
    digits of its distance.
    """
    if np.ndim(start) > 0:
        return start
    one = np.float32(1.0)
    held = float(-np.log(one / _held_proba(start) - one))
    return float(start) if np.isclose(start, held, rtol=1e-6, atol=1e-6) else held


def _held_proba(start: float) -> np.float32:
    one, least = np.float32(1.0), np.float32(_LEAST_PROBA)
    return np.clip(np.float32(expit(start)), least, one - least)


def start_of(booster: xgb.Booster) -> Any:
    """Return what base_score holds, in log-odds."""
    learner = json.loads(booster.save_config())["learner"]
    values = np.array(json.loads(learner["learner_model_param"]["base_score"]), float)
    if int(learner["learner_model_param"]["num_class"]) > 1:
        return values
    return held_start(logit(values.ravel()[0]))


def set_start(booster: xgb.Booster, start: Any) -> Any:
    """Let a model start there, and return where it does."""
    booster.set_param(start_words(start))
    rest = add_to_start(booster, start - held_start(start))
    return start_of(booster) + rest


def add_to_start(booster: xgb.Booster, shift: Any) -> Any:
    """Add a constant raw prediction, of each class if there are more than two.

    Returns
    -------
    float or ndarray of shape (n_classes,)
        What was added: less than the shift, if a model without trees can't hold it.
    """
    if not np.any(shift):
        return shift
    before = start_of(booster)
    start = before + shift
    held = held_start(start)
    if np.array_equal(held, start):
        booster.set_param(start_words(start))
        return shift
    added = _add_to_first_tree(booster, start - held)
    booster.set_param(start_words(start))
    return shift if added else held - before


def _add_to_first_tree(booster: xgb.Booster, constant: float) -> bool:
    """Add to all raw predictions of two classes, or return False without a place."""
    if booster.num_boosted_rounds() == 0:
        return False
    # Neither the model nor its file holds the parameters of the training.
    config = booster.save_config()
    model = json.loads(booster.save_raw("json"))
    ensemble = model["learner"]["gradient_booster"]
    if ensemble["name"] == "gblinear":
        ensemble["model"]["weights"][-1] += constant
    else:
        shift = constant / tree_weights(model)[0]
        _raise_leaves(trees_of(model)["trees"][0], shift)
    booster.load_model(bytearray(json.dumps(model).encode()))
    booster.load_config(config)
    return True


def _raise_leaves(tree: dict[str, Any], constant: float) -> None:
    for node, child in enumerate(tree["left_children"]):
        if child == -1:
            # A leaf has its value where others have their threshold.
            tree["split_conditions"][node] += constant
