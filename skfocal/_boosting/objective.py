"""What the engines' custom objectives and metrics share."""

import threading
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from skfocal._validation import (
    check_labels,
    check_length,
    check_raw,
    check_weight,
    positive_total,
)
from skfocal.loss import FocalLoss
from skfocal.loss._batch import Batch, count_classes

__all__ = ["BoostingMetric", "BoostingObjective"]

FloatArray = npt.NDArray[np.floating]
Hessian = Literal["bounded", "absolute"]

# The least ratio of a Newton weight to the size of its gradient: one half bounds every
# leaf by 2 before the learning rate, whatever the start value.
_FLOORS = {"bounded": 0.5, "absolute": 0.0}


class BoostingObjective:
    r"""Gradient and positive Newton weight of the focal loss, in float32.

    A subclass says what its engine's data are, and by what its engine multiplies the
    diagonal of its own softmax Hessian. An object can be copied, pickled, and shared by
    concurrent trainings.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, as in :class:`skfocal.FocalLoss`.
    alpha : float, sequence of float or None, default=None
        Class weights, as in :class:`skfocal.FocalLoss`.
    hessian : {"bounded", "absolute"}, default="bounded"
        What serves as Newton weight of a sample with gradient :math:`g` and second
        derivative :math:`h`, which is negative where the sample is badly missed.
        ``"bounded"`` is :math:`\max(|h|, |g| / 2)`, so that no leaf exceeds 2 before
        the learning rate. ``"absolute"`` is :math:`|h|`, the saddle-free Newton step
        (Dauphin et al. 2014, :arxiv:`1406.2572`); for softmax it has the engine's own
        factor, so that ``gamma=0`` grows the trees of the engine's own log loss.

    Attributes
    ----------
    loss : FocalLoss
        The loss of this objective.
    hessian : str
        As given.
    """

    # The engine's data, which its native training hands over.
    _data_type: type

    def __init__(
        self, gamma: Any = 2.0, alpha: Any = None, *, hessian: Hessian = "bounded"
    ) -> None:
        if hessian not in _FLOORS:
            raise ValueError(f"hessian must be one of {list(_FLOORS)}, got {hessian!r}")
        self.loss = FocalLoss(gamma, alpha)
        self.hessian = hessian
        self._buffers = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {"loss": self.loss, "hessian": self.hessian}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._buffers = threading.local()

    def __repr__(self) -> str:
        gamma, alpha = self.loss.gamma, self.loss.alpha
        return f"{type(self).__name__}({gamma}, {alpha}, hessian={self.hessian!r})"

    @staticmethod
    def _softmax_factor(n_classes: int) -> float:
        """What the engine multiplies the diagonal of its own softmax Hessian by."""
        raise NotImplementedError

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
            return self._native(y_true, y_pred)
        y, raw, weight = _checked(y_true, y_pred, sample_weight)
        return self._newton_step(y, raw, weight, self._factor(raw))

    def _native(self, raw: FloatArray, data: Any) -> tuple[FloatArray, FloatArray]:
        y, n_classes = data.get_label(), count_classes(raw)
        # LightGBM returns the same labels at every round, XGBoost copies them: they are
        # compared with those that passed the check, which takes longer.
        checked, for_classes = getattr(self._buffers, "checked_labels", (y, 0))
        same = n_classes == for_classes and (y is checked or np.array_equal(y, checked))
        if not same:
            check_labels(y, n_classes)
            self._buffers.checked_labels = y, n_classes
        weight = _weight_of(data)
        return self._newton_step_in_buffers(y, raw, weight, self._factor(raw))

    def _factor(self, raw: FloatArray) -> float:
        return 1.0 if raw.ndim == 1 else self._softmax_factor(raw.shape[1])

    def _newton_step(
        self, y: npt.NDArray[Any], raw: FloatArray, weight: Any, factor: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return new float32 arrays in the memory order of ``raw``."""
        gradient = np.empty_like(raw, dtype=np.float32)
        hessian = np.empty_like(raw, dtype=np.float32)
        return self._fill(y, raw, weight, factor, gradient, hessian)

    def _newton_step_in_buffers(
        self, y: npt.NDArray[Any], raw: FloatArray, weight: Any, factor: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return arrays that this thread's next call overwrites.

        Fresh memory costs more per boosting round than the arithmetic done in it.
        """
        local = self._buffers
        if getattr(local, "shape", None) != (raw.shape, raw.strides):
            local.gradient = np.empty_like(raw, dtype=np.float32)
            local.hessian = np.empty_like(raw, dtype=np.float32)
            local.shape = (raw.shape, raw.strides)
        return self._fill(y, raw, weight, factor, local.gradient, local.hessian)

    def _fill(
        self,
        y: npt.NDArray[Any],
        raw: FloatArray,
        weight: Any,
        factor: float,
        gradient: FloatArray,
        hessian: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        batch = Batch(self.loss, y, raw, weight)
        floor = _FLOORS[self.hessian]
        batch.run(gradient=gradient, hessian=hessian, factor=factor, floor=floor)
        return gradient, hessian


class BoostingMetric:
    """Weighted mean of the focal loss.

    A subclass says what its engine's data are, and how its engine takes a value.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, as in :class:`skfocal.FocalLoss`.
    alpha : float, sequence of float or None, default=None
        Class weights, as in :class:`skfocal.FocalLoss`.

    Attributes
    ----------
    loss : FocalLoss
        The loss of this metric.
    """

    _data_type: type

    def __init__(self, gamma: Any = 2.0, alpha: Any = None) -> None:
        self.loss = FocalLoss(gamma, alpha)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss.gamma}, {self.loss.alpha})"

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
            y_true, y_pred, data = y_pred.get_label(), y_true, y_pred
            sample_weight = _weight_of(data)
        value = self._value(*_checked(y_true, y_pred, sample_weight))
        return self._result(value, native)

    def _result(self, value: float, native: bool) -> Any:
        """Return the value as the engine's native training or its wrapper takes it."""
        raise NotImplementedError

    def _value(self, y: npt.NDArray[Any], raw: FloatArray, weight: Any) -> float:
        """Return the mean loss of valid arrays."""
        losses = np.empty(len(raw))
        Batch(self.loss, y, raw, weight).run(loss=losses)
        total = len(raw) if weight is None else positive_total(weight)
        return float(losses.sum() / total)


def _checked(
    y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[npt.NDArray[np.int32], FloatArray, FloatArray | None]:
    """Return labels, raw predictions and weights that fit each other."""
    raw = check_raw(y_pred)
    y = check_labels(y_true, count_classes(raw))
    check_length("y_true", len(y), len(raw))
    return y, raw, check_weight(sample_weight, len(raw))


def _weight_of(data: Any) -> FloatArray | None:
    """Return the weights; XGBoost has an empty array where there are none."""
    weight = data.get_weight()
    return weight if weight is not None and weight.size else None
