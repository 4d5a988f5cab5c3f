"""What the parameters of LightGBM's own classifier mean to lightgbm.train."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from skfocal._boosting.words import (
    check_positive_weight,
    check_task,
    refuse_focal_words,
)
from skfocal._validation import check_whole

__all__ = [
    "BOOSTING_WORDS",
    "DECIDED_HERE",
    "check_column_names",
    "check_objective",
    "class_factors",
    "evaluation_names",
    "prediction_words",
    "refuse_columns",
    "refuse_words",
    "stops_early",
    "thread_count",
    "validation_pairs",
]

BOOSTING_WORDS = ("boosting_type", "boosting", "boost")
_OBJECTIVE_ALIASES = ("objective_type", "app", "application", "loss")
_UNBALANCE_ALIASES = ("is_unbalance", "unbalance", "unbalanced_sets")
_STOPPING_ALIASES = (
    *("early_stopping_round", "early_stopping_rounds", "early_stopping"),
    "n_iter_no_change",
)
_CLASS_COUNT_ALIASES = ("num_class", "num_classes")
_WITHOUT_EFFECT = {
    "sigmoid",
    *("pos_bagging_fraction", "pos_sub_row", "pos_subsample", "pos_bagging"),
    *("neg_bagging_fraction", "neg_sub_row", "neg_subsample", "neg_bagging"),
}
THREAD_ALIASES = ("num_threads", "num_thread", "nthread", "nthreads")
# What the training says in its own way.
DECIDED_HERE = {*THREAD_ALIASES, *_OBJECTIVE_ALIASES, *_CLASS_COUNT_ALIASES}
# LightGBM refuses them, since it writes models as JSON, too.
_NOT_IN_NAMES = set('",:[]{}')
_PREDICTION_WORDS = (
    *("pred_early_stop", "pred_early_stop_freq", "pred_early_stop_margin"),
)
# What a prediction is to be is said where it is made.
_ONLY_IN_PREDICT = {
    *("predict_raw_score", "is_predict_raw_score", "predict_rawscore", "raw_score"),
    *("predict_leaf_index", "is_predict_leaf_index", "leaf_index"),
    *("predict_contrib", "is_predict_contrib", "contrib"),
    *("start_iteration_predict", "num_iteration_predict"),
    *("pred_leaf", "pred_contrib"),
}
# Those of polars and Arrow that LightGBM reads; it ends the process over others, among
# them numbers of 16 and of 128 bits.
_COLUMN_TYPES = {
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float32", "float64", "float", "double", "boolean", "bool"),
}


def check_objective(objective: Any, params: dict[str, Any], n_classes: int) -> None:
    """Raise unless the words for the task, if any, name the one at hand."""
    given = {name: params[name] for name in _OBJECTIVE_ALIASES if name in params}
    counts = {name: params[name] for name in _CLASS_COUNT_ALIASES if name in params}
    allowed = ("binary",) if n_classes == 2 else ("multiclass", "softmax")
    check_task({"objective": objective} | given, counts, allowed, n_classes)


def refuse_words(params: dict[str, Any]) -> None:
    """Raise for words that can't work with the focal loss, or would do nothing."""
    for name in BOOSTING_WORDS:
        if str(params.get(name)).lower() in ("rf", "random_forest"):
            raise ValueError(
                f"{name} must not be a random forest, for LightGBM's take no custom "
                f"objective, got {params[name]!r}"
            )
    for name in ("linear_tree", "linear_trees"):
        if params.get(name):
            raise ValueError(
                f"{name} must be False: linear leaves can't hold the start value, "
                f"got {params[name]!r}"
            )
    for name in ("gamma", "alpha"):
        if name in params:
            raise ValueError(
                f"{name} must be given as focal_{name}, got {name}={params[name]!r}"
            )
    for name in sorted(_WITHOUT_EFFECT & params.keys()):
        value = params[name]
        if value is True or value not in (False, 1):
            raise ValueError(
                f"{name} must not be given, for LightGBM ignores it with a custom "
                f"objective, got {value!r}; see class_weight and focal_alpha"
            )
    for name in sorted(_ONLY_IN_PREDICT & params.keys()):
        raise ValueError(
            f"{name} must be a parameter of predict or predict_proba, "
            f"got {params[name]!r} in the constructor"
        )
    refuse_focal_words(params)


def class_factors(
    params: dict[str, Any], n_rows: npt.NDArray[np.integer]
) -> npt.NDArray[np.floating] | None:
    """Return what LightGBM's binary objective multiplies each class's weights by.

    ``n_rows`` are the numbers of rows of the classes.
    """
    given = {"scale_pos_weight": params.get("scale_pos_weight", 1.0)}
    given |= {name: params.get(name, False) for name in _UNBALANCE_ALIASES}
    set_ones = {name: v for name, v in given.items() if v not in (None, False, 1.0)}
    unbalanced = [name for name in _UNBALANCE_ALIASES if given[name]]
    if not set_ones and not unbalanced:
        return None
    (name, value), *more = (set_ones | {n: given[n] for n in unbalanced}).items()
    if more or len(n_rows) != 2:
        raise ValueError(
            f"{name} must be the only one of its kind and for two classes, got "
            f"{value!r} for {len(n_rows)}; see class_weight and focal_alpha"
        )
    if not unbalanced:
        return np.array([1.0, check_positive_weight(value)])
    return n_rows.max() / n_rows


def stops_early(params: dict[str, Any], callbacks: Sequence[Any] | None) -> bool:
    """Whether training ends before its last round, by a parameter or a callback."""
    rounds = [params[name] for name in _STOPPING_ALIASES if params.get(name)]
    watched = [c for c in callbacks or () if hasattr(c, "stopping_rounds")]
    return any(n > 0 for n in rounds) or bool(watched)


def refuse_columns(X: Any) -> None:
    """Raise for columns of a polars or Arrow table that would abort LightGBM."""
    schema = getattr(X, "schema", None)
    if schema is None:
        return
    named = hasattr(schema, "items")
    columns = schema.items() if named else zip(schema.names, schema.types, strict=True)
    types = [(name, str(dtype)) for name, dtype in columns]
    refused = [f"{n!r} of type {t}" for n, t in types if t.lower() not in _COLUMN_TYPES]
    if refused:
        raise ValueError(
            "X must have columns of integers or floating numbers of 64 bits or less, "
            "no halves, or of booleans if it is a polars DataFrame or an Arrow Table "
            f"(pandas DataFrames may have categories), got {', '.join(refused)}"
        )


def check_column_names(names: Iterable[Any]) -> None:
    """Raise for names that a model of LightGBM can't hold apart, as lines of text."""
    read: dict[str, str] = {}
    for name in map(str, names):
        controls = any(unicodedata.category(c) == "Cc" and c != "\t" for c in name)
        if not name or controls or set(name) & _NOT_IN_NAMES:
            raise ValueError(
                "the columns of X must have names without control characters and "
                f"without {''.join(sorted(_NOT_IN_NAMES))} for LightGBM, got {name!r}"
            )
        known = name.replace(" ", "_")
        if known in read:
            raise ValueError(
                "the columns of X must have names that differ by more than spaces and "
                f"underlines for LightGBM, got {read[known]!r} and {name!r}"
            )
        read[known] = name


def prediction_words(params: dict[str, Any]) -> dict[str, Any]:
    """Return those of the constructor's further parameters that predictions heed."""
    return {name: params[name] for name in _PREDICTION_WORDS if name in params}


def thread_count(n_jobs: int | None, words: dict[str, Any]) -> int:
    """Count threads as LightGBM's wrapper does: None means the physical cores.

    One of LightGBM's own words for it comes first.
    """
    given = [words[name] for name in THREAD_ALIASES if name in words]
    if given:
        return given[0]
    if n_jobs is None:
        return joblib.cpu_count(only_physical_cores=True)
    check_whole("n_jobs", n_jobs)
    return max(joblib.cpu_count() + 1 + n_jobs, 1) if n_jobs < 0 else n_jobs


def validation_pairs(eval_set: Any, eval_X: Any, eval_y: Any) -> list[tuple[Any, Any]]:
    """Turn either way of giving validation sets into pairs of X and y."""
    if (eval_X is None) != (eval_y is None):
        missing = "eval_X" if eval_X is None else "eval_y"
        raise ValueError(f"eval_X and eval_y must be given together, got no {missing}")
    if eval_X is not None:
        if eval_set is not None:
            raise ValueError("eval_set must be None if eval_X is given, got both")
        features = eval_X if isinstance(eval_X, tuple) else (eval_X,)
        labels = eval_y if isinstance(eval_y, tuple) else (eval_y,)
        if len(features) != len(labels):
            raise ValueError(
                f"eval_y must have one entry per entry of eval_X ({len(features)}), "
                f"got {len(labels)}"
            )
        return list(zip(features, labels, strict=True))
    if eval_set is None:
        return []
    sets = [eval_set] if isinstance(eval_set, tuple) else list(eval_set)
    for entry in sets:
        if len(entry) != 2:
            raise ValueError(
                f"eval_set must hold pairs (X, y), got an entry of length {len(entry)}"
            )
    return sets


def evaluation_names(
    eval_names: str | Sequence[str] | None, of_training: Sequence[bool], n_before: int
) -> list[str]:
    """Return one name per validation set, as LightGBM's own classifier gives them.

    Parameters
    ----------
    eval_names : str, sequence of str or None
        What the user gave for those of ``eval_set``.
    of_training : sequence of bool
        Of each of these, whether it is the training data.
    n_before : int
        Number of validation sets before them.
    """
    if eval_names is None:
        names = [
            "training" if training else f"valid_{n_before + i}"
            for i, training in enumerate(of_training)
        ]
    else:
        names = [eval_names] if isinstance(eval_names, str) else list(eval_names)
    if len(names) != len(of_training):
        raise ValueError(
            "eval_names must have one entry per validation set "
            f"({len(of_training)}), got {len(names)}"
        )
    return [f"valid_{i}" for i in range(n_before)] + names
