"""Focal loss of predicted probabilities, in the manner of scikit-learn's log loss."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from skfocal._validation import check_weight, positive_total
from skfocal.loss import FocalLoss

__all__ = ["focal_loss"]

FloatArray = npt.NDArray[np.floating]


def focal_loss(
    y_true: npt.ArrayLike,
    y_proba: npt.ArrayLike,
    *,
    gamma: Any = 2.0,
    alpha: Any = None,
    sample_weight: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    normalize: bool = True,
) -> float:
    r"""Focal loss of predicted probabilities.

    With :math:`p_t` the probability given to the true class,

    .. math:: \mathrm{FL} = -\alpha_t (1 - p_t)^{\gamma_t} \log p_t .

    It isn't a proper score: for ``gamma > 0`` the true probabilities don't minimise it.
    To compare models, and to choose gamma, use :func:`sklearn.metrics.log_loss`.
    Nothing is clipped: a true class of probability 0 costs ``inf``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Class labels, of any type.
    y_proba : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probabilities in [0, 1]: of the greater of two labels, or of each label in
        sorted order, in rows that sum to 1.
    gamma : float or sequence of float, default=2.0
        Focusing parameter, at least 0; one for all classes or one per class.
    alpha : float, sequence of float or None, default=None
        Class weights as in :class:`skfocal.FocalLoss`.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights >= 0, not all zero.
    labels : array-like, default=None
        All labels, where ``y_true`` may lack some of them.
    normalize : bool, default=True
        Whether to return the weighted mean over the samples, else the weighted sum.

    Returns
    -------
    float
        The loss, at least 0.

    Raises
    ------
    ValueError
        If the probabilities don't fit the labels or aren't probabilities.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017,
       :arxiv:`1708.02002`

    Examples
    --------
    >>> from skfocal.metrics import focal_loss
    >>> round(focal_loss(["no", "yes", "no"], [0.1, 0.6, 0.4], gamma=2.0), 5)
    0.05484
    >>> round(focal_loss(["no", "yes", "no"], [0.1, 0.6, 0.4], gamma=0.0), 5)
    0.37567
    """
    check_consistent_length(y_true, y_proba, sample_weight)
    codes, classes = _encode(y_true, labels)
    proba = _class_columns(y_proba, classes)
    weight = check_weight(sample_weight, len(codes))
    class_gamma, class_alpha = FocalLoss(gamma, alpha)._class_values(len(classes))
    p, q = _true_and_other(proba, codes)
    # p is 0 where the model rules out the truth: the honest loss is inf, not a warning.
    with np.errstate(divide="ignore"):
        losses = class_alpha[codes] * q ** class_gamma[codes] * np.abs(np.log(p))
    total = positive_total(np.ones(len(losses)) if weight is None else weight)
    loss_sum = float(losses.sum() if weight is None else losses @ weight)
    return loss_sum / total if normalize else loss_sum


def _encode(
    y_true: npt.ArrayLike, labels: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Return the number of each sample's class, and the sorted classes."""
    y = column_or_1d(y_true)
    encoder = LabelEncoder().fit(y if labels is None else column_or_1d(labels))
    classes = encoder.classes_
    if len(classes) < 2:
        raise ValueError(
            "y_true must hold at least two labels if labels is not given, "
            f"got only {classes.tolist()}"
            if labels is None
            else f"labels must hold at least two labels, got {classes.tolist()}"
        )
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"y_true must hold only labels from {classes.tolist()}, "
            f"got {unknown.tolist()}"
        )
    return encoder.transform(y), classes


def _class_columns(y_proba: npt.ArrayLike, classes: npt.NDArray[Any]) -> FloatArray:
    """Return one column of probabilities per class."""
    proba = check_array(
        y_proba, ensure_2d=False, dtype=[np.float64, np.float32], input_name="y_proba"
    )
    if proba.min() < 0.0 or proba.max() > 1.0:
        wrong = proba.min() if proba.min() < 0.0 else proba.max()
        raise ValueError(f"y_proba must be in [0, 1], got {wrong}")
    if proba.ndim == 1:
        proba = np.column_stack([1.0 - proba, proba])
    if proba.shape[1] != len(classes):
        raise ValueError(
            f"y_proba must have one column per label {classes.tolist()}, "
            f"got {proba.shape[1]} columns"
        )
    sums = proba.sum(axis=1)
    wrong = np.abs(sums - 1.0) > np.sqrt(np.finfo(proba.dtype).eps)
    if wrong.any():
        raise ValueError(f"y_proba must have rows that sum to 1, got {sums[wrong][0]}")
    return proba


def _true_and_other(
    proba: FloatArray, codes: npt.NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Return each sample's p_t, and 1 - p_t as the sum over the other classes."""
    rows = np.arange(len(codes))
    p = proba[rows, codes]
    others = proba.copy()
    others[rows, codes] = 0.0
    return p, others.sum(axis=1)
