"""What a saved model must hold beside its trees, as one line of text.

The engines keep a text of ours in their model files: XGBoost an attribute, LightGBM a
line among the parameters. It is what turns a file back into a classifier.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skfocal._validation import (
    check_alpha,
    check_class_count,
    check_gamma,
    check_option,
)
from skfocal.loss import FocalLoss
from skfocal.loss._loss import LINKS

__all__ = ["STATE_NAME", "EngineModels", "ModelState", "check_field", "has_same_scale"]

FloatArray = npt.NDArray[np.floating]

STATE_NAME = "skfocal"
_FORMAT = 2
_KINDS: dict[str, tuple[type, ...]] = {
    "format": (int,),
    "focal_gamma": (int, float, list),
    "focal_alpha": (float, list, NoneType),
    "focal_link": (str,),
    "classes": (list,),
    "classes_dtype": (str,),
    "initial_score": (int, float, list),
    "calibration_shift": (int, float, list),
    "feature_names": (list, NoneType),
    "words": (dict,),
}


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
        values = _fields(text)
        if values["format"] > _FORMAT:
            raise ValueError(
                f"booster must have a state of format {_FORMAT} or less, "
                f"got {values['format']}: a newer version of skfocal wrote it"
            )
        classes = _labels(values["classes"], values["classes_dtype"])
        return cls(
            _loss_of(values, len(classes)),
            classes,
            _constant("initial_score", values["initial_score"], len(classes)),
            _constant("calibration_shift", values["calibration_shift"], len(classes)),
            _names(values["feature_names"]),
            values["words"],
        )


def check_field(field: str, holds: bool, constraint: str, value: Any) -> None:
    """Raise if a field of a model's state is not what it must be."""
    if not holds:
        raise ValueError(
            f"the field {field!r} of the model's state must be {constraint}, "
            f"got {value!r}"
        )


def _fields(text: str) -> dict[str, Any]:
    """Return all fields of a state; an older one lacks some."""
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ValueError(f"the model's state must be a JSON object, got {text!r}")
    # Format 1 knew no other link.
    values = {"focal_link": "focal", "calibration_shift": 0.0} | values
    for name, kinds in _KINDS.items():
        there = isinstance(values.get(name), kinds) and name in values
        named = " or ".join("None" if k is NoneType else k.__name__ for k in kinds)
        check_field(name, there, f"there, of type {named}", values.get(name))
    return values


def _labels(values: list[Any], dtype: str) -> npt.NDArray[Any]:
    try:
        labels = np.array(values, dtype=dtype)
        in_order = labels.ndim == 1 and np.array_equal(np.unique(labels), labels)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            "the fields 'classes' and 'classes_dtype' of the model's state must fit "
            f"each other, got {values!r} and {dtype!r}"
        ) from None
    valid = in_order and len(labels) >= 2
    check_field("classes", valid, "two or more labels, sorted and unique", values)
    return labels


def _loss_of(values: dict[str, Any], n_classes: int) -> FocalLoss:
    names = ("focal_gamma", "focal_alpha")
    gamma = check_gamma(values[names[0]], names[0])
    alpha = check_alpha(values[names[1]], names[1])
    for name, value in zip(names, (gamma, alpha), strict=True):
        check_class_count(name, value, n_classes)
    check_option("focal_link", values["focal_link"], LINKS)
    return FocalLoss(gamma, alpha, link=values["focal_link"])


def _constant(field: str, value: Any, n_classes: int) -> Any:
    """Return a raw prediction of two classes or of each, or one for all."""
    constant = _as_numbers(value)
    shapes = ((),) if n_classes == 2 else ((), (n_classes,))
    valid = constant.shape in shapes and bool(np.isfinite(constant).all())
    check_field(field, valid, f"finite and of a shape of {shapes}", value)
    return constant if isinstance(value, list) else value


def _as_numbers(value: Any) -> FloatArray:
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array(np.nan)


def _names(names: list[Any] | None) -> list[str] | None:
    valid = names is None or (
        all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    )
    check_field("feature_names", valid, "None or unique strings", names)
    return names


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
    of_file : callable
        Reads the file at a path, or a file's content if that is one of the file types,
        given as an argument of a name.
    file_types : tuple of type
        What files are given as.
    """

    engine: str
    booster_type: type
    known_by: str
    of_fitted: Callable[[Any], Any]
    of_file: Callable[[Any, str], Any]
    file_types: tuple[type, ...] = (str, os.PathLike)

    def booster_of(self, model: Any, name: str) -> Any:
        """Return the Booster that a user gave as such, as a file or as a classifier."""
        if isinstance(model, self.booster_type):
            return model
        if isinstance(model, self.file_types):
            file = os.fspath(model) if isinstance(model, os.PathLike) else model
            return self.of_file(file, name)
        if isinstance(model, BaseEstimator) and hasattr(type(model), self.known_by):
            check_is_fitted(model)
            return self.of_fitted(model)
        raise TypeError(
            f"{name} must be a path, a Booster or a fitted classifier of "
            f"{self.engine}, got {model!r}"
        )
