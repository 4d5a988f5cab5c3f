"""What classifiers of any kind do with the user's labels, weights and alpha."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import _safe_indexing, assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples

from skfocal._validation import (
    PerClass,
    check_alpha,
    check_class_count,
    check_length,
    check_one_kind,
    check_weight,
    positive_total,
)
from skfocal.loss import FocalLoss

__all__ = [
    "WeightedRows",
    "check_known",
    "check_label_column",
    "check_several",
    "codes_of_largest_cost",
    "factors_of_labels",
    "resolve_alpha",
    "take_rows",
    "unchanged_on_error",
    "weigh_rows",
]

FloatArray = npt.NDArray[np.floating]


@dataclass
class WeightedRows:
    """Rows of positive weight, to train on or to validate on.

    Attributes
    ----------
    X : array, sparse matrix or DataFrame of shape (n_samples, n_features)
        Features.
    codes : ndarray of int32 of shape (n_samples,)
        Class of each row, by its number among the sorted labels.
    sample_weight : ndarray of float64 of shape (n_samples,) or None
        What the user gave.
    weight : ndarray of float64 of shape (n_samples,) or None
        Product of sample weight and class weight.
    rows : ndarray of int of shape (n_samples,) or None
        Their numbers among the user's rows, if some had no weight.
    """

    X: Any
    codes: npt.NDArray[np.int32]
    sample_weight: FloatArray | None
    weight: FloatArray | None
    rows: npt.NDArray[np.intp] | None


def weigh_rows(
    X: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Any,
    *,
    classes: npt.NDArray[Any] | None = None,
    names: tuple[str, str] = ("y", "sample_weight"),
    balance_by_weight: bool = False,
) -> tuple[npt.NDArray[Any], WeightedRows]:
    """Multiply sample and class weights, drop rows of weight 0 and encode the labels.

    Parameters
    ----------
    X : array, sparse matrix or DataFrame of shape (n_samples, n_features)
        Features, checked already.
    y, sample_weight, class_weight
        What the user gave.
    classes : ndarray of shape (n_classes,), default=None
        Sorted labels of the training data; by default those of ``y``, at least two.
    names : tuple of str
        What errors call ``y`` and ``sample_weight``.
    balance_by_weight : bool, default=False
        Whether ``class_weight="balanced"`` counts sample weights, as scikit-learn's
        LogisticRegression does since 1.7, or rows of positive weight, as LightGBM does.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    rows : WeightedRows
        The rows that have a weight.
    """
    y = check_label_column(y, names[0])
    check_length(names[0], len(y), _num_samples(X))
    weight = check_weight(sample_weight, len(y), names[1])
    if weight is not None:
        positive_total(weight, names[1])
    if isinstance(class_weight, Mapping):
        known = y if classes is None else classes
        class_weight = _weights_of_labels(class_weight, y, known)
    product = _times_class_weight(weight, class_weight, y, balance_by_weight)
    rows = None
    if product is not None and not product.all():
        rows = np.flatnonzero(product)
        X, y, product = take_rows(X, rows), y[rows], product[rows]
        weight = None if weight is None else weight[rows]
    classes, codes = _encode(y, classes, names[0])
    return classes, WeightedRows(X, codes, weight, product, rows)


def check_label_column(y: Any, name: str) -> npt.NDArray[Any]:
    """Return labels of any type as an array."""
    check_one_kind(y, name)
    y = column_or_1d(_without_nullable_type(y), warn=True)
    assert_all_finite(y, input_name=name)
    check_classification_targets(y)
    return y


def _without_nullable_type(y: Any) -> Any:
    """Return pandas' nullable whole numbers and booleans, and categories, as NumPy's.

    Else some would become floats, by which no label is known again.
    """
    dtype = getattr(y, "dtype", None)
    if hasattr(dtype, "categories") and hasattr(y, "isna"):
        return np.asarray(y)
    dtype = getattr(dtype, "numpy_dtype", None)
    if dtype is None or dtype.kind not in "iub" or y.isna().any():
        return y
    return np.asarray(y, dtype=dtype)


def _times_class_weight(
    weight: FloatArray | None,
    class_weight: Any,
    y: npt.NDArray[Any],
    balance_by_weight: bool,
) -> FloatArray | None:
    """Return the product, 0 where the sample weight is."""
    if class_weight is None:
        return weight
    product = np.ones(len(y)) if weight is None else weight.copy()
    counted = product > 0.0
    if isinstance(class_weight, np.ndarray):
        factor = class_weight[counted]
    else:
        labels, codes = np.unique(y[counted], return_inverse=True)
        counts = np.bincount(codes, product[counted] if balance_by_weight else None)
        factor = factors_of_labels(class_weight, labels, counts)[codes]
    check_weight(factor, len(factor), "class_weight")
    product[counted] *= factor
    return product


def factors_of_labels(
    class_weight: Any,
    labels: npt.NDArray[Any],
    counts: npt.NDArray[Any],
    known: npt.NDArray[Any] | None = None,
) -> FloatArray:
    """Return the factor of each label's weights.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        What the user gave.
    labels : ndarray of shape (n_labels,)
        Sorted.
    counts : ndarray of shape (n_labels,)
        By what "balanced" counts them.
    known : ndarray, default=None
        Labels that a dict may weigh, among them those of no weight; by default these.
    """
    if class_weight is None:
        return np.ones(len(labels))
    if isinstance(class_weight, Mapping):
        known = labels if known is None else known
        return _weights_of_labels(class_weight, labels, known)
    if not isinstance(class_weight, str) or class_weight != "balanced":
        raise ValueError(
            f"class_weight must be None, 'balanced' or a dict, got {class_weight!r}"
        )
    return counts.sum() / (len(labels) * counts)


def _weights_of_labels(
    class_weight: Mapping[Any, float], y: npt.NDArray[Any], known: npt.NDArray[Any]
) -> FloatArray:
    """Return each row's weight, 1 for labels that have none.

    scikit-learn's function reads digits in text as numbers, and then finds no label.
    """
    classes, codes = np.unique(y, return_inverse=True)
    labels = np.unique(known).tolist()
    unknown = [label for label in class_weight if label not in labels]
    # As in scikit-learn, weights of absent labels are no fault beside all others.
    if unknown and not class_weight.keys() >= set(labels):
        raise ValueError(
            f"class_weight must have labels from {labels} as keys, got {unknown}"
        )
    weights = [class_weight.get(label, 1.0) for label in classes.tolist()]
    return np.array(weights, dtype=np.float64)[codes]


def _encode(
    y: npt.NDArray[Any], classes: npt.NDArray[Any] | None, name: str
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Return the sorted labels, and the number of each row's label among them."""
    if classes is not None:
        check_known(y, classes, name)
        return classes, np.searchsorted(classes, y).astype(np.int32)
    classes = np.unique(y)
    check_several(classes, name)
    # Several times faster than to ask np.unique for them.
    return classes, np.searchsorted(classes, y).astype(np.int32)


def check_several(classes: npt.NDArray[Any], name: str) -> None:
    """Raise for fewer than two classes."""
    if len(classes) < 2:
        raise ValueError(
            f"{name} must hold at least two classes of positive weight, got only the "
            f"class {classes.tolist()}"
        )


def check_known(y: npt.NDArray[Any], classes: npt.NDArray[Any], name: str) -> None:
    """Raise for labels that are none of the training data's."""
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"{name} must hold only labels from {classes.tolist()}, "
            f"got {unknown.tolist()}"
        )


def take_rows(X: Any, rows: npt.NDArray[np.intp]) -> Any:
    """Return some rows of an array, a sparse matrix or a table."""
    # scikit-learn before 1.7 can't index Arrow's.
    if hasattr(X, "schema") and hasattr(X, "take"):
        return X.take(rows)
    return _safe_indexing(X, rows)


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
    if loss.link == "posterior":
        costs = np.log(alpha)
        raw = raw + (costs[1] - costs[0] if raw.ndim == 1 else costs)
    elif (gamma != gamma[0]).any():
        raw = loss.predict_log_proba(raw) + np.log(alpha)
    # Else it is the focal link and one gamma: alpha times probability increases with
    # the raw prediction.
    return (raw > 0).astype(np.intp) if raw.ndim == 1 else raw.argmax(axis=1)
