"""XGBoost models that hold their link and their focal loss."""

import json
import os
from contextlib import AbstractContextManager
from operator import methodcaller
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from skfocal._boosting.model_state import STATE_NAME, EngineModels, ModelState
from skfocal.xgboost._categories import with_categories_of
from skfocal.xgboost._model_file import read_model

__all__ = [
    "MODELS",
    "check_link",
    "check_same_kind",
    "count_linked_classes",
    "holds_log_odds",
    "is_linear",
    "linear_terms",
    "link_words",
    "read_state",
    "silent_copies",
    "up_to_best",
    "write_state",
]

_LINKS = ("binary:logistic", "multi:softprob", "multi:softmax")

FloatArray = npt.NDArray[np.floating]


MODELS = EngineModels(
    "XGBoost",
    xgb.Booster,
    "get_booster",
    methodcaller("get_booster"),
    read_model,
    (str, os.PathLike, bytearray),
)


def link_words(n_classes: int) -> dict[str, Any]:
    """Name the objective whose link turns raw predictions into expit or softmax."""
    if n_classes == 2:
        return {"objective": "binary:logistic"}
    return {"objective": "multi:softprob", "num_class": n_classes}


def _link_of(booster: xgb.Booster) -> str:
    """Return the objective that a model names."""
    return json.loads(booster.save_config())["learner"]["objective"]["name"]


def check_link(booster: xgb.Booster, name: str) -> None:
    """Raise if the model names a link that makes no probabilities of log-odds."""
    link = _link_of(booster)
    if link not in _LINKS:
        raise ValueError(
            f"{name} must be trained with objective='binary:logistic' or "
            f"'multi:softprob' beside obj, got {link!r}"
        )


def count_linked_classes(booster: xgb.Booster) -> int:
    """Return the number of classes of a model of one output for two."""
    param = json.loads(booster.save_config())["learner"]["learner_model_param"]
    n_classes, n_targets = int(param["num_class"]), int(param["num_target"])
    if n_targets > 1:
        raise ValueError(
            f"a classifier's model must have one target, got one of {n_targets} labels"
        )
    if n_classes == 2:
        raise ValueError(
            "a model of two classes must have one raw prediction, got one of objective "
            "'multi:softprob' that has two"
        )
    return max(2, n_classes)


def holds_log_odds(booster: xgb.Booster) -> bool:
    """Whether XGBoost trained the model with its own log loss, as far as it says."""
    return _link_of(booster) in _LINKS


def is_linear(booster: xgb.Booster) -> bool:
    """Whether the model has coefficients instead of trees."""
    return _kind_of(booster) == "gblinear"


def _kind_of(booster: xgb.Booster) -> str:
    return json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]


def check_same_kind(kind: str | None, origin: xgb.Booster) -> None:
    """Raise if training that goes on from a model would begin anew instead.

    XGBoost drops, without a word, what is of another kind. From 3.3 on trees and dart
    are of one.
    """
    known, linear = _kind_of(origin), is_linear(origin)
    # Without the parameter XGBoost goes on with trees of either kind.
    wanted = known if kind is None and not linear else kind or "gbtree"
    if wanted != known:
        with silent_copies():
            wanted = _kind_of(xgb.Booster({"booster": wanted, "num_feature": 1}))
    if wanted != known:
        raise ValueError(
            f"booster must be {known!r}, as xgb_model has it, to go on from that, "
            f"got {kind!r}"
        )


def linear_terms(booster: xgb.Booster) -> tuple[FloatArray, FloatArray]:
    """Return the coefficients, by class if there are more than two, and the biases."""
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    # A row for each feature and one for the biases, a column for each class.
    table = np.array(model["weights"]).reshape(booster.num_features() + 1, -1).T
    coef = table[:, :-1]
    return coef[0] if len(coef) == 1 else coef, table[:, -1]


def silent_copies() -> AbstractContextManager[None]:
    """Keep XGBoost from warning of a model again.

    It warns of a linear one whenever that is copied, loaded or given a parameter.
    """
    return xgb.config_context(verbosity=0)


def up_to_best(booster: xgb.Booster) -> xgb.Booster:
    """Drop the rounds after the best, which Booster.predict would use.

    And the note which round that was, which training that goes on would not update. A
    linear model can't be cut: it is what the last round made of it.
    """
    best = booster.attr("best_iteration")
    if best is None:
        return booster
    if not is_linear(booster):
        return with_categories_of(booster, booster[: int(best) + 1])
    booster = booster.copy()
    booster.set_attr(best_iteration=None, best_score=None)
    return booster


def write_state(booster: xgb.Booster, state: ModelState) -> xgb.Booster:
    """Keep loss and labels in the model's attributes, and return it."""
    booster.set_attr(**{STATE_NAME: state.to_text()})
    return booster


def read_state(booster: xgb.Booster) -> ModelState | None:
    """Return what :func:`write_state` wrote, or None."""
    text = booster.attr(STATE_NAME)
    return None if text is None else ModelState.from_text(text)
