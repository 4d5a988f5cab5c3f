"""Focal loss as objective and metric of XGBoost."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from skfocal._boosting.curvature import curvature_ratio
from skfocal._boosting.objective import BoostingMetric, BoostingObjective, Hessian
from skfocal._boosting.rows import BoostingRows
from skfocal._validation import positive_total
from skfocal.loss import FocalLoss
from skfocal.loss._batch import count_classes
from skfocal.loss._loss import Link
from skfocal.loss._step import may_overwrite
from skfocal.xgboost._workers import largest_of_workers, sum_of_workers

__all__ = ["FOCAL_METRIC", "FocalMetric", "FocalObjective", "RepeatableObjective"]

# What XGBoost calls the focal loss in its results.
FOCAL_METRIC = "relative_focal_loss"

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
    objective that the parameters name. The best constant is
    ``objective.loss.fit_intercept_only(y)``: its expit for ``binary:logistic``, the
    vector itself for ``multi:softprob``. With these, XGBoost's own probabilities, of
    ``Booster.predict`` and of ``XGBClassifier``, are right in the posterior link.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, 0 to 20, of all classes or of each.
    alpha : float, sequence of float or None, default=None
        Weights of the classes, as :class:`skfocal.FocalLoss` takes them.
    link : {"posterior", "focal"}, default="posterior"
        Whose log-odds a raw prediction is: the class probability's, or those of the
        focal probability of the paper (:class:`skfocal.FocalLoss`).
    hessian : {"bounded", "expected", "absolute"}, default="bounded"
        Newton weight made of a sample's gradient :math:`g` and second derivative
        :math:`h`, which badly missed samples have negative. Posterior link:
        :math:`\max(E[h], |g|)`, which keeps leaves within 1 before the learning rate,
        or :math:`E[h]`. Focal link: :math:`\max(|h|, |g| / 2)` or, as ``"absolute"``,
        :math:`|h|` (:arxiv:`1406.2572`). Softmax has XGBoost's own factor 2, so that
        without the bound ``gamma=0`` is ``binary:logistic`` or ``multi:softprob``.

    Attributes
    ----------
    loss : FocalLoss
        What is trained; it knows the start value and turns raw predictions into
        probabilities.
    hessian : str
        The choice made.

    Raises
    ------
    ValueError
        Of parameters out of their domains.

    Notes
    -----
    The softmax loss of the posterior link is multiplied, round by round, by
    :math:`(E_0 / E)^{\gamma / (\gamma + 3)}`, where :math:`E` is the mean expected
    Hessian and :math:`E_0` that of the best constant: as the model grows confident
    XGBoost's penalties, which are absolute, would outweigh its small gradients.

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
    >>> proba = objective.loss.predict_proba(raw)[:, 1]
    >>> bool((abs(proba - booster.predict(data)) < 1e-6).all())
    True
    """

    _data_type = xgb.DMatrix
    _softmax_bound = 1.0

    def _softmax_scale(self, y: Any, raw: FloatArray, weight: Any) -> float:
        gamma = float(np.mean(self.loss.gamma))
        if gamma == 0.0:
            return 1.0
        ratio = curvature_ratio(self.loss, y, raw, weight, sum_of_workers)
        return ratio ** (gamma / (gamma + 3.0))

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        return 2.0


class FocalMetric(BoostingMetric):
    r"""Focal loss as an evaluation metric of XGBoost, on raw predictions.

    The weighted mean of :math:`-\alpha_t (1 - p_t)^\gamma \log p_t`, divided by the
    same mean for the best constant prediction, to be minimised: 1 is what a model
    without features reaches. XGBoost keeps six decimals of a metric, of which the loss
    itself would fill few.

    One object serves ``xgb.train(obj=..., custom_metric=metric)`` and, with a
    :class:`FocalObjective`, ``XGBClassifier(objective=..., eval_metric=metric)``.

    It returns the value, to ``xgb.train`` after the name. For labels of one class only
    the value is relative to the loss of the raw prediction 0.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter >= 0, of all classes or of each.
    alpha : float, sequence of float or None, default=None
        Weights of the classes, as :class:`skfocal.FocalLoss` takes them.
    link : {"posterior", "focal"}, default="posterior"
        Whose log-odds a raw prediction is, as for the objective.

    Attributes
    ----------
    loss : FocalLoss
        The loss whose mean is taken.

    Examples
    --------
    >>> import numpy as np
    >>> from skfocal.xgboost import FocalMetric
    >>> metric = FocalMetric(gamma=2.0)
    >>> metric([0, 1], np.zeros(2))
    1.0
    >>> round(metric([0, 1], np.array([-2.0, 2.0])), 3)
    0.232
    """

    _data_type = xgb.DMatrix

    def __init__(
        self, gamma: Any = 2.0, alpha: Any = None, *, link: Link = "posterior"
    ) -> None:
        super().__init__(gamma, alpha, link=link)
        # XGBoost's classifier calls the metric by it.
        self.__name__ = FOCAL_METRIC

    def _value(self, y: npt.NDArray[Any], raw: FloatArray, weight: Any) -> float:
        # A worker without rows isn't told of how many classes the others have some.
        n_classes = largest_of_workers(count_classes(raw))
        counts = np.bincount(y, weight, minlength=n_classes)
        # XGBoost takes the plain mean of its workers' values, however few rows some
        # have: each returns that of all rows.
        sums = sum_of_workers(np.array([self._sum(y, raw, weight), *counts]))
        mean = sums[0] / positive_total(sums[1:])
        return float(mean / _constant_loss(self.loss, sums[1:]))

    def _result(self, value: float, native: bool) -> Any:
        return (self.__name__, value) if native else value


class RepeatableObjective(FocalObjective):
    """The objective of one training, to which a row of weight 3 is a row three times.

    The low bits of the rows' gradients are dropped, so that float32 holds their product
    with a small whole number exactly.
    """

    def __init__(
        self, loss: FocalLoss, hessian: Hessian, scale: float, rows: BoostingRows
    ) -> None:
        super().__init__(loss.gamma, loss.alpha, link=loss.link, hessian=hessian)
        self._scale = scale
        self.y = rows.codes
        self.weight = None if rows.weight is None else rows.weight.astype(np.float32)

    def _native(self, raw: FloatArray, data: Any) -> tuple[FloatArray, FloatArray]:
        # XGBoost makes a copy of its raw predictions for this call alone.
        in_place = may_overwrite(self.loss, raw)
        gradient = raw if in_place else self._buffer("gradient", raw)
        hessian = self._buffer("hessian", raw)
        self._fill(self.y, raw, self.weight, gradient, hessian, _FREE_BITS)
        return gradient, hessian


def _constant_loss(loss: FocalLoss, counts: FloatArray) -> float:
    """Return the mean loss of the best constant for the classes that are there."""
    gamma, alpha = loss._class_values(len(counts))
    present = np.flatnonzero(counts)
    if len(present) == 1:
        zeros = np.zeros(1 if len(counts) == 2 else (1, len(counts)))
        return loss(present, zeros)
    of_present = FocalLoss(gamma[present], alpha[present], link=loss.link)
    labels, counts = np.arange(len(present)), counts[present]
    start = of_present.fit_intercept_only(labels, counts)
    return of_present(labels, np.full((len(labels), *np.shape(start)), start), counts)
