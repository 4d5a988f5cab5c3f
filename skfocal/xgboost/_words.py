"""What the parameters of XGBoost's own classifier mean to xgboost.train."""

import warnings
from typing import Any

import numpy as np

from skfocal._boosting.words import (
    check_positive_weight,
    check_task,
    refuse_focal_words,
)

__all__ = [
    "check_base_score",
    "check_objective",
    "positive_factor",
    "refuse_words",
    "validation_pairs",
]


def refuse_words(words: dict[str, Any]) -> None:
    """Raise for further parameters that can't be given here."""
    refuse_focal_words(words)
    for name in ("obj", "custom_metric", "feval"):
        if name in words:
            raise ValueError(
                f"{name} must not be given: the objective is the focal loss, and "
                f"eval_metric takes functions; got {words[name]!r}"
            )
    if "alpha" in words:
        warnings.warn(
            f"alpha={words['alpha']!r} is XGBoost's L1 penalty, reg_alpha; the class "
            "weight of the focal loss is focal_alpha",
            UserWarning,
            stacklevel=4,
        )


def check_objective(objective: Any, words: dict[str, Any], n_classes: int) -> None:
    """Raise unless the words for the task, if any, name the one at hand."""
    # As the default of XGBoost's own classifier, the first stands for either.
    allowed = ["binary:logistic"]
    if n_classes > 2:
        allowed += ["multi:softprob", "multi:softmax"]
    counts = {"num_class": words["num_class"]} if "num_class" in words else {}
    check_task({"objective": objective}, counts, allowed, n_classes)


def check_base_score(base_score: Any, n_classes: int) -> None:
    """Raise if the user's start is no probability (two classes) or raw values."""
    values = np.asarray(base_score, dtype=np.float64)
    if n_classes == 2:
        if values.ndim != 0 or not 0.0 < values < 1.0:
            raise ValueError(
                "base_score must be a probability inside (0, 1) for two classes, "
                f"got {base_score!r}"
            )
    elif values.shape not in ((), (n_classes,)) or not np.isfinite(values).all():
        raise ValueError(
            "base_score must be a finite number or one per class "
            f"({n_classes}), got {base_score!r}"
        )


def positive_factor(scale_pos_weight: Any, n_classes: int) -> float:
    """Return the factor of the weights of class 1 of two."""
    if scale_pos_weight is None or n_classes > 2:
        return 1.0
    return check_positive_weight(scale_pos_weight)


def validation_pairs(eval_set: Any, **extras: Any) -> list[tuple[Any, Any]]:
    """Check that validation sets are pairs, and that no word lacks them."""
    if eval_set is None:
        for name, value in extras.items():
            if value is not None:
                raise ValueError(f"{name} must come with eval_set, got no eval_set")
        return []
    pairs = list(eval_set)
    for pair in pairs:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            got = f"{len(pair)} entries" if isinstance(pair, (tuple, list)) else pair
            raise ValueError(f"eval_set must hold pairs (X, y), got {got}")
    return pairs
