"""What the engines' custom objectives and metrics share."""

import threading
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from skfocal._boosting.ranges import check_trainable_gamma
from skfocal._validation import (
    check_labels,
    check_length,
    check_option,
    check_raw,
    check_weight,
    positive_total,
)
from skfocal.loss import FocalLoss
from skfocal.loss._batch import Batch, count_classes
from skfocal.loss._loss import Link
from skfocal.loss._step import NewtonStep

__all__ = ["BoostingMetric", "BoostingObjective", "Hessian", "check_hessian"]

FloatArray = npt.NDArray[np.floating]
Hessian = Literal["bounded", "expected", "absolute"]

# The least ratio of a Newton weight to the size of its gradient: its inverse bounds
# every leaf before the learning rate, whatever the start value.
_FLOORS: dict[str, dict[str, float]] = {
    "posterior": {"bounded": 1.0, "expected": 0.0},
    "focal": {"bounded": 0.5, "absolute": 0.0},
}


def check_hessian(name: str, hessian: Any, link: Link) -> None:
    """Raise if the link has no such Newton weight."""
    check_option(name, hessian, list(_FLOORS[link]))


class BoostingObjective:
    r"""Gradient and positive Newton weight of the focal loss, in float32.

    A subclass says what its engine's data are, and by what its engine multiplies the
    diagonal of its own softmax Hessian. An object can be copied, pickled, and shared by
    concurrent trainings.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, as in :class:`skfocal.FocalLoss`, at most 20.
    alpha : float, sequence of float or None, default=None
        Class weights, as in :class:`skfocal.FocalLoss`.
    link : {"posterior", "focal"}, default="posterior"
        What a raw prediction is, as in :class:`skfocal.FocalLoss`.
    hessian : {"bounded", "expected", "absolute"}, default="bounded"
        What serves as Newton weight of a sample with gradient :math:`g` and second
        derivative :math:`h`, which is negative where the sample is badly missed.

        Posterior link: ``"expected"`` is :math:`E[h]` over labels drawn from the
        prediction, ``"bounded"`` is :math:`\max(E[h], |g| / b)` with :math:`b = 1`, so
        that no leaf exceeds 1 before the learning rate.

        Focal link: ``"absolute"`` is :math:`|h|`, the saddle-free Newton step (Dauphin
        et al. 2014, :arxiv:`1406.2572`), ``"bounded"`` is :math:`\max(|h|, |g| / 2)`.

        For softmax the diagonal has the engine's own factor, so that ``gamma=0``
        without the bound grows the trees of the engine's own log loss.

    Attributes
    ----------
    loss : FocalLoss
        The loss of this objective.
    hessian : str
        As given.
    """

    # The engine's data, which its native training hands over.
    _data_type: type
    # The bound b of the posterior link with more than two classes, by experiment.
    _softmax_bound: float

    def __init__(
        self,
        gamma: Any = 2.0,
        alpha: Any = None,
        *,
        link: Link = "posterior",
        hessian: Hessian = "bounded",
    ) -> None:
        self.loss = FocalLoss(gamma, alpha, link=link)
        check_trainable_gamma(gamma, "gamma")
        check_hessian("hessian", hessian, link)
        self.hessian = hessian
        self._scale = 1.0
        self._buffers = threading.local()

    @classmethod
    def _of(cls, loss: FocalLoss, hessian: Hessian, scale: float) -> Self:
        """Return the objective of a loss, multiplied by a number."""
        objective = cls(loss.gamma, loss.alpha, link=loss.link, hessian=hessian)
        objective._scale = scale
        return objective

    def __getstate__(self) -> dict[str, Any]:
        return {"loss": self.loss, "hessian": self.hessian, "_scale": self._scale}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._buffers = threading.local()

    def __repr__(self) -> str:
        gamma, alpha, link = self.loss.gamma, self.loss.alpha, self.loss.link
        words = f"link={link!r}, hessian={self.hessian!r}"
        return f"{type(self).__name__}({gamma}, {alpha}, {words})"

    # LightGBM counts the parameters, XGBoost reads their names: keep exactly these.
    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return gradient and Newton weight of each raw prediction.

        The engine calls it, in one of two ways.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or the raw predictions
            Labels 0 .. n_classes - 1. In a call from the engine's ``train``, what the
            next parameter says.
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), or the data
            Raw predictions, in log-odds. In a call from the engine's ``train``, the
            training data, whose labels and weights are used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        gradient : ndarray of float32, of the shape and memory order of the predictions
            First derivatives. In a call from ``train`` the next call of the same thread
            overwrites both arrays.
        hessian : ndarray of float32, likewise
            Newton weights, at least 0.
        """
        if isinstance(y_pred, self._data_type):
            return self._native(_with_columns(y_true), y_pred)
        y, raw, weight = _checked(y_true, y_pred, sample_weight)
        gradient = np.empty_like(raw, dtype=np.float32)
        hessian = np.empty_like(raw, dtype=np.float32)
        self._fill(y, raw, weight, gradient, hessian)
        return gradient, hessian

    def _native(self, raw: FloatArray, data: Any) -> tuple[FloatArray, FloatArray]:
        y, n_classes = data.get_label(), count_classes(raw)
        # LightGBM returns the same labels at every round, XGBoost copies them: they are
        # compared with those that passed the check, which takes longer.
        checked, for_classes = getattr(self._buffers, "checked_labels", (y, 0))
        same = n_classes == for_classes and (y is checked or np.array_equal(y, checked))
        if not same:
            check_labels(y, n_classes)
            self._buffers.checked_labels = y, n_classes
        gradient, hessian = (self._buffer(n, raw) for n in ("gradient", "hessian"))
        self._fill(y, raw, _weight_of(data), gradient, hessian)
        return gradient, hessian

    def _buffer(self, name: str, raw: FloatArray) -> npt.NDArray[np.float32]:
        """Return this thread's array of a name, of the shape and order of ``raw``.

        The thread's next call overwrites it: fresh memory costs more per boosting round
        than the arithmetic done in it.
        """
        key, buffer = getattr(self._buffers, name, (None, None))
        if buffer is None or key != (raw.shape, raw.strides):
            buffer = np.empty_like(raw, dtype=np.float32)
            setattr(self._buffers, name, ((raw.shape, raw.strides), buffer))
        return buffer

    def _fill(
        self,
        y: npt.NDArray[Any],
        raw: FloatArray,
        weight: Any,
        gradient: FloatArray,
        hessian: FloatArray,
        free_bits: int = 0,
    ) -> None:
        """Compute a step in the memory order of ``raw``, rounded to fewer bits."""
        step = NewtonStep(self.loss, count_classes(raw))
        words = self._step_words(y, raw, weight)
        step.fill(y, raw, weight, gradient, hessian, free_bits=free_bits, **words)

    def _step_words(
        self, y: npt.NDArray[Any], raw: FloatArray, weight: Any
    ) -> dict[str, float]:
        """Return by what the Newton weight is bounded, and the loss multiplied."""
        floor, scale = _FLOORS[self.loss.link][self.hessian], self._scale
        n_classes = count_classes(raw)
        if n_classes == 2:
            return {"floor": floor, "scale": scale}
        factor = self._softmax_factor(n_classes)
        if self.loss.link == "posterior":
            floor *= factor / self._softmax_bound
            scale *= self._softmax_scale(y, raw, weight)
        return {"factor": factor, "floor": floor, "scale": scale}

    def _softmax_scale(
        self, y: npt.NDArray[Any], raw: FloatArray, weight: Any
    ) -> float:
        """Return what the posterior link's loss of several classes is multiplied by.

        The engine's penalties are absolute: they would outweigh its small gradients.
        """
        raise NotImplementedError

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        """What the engine multiplies the diagonal of its own softmax Hessian by."""
        raise NotImplementedError


class BoostingMetric:
    """Weighted mean of the focal loss.

    A subclass says what its engine's data are, and how its engine takes a value.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, as in :class:`skfocal.FocalLoss`.
    alpha : float, sequence of float or None, default=None
        Class weights, as in :class:`skfocal.FocalLoss`.
    link : {"posterior", "focal"}, default="posterior"
        What a raw prediction is, as in :class:`skfocal.FocalLoss`.

    Attributes
    ----------
    loss : FocalLoss
        The loss of this metric.
    """

    _data_type: type

    def __init__(
        self, gamma: Any = 2.0, alpha: Any = None, *, link: Link = "posterior"
    ) -> None:
        self.loss = FocalLoss(gamma, alpha, link=link)

    @classmethod
    def _of(cls, loss: FocalLoss) -> Self:
        return cls(loss.gamma, loss.alpha, link=loss.link)

    def __repr__(self) -> str:
        gamma, alpha, link = self.loss.gamma, self.loss.alpha, self.loss.link
        return f"{type(self).__name__}({gamma}, {alpha}, link={link!r})"

    # LightGBM counts the parameters, XGBoost reads their names: keep exactly these.
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the value as the engine takes it.

        The engine calls it, in one of two ways.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,), or the raw predictions
            Labels 0 .. n_classes - 1. In a call from the engine's ``train``, what the
            next parameter says.
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_classes), or the data
            Raw predictions, in log-odds. In a call from the engine's ``train``, the
            data, whose labels and weights are used.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        float or tuple
            LightGBM: name, value, and that less is better. XGBoost: the value, in a
            call from ``xgboost.train`` after the name.
        """
        native = isinstance(y_pred, self._data_type)
        if native:
            data, y_pred = y_pred, _with_columns(y_true)
            y_true = data.get_label()
            sample_weight = _weight_of(data)
        value = self._value(*_checked(y_true, y_pred, sample_weight))
        return self._result(value, native)

    def _result(self, value: float, native: bool) -> Any:
        """Return the value as the engine's native training or its wrapper takes it."""
        raise NotImplementedError

    def _value(self, y: npt.NDArray[Any], raw: FloatArray, weight: Any) -> float:
        """Return the mean loss of valid arrays."""
        total = len(raw) if weight is None else positive_total(weight)
        return self._sum(y, raw, weight) / total

    def _sum(self, y: npt.NDArray[Any], raw: FloatArray, weight: Any) -> float:
        """Return the weighted sum of the losses of valid arrays."""
        losses = np.empty(len(raw))
        Batch(self.loss, y, raw, weight).run(loss=losses)
        return float(losses.sum())


def _checked(
    y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[npt.NDArray[np.int32], FloatArray, FloatArray | None]:
    """Return labels, raw predictions and weights that fit each other."""
    raw = check_raw(y_pred)
    y = check_labels(y_true, count_classes(raw))
    check_length("y_true", len(y), len(raw))
    return y, raw, check_weight(sample_weight, len(raw))


def _with_columns(raw: FloatArray) -> FloatArray:
    """Return the raw predictions of no rows, which XGBoost 3.4 gives no columns."""
    return raw.reshape(0) if raw.shape == (0, 0) else raw


def _weight_of(data: Any) -> FloatArray | None:
    """Return the weights; XGBoost has an empty array where there are none."""
    weight = data.get_weight()
    return weight if weight is not None and weight.size else None
