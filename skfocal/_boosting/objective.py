"""What the engines' custom objectives and metrics share."""

import threading
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from skfocal._validation import positive_total
from skfocal.loss import FocalLoss
from skfocal.loss._batch import Batch

__all__ = ["BoostingMetric", "BoostingObjective"]

FloatArray = npt.NDArray[np.floating]
Hessian = Literal["bounded", "absolute"]

# The least ratio of a Newton weight to the size of its gradient: one half bounds every
# leaf by 2 before the learning rate, whatever the start value.
_FLOORS = {"bounded": 0.5, "absolute": 0.0}


class BoostingObjective:
    """Gradient and positive Newton weight of the focal loss, in float32.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, as in :class:`skfocal.FocalLoss`.
    alpha : float, sequence of float or None, default=None
        Class weights, as in :class:`skfocal.FocalLoss`.
    hessian : {"bounded", "absolute"}, default="bounded"
        Newton weight made of the Hessian h, which is negative on badly missed samples:
        ``max(|h|, |g| / 2)`` or ``|h|``.
    """

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
        batch.run("gradient_hessian", factor, floor, gradient, hessian)
        return gradient, hessian


class BoostingMetric:
    """Weighted mean of the focal loss.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, as in :class:`skfocal.FocalLoss`.
    alpha : float, sequence of float or None, default=None
        Class weights, as in :class:`skfocal.FocalLoss`.
    """

    def __init__(self, gamma: Any = 2.0, alpha: Any = None) -> None:
        self.loss = FocalLoss(gamma, alpha)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss.gamma}, {self.loss.alpha})"

    def _mean_loss(self, y: npt.NDArray[Any], raw: FloatArray, weight: Any) -> float:
        losses = np.empty(len(raw))
        Batch(self.loss, y, raw, weight).run("loss", losses)
        total = len(raw) if weight is None else positive_total(weight)
        return float(losses.sum() / total)
