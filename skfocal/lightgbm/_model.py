"""LightGBM models that hold their start value, their link and their focal loss."""

from operator import attrgetter
from typing import Any

import lightgbm as lgb
import numpy.typing as npt

from skfocal._boosting.model_state import STATE_NAME, EngineModels, ModelState
from skfocal.lightgbm._model_file import read_model_text, with_checksums
from skfocal.lightgbm._model_text import (
    note_of,
    objective_of,
    with_link,
    with_note,
    with_objective,
    with_start,
)

__all__ = [
    "MODELS",
    "check_link",
    "count_classes_of",
    "has_usable_feature",
    "holds_log_odds",
    "raised_copy_of",
    "read_state",
    "self_contained",
    "with_codes_of",
    "words_without_features",
]


def _of_file(path: str, name: str) -> lgb.Booster:
    return lgb.Booster(model_str=read_model_text(path, name))


MODELS = EngineModels(
    "LightGBM", lgb.Booster, "predict_proba", attrgetter("booster_"), _of_file
)


def has_usable_feature(data: lgb.Dataset) -> bool:
    """Whether any feature of a constructed Dataset has more than one bin."""
    return any(data.feature_num_bin(k) > 1 for k in range(data.num_feature()))


def raised_copy_of(booster: lgb.Booster, start: npt.ArrayLike) -> lgb.Booster:
    """Return a copy with all trees, whose first ones have a constant more."""
    text = with_start(booster.model_to_string(num_iteration=-1), start)
    copied = lgb.Booster(model_str=text)
    copied.best_iteration = booster.best_iteration
    return copied


def words_without_features(n_classes: int) -> dict[str, Any]:
    """Name an objective with which LightGBM trains on data without a usable feature.

    It fails on such data with a custom objective (microsoft/LightGBM#5667). Nothing is
    split, so that all of its leaves are 0 whatever the objective.
    """
    objective = "regression" if n_classes == 2 else "multiclass"
    return {"objective": objective, "boost_from_average": False}


def with_codes_of(X: Any, categories: list[list[Any]] | None) -> Any:
    """Return a pandas table whose categories have the codes of an older model's.

    LightGBM would let its trees read the codes that the table happens to have. New
    categories come behind the known ones.
    """
    if not categories or not hasattr(X, "select_dtypes"):
        return X
    columns = X.select_dtypes("category").columns
    if len(columns) != len(categories):
        raise ValueError(
            f"X must have the {len(categories)} categorical columns of init_model, "
            f"got {columns.tolist()}"
        )
    coded = {}
    for name, known in zip(columns, categories, strict=True):
        new = [c for c in X[name].cat.categories if c not in known]
        coded[name] = X[name].cat.set_categories([*known, *new])
    return X.assign(**coded)


def self_contained(
    booster: lgb.Booster,
    state: ModelState,
    start: npt.ArrayLike = 0.0,
    n_rounds: int | None = -1,
) -> lgb.Booster:
    """Return a model that holds what its training with a custom objective left out.

    Its ``predict`` returns expit or softmax, where the other's returns the raw
    prediction. Loss and labels become a line among the parameters, which LightGBM
    writes again as it read them.

    Parameters
    ----------
    booster : lightgbm.Booster
        The trained model.
    state : ModelState
        Loss and labels.
    start : float or ndarray of shape (n_classes,), default=0.0
        What all nodes of the first trees lack, in log-odds.
    n_rounds : int or None, default=-1
        Rounds to keep: all of them, or None for those up to the best.
    """
    n_classes = len(state.classes)
    name = "binary" if n_classes == 2 else "multiclass"
    words = "sigmoid:1" if n_classes == 2 else f"num_class:{n_classes}"
    text = with_start(booster.model_to_string(num_iteration=n_rounds), start)
    text = with_link(text, f"{name} {words}")
    params = dict(booster.params)
    if state.loss.link == "posterior":
        # In the focal link LightGBM's log loss would go on from scores of another kind.
        text = with_objective(text, name)
        params["objective"] = name
    text = with_note(text, STATE_NAME, state.to_text())
    model = lgb.Booster(model_str=with_checksums(text))
    model.params = params
    model.best_iteration, model.best_score = booster.best_iteration, booster.best_score
    return model


def read_state(booster: lgb.Booster) -> ModelState | None:
    """Return what :func:`self_contained` wrote of loss and labels, or None."""
    text = note_of(booster.model_to_string(num_iteration=1), STATE_NAME)
    return None if text is None else ModelState.from_text(text)


def count_classes_of(booster: lgb.Booster) -> int:
    """Return the number of classes of a model of one output for two."""
    n_outputs = booster.num_model_per_iteration()
    if n_outputs == 2:
        raise ValueError(
            "a model of two classes must have one raw prediction, got one of objective "
            "'multiclass' that has two"
        )
    return max(2, n_outputs)


def holds_log_odds(booster: lgb.Booster) -> bool:
    """Whether LightGBM trained the model with its own log loss."""
    return _link_of(booster) in _links(booster)


def check_link(booster: lgb.Booster, name: str) -> None:
    """Raise if the model names a link that makes no probabilities of log-odds."""
    link = _link_of(booster)
    # A training with a custom objective names none.
    if link is not None and link not in _links(booster):
        raise ValueError(
            f"{name} must be a model of LightGBM's binary or multiclass log loss or of "
            f"a custom objective, got one of {link!r}"
        )


def _link_of(booster: lgb.Booster) -> str | None:
    return objective_of(booster.model_to_string(num_iteration=1))


def _links(booster: lgb.Booster) -> tuple[str, str]:
    n_outputs = booster.num_model_per_iteration()
    return "binary sigmoid:1", f"multiclass num_class:{n_outputs}"
