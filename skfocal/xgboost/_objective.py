"""Focal loss as objective and metric of XGBoost."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from skfocal._boosting.classifier import WeightedData
from skfocal._boosting.objective import BoostingMetric, BoostingObjective
from skfocal._validation import check_labels, check_length, check_raw, check_weight
from skfocal.loss import FocalLoss
from skfocal.loss._batch import count_classes

__all__ = ["FocalMetric", "FocalObjective", "RepeatableObjective"]

FloatArray = npt.NDArray[np.floating]
# Of the 24 of float32: weights up to 15 then multiply exactly, and a gradient is wrong
# by at most one part in a million.
_FREE_BITS = 4


class FocalObjective(BoostingObjective):
    r"""Focal loss as a custom objective of XGBoost.

    One object serves ``xgb.train(obj=objective)`` and
    ``XGBClassifier(objective=objective)``, binary and multiclass, with and without
    weights. It can be copied, pickled, and shared by concurrent trainings.

    XGBoost starts such a training at ``base_score``, seen through the link of the
    objective that the parameters name. The focal optimum is
    ``objective.loss.fit_intercept_only(y)``: its expit for ``binary:logistic``, the
    vector itself for ``multi:softprob``.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, at least 0; one for all classes or one per class.
    alpha : float, sequence of float or None, default=None
        Class weights as in :class:`skfocal.FocalLoss`.
    hessian : {"bounded", "absolute"}, default="bounded"
        What serves as Newton weight of a sample with gradient :math:`g` and second
        derivative :math:`h`, which is negative where the sample is badly missed.
        ``"bounded"`` is :math:`\max(|h|, |g| / 2)`, so that no leaf exceeds 2 before
        the learning rate. ``"absolute"`` is :math:`|h|` [1]_, for softmax times
        XGBoost's own factor 2; with it ``gamma=0`` is XGBoost's own ``binary:logistic``
        or ``multi:softprob`` objective.

    Attributes
    ----------
    loss : FocalLoss
        The loss of this objective.
    hessian : str
        As given.

    Raises
    ------
    ValueError
        If a parameter is out of its domain.

    References
    ----------
    .. [1] Y. Dauphin et al., "Identifying and attacking the saddle point problem in
       high-dimensional non-convex optimization", 2014, :arxiv:`1406.2572`

    Examples
    --------
    >>> import xgboost as xgb
    >>> from scipy.special import expit
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skfocal.xgboost import FocalObjective
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> objective = FocalObjective(gamma=2.0)
    >>> start = objective.loss.fit_intercept_only(y)
    >>> params = {"objective": "binary:logistic", "base_score": float(expit(start))}
    >>> data = xgb.DMatrix(X, y)
    >>> booster = xgb.train(params, data, num_boost_round=20, obj=objective)
    >>> raw = booster.predict(data, output_margin=True)
    >>> objective.loss.predict_proba(raw).shape
    (569, 2)
    """

    # XGBoost reads the names of the parameters, LightGBM counts them: keep these.
    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return gradient and Newton weight of each raw prediction.

        XGBoost calls it, in one of two ways.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or the raw predictions
            Labels 0 .. n_classes - 1. In a call from ``xgb.train``, what the next
            parameter says.
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), or DMatrix
            Raw predictions, in log-odds. In a call from ``xgb.train``, the training
            data, whose labels and weights are used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        gradient : ndarray of float32, of the shape and memory order of the predictions
            First derivatives. In a call from ``xgb.train`` the next call of the same
            thread overwrites both arrays.
        hessian : ndarray of float32, likewise
            Newton weights, at least 0.
        """
        if isinstance(y_pred, xgb.DMatrix):
            return self._native(preds=y_true, dtrain=y_pred)
        raw = check_raw(y_pred)
        y = check_labels(y_true, count_classes(raw))
        check_length("y_true", len(y), len(raw))
        weight = check_weight(sample_weight, len(raw))
        return self._newton_step(y, raw, weight, _hessian_factor(raw))

    def _native(self, preds: FloatArray, dtrain: Any) -> tuple[FloatArray, FloatArray]:
        y, n_classes = dtrain.get_label(), count_classes(preds)
        # XGBoost copies the labels at every round; they are compared with those that
        # passed the check, which takes longer.
        checked, for_classes = getattr(self._buffers, "checked_labels", (y, 0))
        if n_classes != for_classes or not np.array_equal(y, checked):
            check_labels(y, n_classes)
            self._buffers.checked_labels = y, n_classes
        weight = _weight_of(dtrain)
        return self._newton_step_in_buffers(y, preds, weight, _hessian_factor(preds))


class FocalMetric(BoostingMetric):
    r"""Focal loss as an evaluation metric of XGBoost, on raw predictions.

    The weighted mean of :math:`-\alpha_t (1 - p_t)^\gamma \log p_t`, divided by the
    same mean for the best constant prediction, to be minimised: 1 is what a model
    without features reaches. XGBoost keeps six decimals of a metric, of which the loss
    itself would fill few.

    One object serves ``xgb.train(obj=..., custom_metric=metric)`` and, with a
    :class:`FocalObjective`, ``XGBClassifier(objective=..., eval_metric=metric)``.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, at least 0; one for all classes or one per class.
    alpha : float, sequence of float or None, default=None
        Class weights as in :class:`skfocal.FocalLoss`.

    Attributes
    ----------
    loss : FocalLoss
        The loss of this metric.

    Raises
    ------
    ValueError
        If a parameter is out of its domain.

    Examples
    --------
    >>> import numpy as np
    >>> from skfocal.xgboost import FocalMetric
    >>> metric = FocalMetric(gamma=2.0)
    >>> metric([0, 1], np.zeros(2))
    1.0
    >>> metric([0, 1], np.array([-2.0, 2.0])) < 0.02
    True
    """

    def __init__(self, gamma: Any = 2.0, alpha: Any = None) -> None:
        super().__init__(gamma, alpha)
        # XGBoost's classifier calls the metric by it.
        self.__name__ = "focal_loss"

    # XGBoost reads the names of the parameters: keep exactly these.
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the value, in a call from ``xgb.train`` after the name.

        XGBoost calls it, in one of two ways.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or the raw predictions
            Labels 0 .. n_classes - 1. In a call from ``xgb.train``, what the next
            parameter says.
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), or DMatrix
            Raw predictions, in log-odds. In a call from ``xgb.train``, the data, whose
            labels and weights are used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        float, or tuple of str and float
            Weighted mean of the loss, relative to that of the best constant; of labels
            of one class only, relative to that of the raw prediction 0.
        """
        if isinstance(y_pred, xgb.DMatrix):
            y, weight = y_pred.get_label(), _weight_of(y_pred)
            return self.__name__, self._relative_loss(y, y_true, weight)
        return self._relative_loss(y_true, y_pred, sample_weight)

    def _relative_loss(self, y_true: Any, y_pred: Any, sample_weight: Any) -> float:
        raw = check_raw(y_pred)
        y = check_labels(y_true, count_classes(raw))
        check_length("y_true", len(y), len(raw))
        weight = check_weight(sample_weight, len(raw))
        constant = _constant_loss(self.loss, y, weight, count_classes(raw))
        return self._mean_loss(y, raw, weight) / constant


class RepeatableObjective(FocalObjective):
    """The objective of one training, to which a row of weight 3 is a row three times.

    The low bits of the rows' gradients are dropped, so that float32 holds their product
    with a small whole number exactly.
    """

    def __init__(self, loss: FocalLoss, rows: WeightedData) -> None:
        super().__init__(loss.gamma, loss.alpha)
        self.y = rows.y.astype(np.int32)
        self.weight = None if rows.weight is None else rows.weight.astype(np.float32)

    def _native(self, preds: FloatArray, dtrain: Any) -> tuple[FloatArray, FloatArray]:
        factor = _hessian_factor(preds)
        step = self._newton_step_in_buffers(self.y, preds, None, factor)
        for values in step:
            bits = values.view(np.int32)
            np.bitwise_and(bits, -1 << _FREE_BITS, out=bits)
            if self.weight is not None:
                values *= self.weight if values.ndim == 1 else self.weight[:, None]
        return step


def _constant_loss(
    loss: FocalLoss, y: npt.NDArray[Any], weight: Any, n_classes: int
) -> float:
    """Return the mean loss of the best constant for the classes that are there."""
    counts = np.bincount(y, weight, minlength=n_classes)
    gamma, alpha = loss._class_values(n_classes)
    present = np.flatnonzero(counts)
    if len(present) == 1:
        zeros = np.zeros(1 if n_classes == 2 else (1, n_classes))
        return loss(present, zeros)
    of_present = FocalLoss(gamma[present], alpha[present])
    labels, counts = np.arange(len(present)), counts[present]
    start = of_present.fit_intercept_only(labels, counts)
    return of_present(labels, np.full((len(labels), *np.shape(start)), start), counts)


def _hessian_factor(raw: FloatArray) -> float:
    """XGBoost doubles the diagonal of its own softmax Hessian."""
    return 1.0 if raw.ndim == 1 else 2.0


def _weight_of(data: xgb.DMatrix) -> FloatArray | None:
    """Return the weights, which are an empty array where there are none."""
    weight = data.get_weight()
    return weight if weight.size else None
