"""What the parameters of fit and of the constructor mean, whatever the engine."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, log_loss

__all__ = [
    "FOCAL_WORDS",
    "OWN_WORDS",
    "check_pair",
    "check_positive_weight",
    "check_task",
    "error_rate",
    "mean_log_loss",
    "per_validation_set",
    "random_seed",
    "refuse_focal_words",
]

FloatArray = npt.NDArray[np.floating]

# The constructor's parameters that are not the engine's.
FOCAL_WORDS = {"focal_gamma", "focal_alpha", "focal_link", "focal_hessian"}
OWN_WORDS = FOCAL_WORDS | {"validation_fraction"}
# The engines' own names are at most .7 like one of these.
_ALIKE = 0.85


def refuse_focal_words(names: Iterable[str]) -> None:
    """Raise for further parameters that only look like ones of the focal loss."""
    for name in names:
        if name.startswith("focal_"):
            raise ValueError(
                f"the parameters of the focal loss must be {sorted(FOCAL_WORDS)}, "
                f"got {name}"
            )
        meant = get_close_matches(name, OWN_WORDS, n=1, cutoff=_ALIKE)
        if meant:
            raise ValueError(f"{meant[0]} must be spelt so, got {name}")


def check_task(
    objectives: dict[str, Any],
    class_counts: dict[str, Any],
    allowed: Sequence[str],
    n_classes: int,
) -> None:
    """Raise for an objective that isn't the log loss of the classes at hand.

    Parameters
    ----------
    objectives, class_counts : dict
        What the user gave, by the parameter's name.
    allowed : sequence of str
        The engine's names for the log loss.
    n_classes : int
        Number of classes in ``y``.
    """
    for name, value in objectives.items():
        if value is not None and value not in allowed:
            raise ValueError(
                f"{name} must be None or one of {list(allowed)} for {n_classes} "
                "classes, since what is trained is the focal form of that log loss, "
                f"got {value!r}"
            )
    for name, value in class_counts.items():
        # The engines count one output of two classes.
        if value not in (None, n_classes, n_classes if n_classes > 2 else 1):
            raise ValueError(
                f"{name} must be the number of classes in y ({n_classes}), "
                f"got {value!r}"
            )


def check_positive_weight(scale_pos_weight: Any) -> float:
    """Return the factor of the weights of class 1 of two."""
    number = isinstance(scale_pos_weight, Real)
    if not number or not 0.0 < scale_pos_weight < np.inf:
        raise ValueError(
            f"scale_pos_weight must be > 0 and finite, got {scale_pos_weight!r}"
        )
    return float(scale_pos_weight)


def random_seed(random_state: Any) -> int:
    """Turn an int, RandomState or Generator into a seed."""
    largest = np.iinfo(np.int32).max
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(largest))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(largest))
    return random_state


def check_pair(X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Whether the validation words are given, none without the other."""
    given = X_val is not None
    if given != (y_val is not None):
        missing = "y_val" if given else "X_val"
        raise ValueError(f"X_val and y_val must be given together, got no {missing}")
    if sample_weight_val is not None and not given:
        raise ValueError("sample_weight_val must come with X_val, got no X_val")
    return given


def per_validation_set(n_sets: int, **lists: Sequence[Any] | None) -> list[list[Any]]:
    """Regroup lists with one entry per validation set by the set; None for none."""
    for name, values in lists.items():
        if values is not None and len(values) != n_sets:
            raise ValueError(
                f"{name} must have one entry per validation set ({n_sets}), "
                f"got {len(values)}"
            )
    columns = [[None] * n_sets if v is None else list(v) for v in lists.values()]
    return [[column[i] for column in columns] for i in range(n_sets)]


def mean_log_loss(y_true: Any, proba: FloatArray, sample_weight: Any = None) -> float:
    """Log loss of probabilities of class 1 or of each class."""
    labels = list(range(2 if proba.ndim == 1 else proba.shape[1]))
    return float(log_loss(y_true, proba, sample_weight=sample_weight, labels=labels))


def error_rate(y_true: Any, proba: FloatArray, sample_weight: Any = None) -> float:
    """Weighted share of the samples whose most probable class is another."""
    predicted = (proba > 0.5) if proba.ndim == 1 else proba.argmax(axis=1)
    return 1.0 - accuracy_score(y_true, predicted, sample_weight=sample_weight)
