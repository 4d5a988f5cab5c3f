"""Focal loss as objective and metric of LightGBM."""

from typing import Any

import lightgbm as lgb
import numpy as np

from skfocal._boosting.objective import BoostingMetric, BoostingObjective

__all__ = ["FocalMetric", "FocalObjective"]


class FocalObjective(BoostingObjective):
    r"""Focal loss as a custom objective of LightGBM.

    One object serves ``lgb.train({"objective": objective, ...})`` and
    ``LGBMClassifier(objective=objective)``, binary and multiclass, with and without
    weights. It can be copied, pickled, and shared by concurrent trainings.

    LightGBM starts such a training at 0 and returns raw predictions from it. In the
    posterior link they are log-odds: their expit or softmax is the class probability,
    which is what ``objective.loss.predict_proba`` returns in either link.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, from 0 to 20; one for all classes or one per class.
    alpha : float, sequence of float or None, default=None
        Class weights as in :class:`skfocal.FocalLoss`.
    link : {"posterior", "focal"}, default="posterior"
        What a raw prediction is: the log-odds of the class probability, or those of the
        paper's focal probability (:class:`skfocal.FocalLoss`).
    hessian : {"bounded", "expected", "absolute"}, default="bounded"
        Newton weight of a sample with gradient :math:`g` and second derivative
        :math:`h`, which is negative on badly missed samples. In the posterior link
        ``"expected"`` is :math:`E[h]` and ``"bounded"`` :math:`\max(E[h], |g|)`, by
        which no leaf exceeds 1 before the learning rate (with more than two classes
        :math:`\max(E[h], |g| / 2)`);
        in the focal link ``"absolute"`` is :math:`|h|` (:arxiv:`1406.2572`) and
        ``"bounded"`` :math:`\max(|h|, |g| / 2)`. For softmax it is multiplied by
        LightGBM's own factor :math:`K / (K - 1)`; without the bound ``gamma=0`` is
        LightGBM's own ``binary`` or ``multiclass`` objective.

    Attributes
    ----------
    loss : FocalLoss
        What is trained; its ``predict_proba`` takes the model's raw predictions.
    hessian : str
        As given.

    Raises
    ------
    ValueError
        If gamma, alpha, link or hessian is out of its domain.

    Notes
    -----
    With more than two classes and the posterior link the loss is multiplied by
    :math:`(1 + \gamma)^3`, without which LightGBM's penalties of leaves and categories,
    which are absolute, outweigh its small gradients.

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

    _data_type = lgb.Dataset
    _softmax_bound = 2.0

    def _softmax_scale(self, y: Any, raw: Any, weight: Any) -> float:
        return (1.0 + float(np.mean(self.loss.gamma))) ** 3

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        return n_classes / (n_classes - 1)


class FocalMetric(BoostingMetric):
    r"""Focal loss as an evaluation metric of LightGBM, on raw predictions.

    The weighted mean of :math:`-\alpha_t (1 - p_t)^\gamma \log p_t`, to be minimised.
    One object serves ``lgb.train(feval=metric)`` and, with a :class:`FocalObjective`,
    ``LGBMClassifier.fit(eval_metric=metric)``. It returns name, value and that higher
    isn't better.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, at least 0; one for all classes or one per class.
    alpha : float, sequence of float or None, default=None
        Class weights as in :class:`skfocal.FocalLoss`.
    link : {"posterior", "focal"}, default="posterior"
        What a raw prediction is: that of the objective.

    Attributes
    ----------
    loss : FocalLoss
        What is averaged.

    Raises
    ------
    ValueError
        If gamma, alpha or link is out of its domain.

    Examples
    --------
    >>> import numpy as np
    >>> from skfocal.lightgbm import FocalMetric
    >>> name, value, higher_is_better = FocalMetric(gamma=0.0)([0, 1], np.zeros(2))
    >>> name, round(value, 4), higher_is_better
    ('focal_loss', 0.6931, False)
    """

    _data_type = lgb.Dataset

    def _result(self, value: float, native: bool) -> tuple[str, float, bool]:
        return "focal_loss", value, False
