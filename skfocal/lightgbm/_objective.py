"""Focal loss as objective and metric of LightGBM."""

from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from skfocal._boosting.objective import BoostingMetric, BoostingObjective
from skfocal._validation import check_labels, check_length, check_raw, check_weight
from skfocal.loss._batch import count_classes

__all__ = ["FocalMetric", "FocalObjective"]

FloatArray = npt.NDArray[np.floating]
Evaluation = tuple[str, float, bool]


class FocalObjective(BoostingObjective):
    r"""Focal loss as a custom objective of LightGBM.

    One object serves ``lgb.train({"objective": objective, ...})`` and
    ``LGBMClassifier(objective=objective)``, binary and multiclass, with and without
    weights. It can be copied, pickled, and shared by concurrent trainings.

    LightGBM starts such a training at 0 and returns raw predictions from it, which
    ``objective.loss.predict_proba`` turns into class probabilities.

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
        LightGBM's own factor :math:`K / (K - 1)`; with it ``gamma=0`` is LightGBM's own
        ``binary`` or ``multiclass`` objective.

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
    >>> import lightgbm as lgb
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skfocal.lightgbm import FocalObjective
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> objective = FocalObjective(gamma=2.0)
    >>> params = {"objective": objective, "verbosity": -1}
    >>> booster = lgb.train(params, lgb.Dataset(X, y), num_boost_round=20)
    >>> proba = objective.loss.predict_proba(booster.predict(X))
    >>> proba.shape
    (569, 2)
    """

    # LightGBM counts the parameters, XGBoost reads their names: keep exactly these.
    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return gradient and Newton weight of each raw prediction.

        LightGBM calls it, in one of two ways.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or the raw predictions
            Labels 0 .. n_classes - 1. In a call from ``lgb.train``, what the next
            parameter says.
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), or Dataset
            Raw predictions, in log-odds. In a call from ``lgb.train``, the training
            data, whose labels and weights are used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        gradient : ndarray of float32, of the shape and memory order of the predictions
            First derivatives. In a call from ``lgb.train`` the next call of the same
            thread overwrites both arrays.
        hessian : ndarray of float32, likewise
            Newton weights, at least 0.
        """
        if isinstance(y_pred, lgb.Dataset):
            return self._native(preds=y_true, train_set=y_pred)
        raw = check_raw(y_pred)
        y = check_labels(y_true, count_classes(raw))
        check_length("y_true", len(y), len(raw))
        weight = check_weight(sample_weight, len(raw))
        return self._newton_step(y, raw, weight, _hessian_factor(raw))

    def _native(
        self, preds: FloatArray, train_set: Any
    ) -> tuple[FloatArray, FloatArray]:
        y, weight = train_set.get_label(), train_set.get_weight()
        n_classes = count_classes(preds)
        # The Dataset returns the same array at every round.
        checked, for_classes = getattr(self._buffers, "checked_labels", (None, 0))
        if y is not checked or n_classes != for_classes:
            check_labels(y, n_classes)
            self._buffers.checked_labels = y, n_classes
        factor = _hessian_factor(preds)
        return self._newton_step_in_buffers(y, preds, weight, factor)


class FocalMetric(BoostingMetric):
    r"""Focal loss as an evaluation metric of LightGBM, on raw predictions.

    The weighted mean of :math:`-\alpha_t (1 - p_t)^\gamma \log p_t`, to be minimised.
    One object serves ``lgb.train(feval=metric)`` and, with a :class:`FocalObjective`,
    ``LGBMClassifier.fit(eval_metric=metric)``.

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
    >>> from skfocal.lightgbm import FocalMetric
    >>> name, value, higher_is_better = FocalMetric(gamma=0.0)([0, 1], np.zeros(2))
    >>> name, round(value, 4), higher_is_better
    ('focal_loss', 0.6931, False)
    """

    # LightGBM counts the parameters: keep exactly these.
    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Evaluation:
        """Return name, value and that less is better.

        LightGBM calls it, in one of two ways.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or the raw predictions
            Labels 0 .. n_classes - 1. In a call from ``lgb.train``, what the next
            parameter says.
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), or Dataset
            Raw predictions, in log-odds. In a call from ``lgb.train``, the data, whose
            labels and weights are used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        name : str
            ``"focal_loss"``.
        value : float
            Weighted mean of the loss.
        is_higher_better : bool
            False.
        """
        if isinstance(y_pred, lgb.Dataset):
            y = check_labels(y_pred.get_label(), count_classes(y_true))
            return "focal_loss", self._mean_loss(y, y_true, y_pred.get_weight()), False
        return "focal_loss", self.loss(y_true, y_pred, sample_weight), False


def _hessian_factor(raw: FloatArray) -> float:
    """LightGBM scales the diagonal of its own softmax Hessian by K / (K - 1)."""
    return 1.0 if raw.ndim == 1 else raw.shape[1] / (raw.shape[1] - 1)
