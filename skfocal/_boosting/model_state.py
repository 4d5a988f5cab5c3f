"""What a saved model must hold beside its trees, as one line of text.

The engines keep a text of ours in their model files: XGBoost an attribute, LightGBM a
line among the parameters. It is what turns a file back into a classifier.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skfocal.loss import FocalLoss

__all__ = ["STATE_NAME", "EngineModels", "ModelState", "has_same_scale"]

STATE_NAME = "skfocal"
_FORMAT = 2


@dataclass
class ModelState:
    """Loss, labels and names that make a classifier of an engine's model.

    Attributes
    ----------
    loss : FocalLoss
        The loss with its class weights resolved.
    classes : ndarray of shape (n_classes,)
        Class labels, sorted.
    initial_score : float or list of float
        Start value, in log-odds.
    shift : float or list of float
        What was added to the finished model's raw predictions.
    feature_names : list of str or None
        Names of the features, if they have any.
    words : dict
        Constructor parameters without which predictions would be others.
    """

    loss: FocalLoss
    classes: npt.NDArray[Any]
    initial_score: Any
    shift: Any
    feature_names: list[str] | None = None
    words: dict[str, Any] = field(default_factory=dict)

    def to_text(self) -> str | None:
        """Return one line, or None if the labels are of a kind that JSON hasn't."""
        values = {
            "format": _FORMAT,
            "focal_gamma": self.loss.gamma,
            "focal_alpha": self.loss.alpha,
            "focal_link": self.loss.link,
            "classes": self.classes.tolist(),
            "classes_dtype": self.classes.dtype.str,
            "initial_score": np.asarray(self.initial_score).tolist(),
            "calibration_shift": np.asarray(self.shift).tolist(),
            "feature_names": self.feature_names,
            "words": self.words,
        }
        try:
            return json.dumps(values)
        except TypeError:
            return None

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what :meth:`to_text` wrote."""
        values = json.loads(text)
        if values["format"] > _FORMAT:
            raise ValueError(
                f"booster must have a state of format {_FORMAT} or less, "
                f"got {values['format']}: a newer version of skfocal wrote it"
            )
        alpha = values["focal_alpha"]
        return cls(
            # Format 1 knew no other link.
            FocalLoss(
                values["focal_gamma"], alpha, link=values.get("focal_link", "focal")
            ),
            np.array(values["classes"], dtype=values["classes_dtype"]),
            _constant(values["initial_score"]),
            _constant(values.get("calibration_shift", 0.0)),
            values["feature_names"],
            values["words"],
        )


def has_same_scale(one: FocalLoss, other: FocalLoss, n_classes: int) -> bool:
    """Whether raw predictions of both losses mean the same.

    They are the log-odds of the classes, whatever gamma and alpha, in the posterior
    link and where the focal loss is the log loss; else each gamma and alpha has its
    own.
    """
    if _of_classes(one, n_classes) and _of_classes(other, n_classes):
        return True
    values = (loss._class_values(n_classes) for loss in (one, other))
    return one.link == other.link and all(map(np.array_equal, *values))


def _of_classes(loss: FocalLoss, n_classes: int) -> bool:
    gamma, alpha = loss._class_values(n_classes)
    is_log_loss = not gamma.any() and (alpha == alpha[0]).all()
    return loss.link == "posterior" or is_log_loss


def _constant(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class EngineModels:
    """How an engine's models are told from others.

    Attributes
    ----------
    engine : str
        What errors call the engine.
    booster_type : type
        Its Booster.
    known_by : str
        A method that its fitted classifiers have.
    of_fitted : callable
        Takes the Booster out of one.
    """

    engine: str
    booster_type: type
    known_by: str
    of_fitted: Callable[[Any], Any]

    def booster_of(self, model: Any, name: str) -> Any:
        """Return the Booster that a user gave as such, as a file or as a classifier."""
        if isinstance(model, self.booster_type):
            return model
        if isinstance(model, (str, os.PathLike)):
            return self.booster_type(model_file=os.fspath(model))
        if isinstance(model, BaseEstimator) and hasattr(type(model), self.known_by):
            check_is_fitted(model)
            return self.of_fitted(model)
        raise TypeError(
            f"{name} must be a path, a Booster or a fitted classifier of "
            f"{self.engine}, got {model!r}"
        )
