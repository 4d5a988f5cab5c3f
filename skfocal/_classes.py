"""What classifiers of any kind do with the user's labels, weights and alpha."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal._validation import PerClass, check_alpha, check_class_count
from skfocal.loss import FocalLoss

__all__ = ["codes_of_largest_cost", "resolve_alpha", "unchanged_on_error"]

FloatArray = npt.NDArray[np.floating]


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Leave the estimator's attributes as they were if the block raises."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        estimator.__dict__ = before
        raise


def resolve_alpha(
    alpha: Any,
    classes: npt.NDArray[Any],
    codes: npt.NDArray[np.integer],
    sample_weight: FloatArray | None,
) -> PerClass | None:
    """Turn ``focal_alpha`` into what FocalLoss takes.

    Parameters
    ----------
    alpha : float, sequence of float, dict, "balanced" or None
        What the user gave.
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    codes : ndarray of int of shape (n_samples,)
        Class of each sample.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights by which "balanced" counts. Not times class_weight, which it would
        cancel in predict.
    """
    if isinstance(alpha, Mapping):
        unknown = [label for label in alpha if label not in classes]
        if unknown:
            raise ValueError(
                f"focal_alpha must have labels from {classes.tolist()} as keys, "
                f"got {unknown}"
            )
        alpha = [alpha.get(label, 1.0) for label in classes.tolist()]
    elif isinstance(alpha, str):
        if alpha != "balanced":
            raise ValueError(
                "focal_alpha must be None, a number, 'balanced', a dict or one "
                f"weight per class, got {alpha!r}"
            )
        counts = np.bincount(codes, sample_weight, minlength=len(classes))
        alpha = counts.sum() / (len(classes) * counts)
    values = check_alpha(alpha, "focal_alpha")
    check_class_count("focal_alpha", values, len(classes))
    return values


def codes_of_largest_cost(
    loss: FocalLoss, raw: FloatArray, n_classes: int
) -> npt.NDArray[np.intp]:
    """Return the numbers of the classes of the largest alpha times probability."""
    gamma, alpha = loss._class_values(n_classes)
    if (gamma != gamma[0]).any():
        raw = loss.predict_log_proba(raw) + np.log(alpha)
    # For one gamma, alpha times probability increases with the raw prediction.
    return (raw > 0).astype(np.intp) if raw.ndim == 1 else raw.argmax(axis=1)
