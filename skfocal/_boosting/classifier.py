"""What the boosted classifiers share: parameters, models and predictions."""

import inspect
from itertools import takewhile
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from skfocal._boosting.fitted import FittedAttribute
from skfocal._boosting.model_state import (
    EngineModels,
    ModelState,
    check_field,
    has_same_scale,
)
from skfocal._boosting.rows import BoostingRows, RowChecks
from skfocal._boosting.words import random_seed, refuse_focal_words
from skfocal._classes import codes_of_largest_cost
from skfocal.loss import FocalLoss

__all__ = ["FocalBoostingClassifier", "parameter_names"]

FloatArray = npt.NDArray[np.floating]

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class FocalBoostingClassifier(RowChecks, ClassifierMixin, BaseEstimator):
    """Frame of a classifier that trains an engine with the focal loss.

    A subclass inherits from the engine's own classifier as well, of which it keeps what
    is right for a model that holds its start and its link. It has the constructor,
    ``fit`` and the predictions, in the engine's words.
    """

    random_state: Any
    _engine_words: dict[str, Any]
    _models: EngineModels
    calibration_shift_: Any

    # The engines' classes have these as properties that read their private state.
    classes_ = FittedAttribute()
    n_features_in_ = FittedAttribute()
    feature_names_in_ = FittedAttribute()
    evals_result_ = FittedAttribute()

    def __sklearn_is_fitted__(self) -> bool:
        return "booster_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = False
        tags.classifier_tags.multi_label = False
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, among them the engine's further ones.

        Parameters
        ----------
        deep : bool, default=True
            Has no effect: no parameter is an estimator.

        Returns
        -------
        dict
            Values by name.
        """
        names = parameter_names(type(self))
        return {name: getattr(self, name) for name in names} | self._engine_words

    def set_params(self, **params: Any) -> Self:
        """Set parameters, among them any of the engine.

        Parameters
        ----------
        **params
            Values by name.

        Returns
        -------
        self
            The classifier.
        """
        own = parameter_names(type(self))
        refuse_focal_words(name for name in params if name not in own)
        for name, value in params.items():
            if name in own:
                setattr(self, name, value)
            else:
                self._engine_words = self._engine_words | {name: value}
        return self

    def _seed(self) -> dict[str, Any]:
        """Return the engine's word for the seed, if there is one."""
        if self.random_state is None:
            return {}
        return {"random_state": random_seed(self.random_state)}

    def _state(self, **words: Any) -> ModelState:
        """What a saved model must hold to become a classifier again."""
        names = getattr(self, "feature_names_in_", None)
        return ModelState(
            self.loss_,
            self.classes_,
            self.initial_score_,
            self.calibration_shift_,
            None if names is None else names.tolist(),
            words,
        )

    @classmethod
    def from_booster(
        cls,
        booster: Any,
        *,
        loss: FocalLoss | None = None,
        classes: Any = None,
        start: Any = None,
    ) -> Self:
        """Return a fitted classifier made of a trained model alone.

        Parameters
        ----------
        booster : Booster, str or Path
            ``booster_`` of a fitted classifier, the file that its ``save_model`` wrote,
            or a model that the engine's own ``train`` made with a ``FocalObjective``.
        loss : FocalLoss, default=None
            The objective's ``loss``, of a model of the engine's own ``train``; a
            classifier's model knows it.
        classes : array-like of shape (n_classes,), default=None
            With ``loss``: the labels that 0 .. n_classes - 1 stand for, if others.
        start : float or array-like of shape (n_classes,), default=None
            With ``loss``: the constant that training started from as ``init_score`` or
            ``base_margin``, in log-odds, which the model doesn't hold.

        Returns
        -------
        self
            A classifier that predicts what the saved one did. Of the constructor's
            parameters it has those that decide predictions.

        Raises
        ------
        ValueError
            If the model wasn't trained by this class, and no loss is given.
        """
        as_read = isinstance(booster, cls._models.file_types) and loss is None
        booster = cls._models.booster_of(booster, "booster")
        state = cls._checked_state(booster, "booster")
        if loss is not None:
            booster, state = cls._adopt(booster, state, loss, classes, start)
        model = cls._from_state(state)
        model._set_booster(booster, as_read=as_read)
        model.n_features_in_ = cls._count_features_of(booster)
        return model

    @classmethod
    def _adopt(
        cls,
        booster: Any,
        state: ModelState | None,
        loss: FocalLoss,
        classes: Any,
        start: Any,
    ) -> tuple[Any, ModelState]:
        """Return a copy of a natively trained model, start included, and its state."""
        if state is not None:
            raise ValueError(
                f"loss must be None for a model that holds its own, got {loss!r}"
            )
        cls._check_link(booster, "booster")
        n_classes = cls._count_classes(booster)
        # Raises if gamma or alpha don't fit.
        loss._class_values(n_classes)
        labels = np.arange(n_classes) if classes is None else np.asarray(classes)
        if len(np.unique(labels)) != n_classes or labels.ndim != 1:
            raise ValueError(
                f"classes must hold the model's {n_classes} labels, got {classes!r}"
            )
        if start is not None:
            shape = () if n_classes == 2 else (n_classes,)
            start = np.asarray(start, dtype=np.float64)
            if start.shape != shape or not np.isfinite(start).all():
                raise ValueError(
                    f"start must be finite and of shape {shape}, got {start.tolist()}"
                )
        booster, start = cls._started(booster, start)
        state = ModelState(loss, labels, start, 0.0)
        return cls._with_state(booster, state), state

    @classmethod
    def _checked_state(cls, booster: Any, name: str) -> ModelState | None:
        """Return what the model says of itself, which fits its trees."""
        state = cls._read_state(booster)
        if state is None:
            return None
        cls._check_link(booster, name)
        check_field(
            "classes",
            len(state.classes) == cls._count_classes(booster),
            f"one label for each of the model's {cls._count_classes(booster)} classes",
            state.classes.tolist(),
        )
        names, n_features = state.feature_names, cls._count_features_of(booster)
        check_field(
            "feature_names",
            names is None or len(names) == n_features,
            f"None or one name for each of the model's {n_features} features",
            names,
        )
        return state

    # An engine's own steps with its models.
    @staticmethod
    def _count_classes(booster: Any) -> int:
        """Return their number, or raise if the outputs are those of no classifier."""
        raise NotImplementedError

    @staticmethod
    def _check_link(booster: Any, name: str) -> None:
        """Raise if the model's outputs are no log-odds of classes."""
        raise NotImplementedError

    @staticmethod
    def _count_features_of(booster: Any) -> int:
        raise NotImplementedError

    @staticmethod
    def _started(booster: Any, start: Any) -> tuple[Any, Any]:
        """Return a copy that starts there, or where the model does, and the start."""
        raise NotImplementedError

    @staticmethod
    def _read_state(booster: Any) -> ModelState | None:
        raise NotImplementedError

    @staticmethod
    def _with_state(booster: Any, state: ModelState) -> Any:
        """Return the model, or a copy, that holds the state."""
        raise NotImplementedError

    @staticmethod
    def _holds_log_odds(booster: Any) -> bool:
        """Whether the engine's own log loss trained the model."""
        raise NotImplementedError

    def _set_booster(self, booster: Any, *, as_read: bool = False) -> None:
        """Take a model, which may be that of a file of a classifier."""
        raise NotImplementedError

    @classmethod
    def _from_state(cls, state: ModelState | None) -> Self:
        """Return a classifier that lacks nothing but its model."""
        if state is None:
            raise ValueError(
                f"booster must come from a {cls.__name__} whose labels were numbers, "
                "booleans or strings, got a model without focal loss and classes; of a "
                "model trained with a FocalObjective, give its loss as well"
            )
        loss = state.loss
        focal = {"focal_gamma": loss.gamma, "focal_alpha": loss.alpha}
        model = cls(**focal, focal_link=loss.link, **state.words)
        model.loss_, model.classes_ = loss, state.classes
        model.initial_score_, model.calibration_shift_ = (
            state.initial_score,
            state.shift,
        )
        model.evals_result_ = {}
        if state.feature_names is not None:
            model.feature_names_in_ = np.array(state.feature_names, dtype=object)
        return model

    def _model_to_go_on_from(self, model: Any, name: str) -> Any:
        """Return the engine's model that training goes on from, if there is one."""
        if model is None:
            return None
        booster = self._models.booster_of(model, name)
        state = self._checked_state(booster, name)
        if state is None and not self._holds_log_odds(booster):
            raise ValueError(
                f"{name} must say what its raw predictions are, got a model that "
                "neither a log loss nor a classifier of this package trained; of a "
                "model trained with a FocalObjective, give from_booster its loss"
            )
        n_classes = self._count_classes(booster)
        classes = getattr(model, "classes_", np.arange(n_classes))
        loss = FocalLoss(0.0) if state is None else state.loss
        self._check_same_classes(classes if state is None else state.classes, name)
        if n_classes != self.n_classes_:
            raise ValueError(
                f"{name} must have trees for {self.n_classes_} classes, as y has, got "
                f"those for {n_classes}"
            )
        if self._count_features_of(booster) != self.n_features_in_:
            raise ValueError(
                f"{name} must have the {self.n_features_in_} features of X, "
                f"got {self._count_features_of(booster)}"
            )
        if not has_same_scale(loss, self.loss_, self.n_classes_):
            raise ValueError(
                f"{name} must have raw predictions of {self.loss_!r}, got those of "
                f"{loss!r}"
            )
        return booster

    def _check_same_classes(self, classes: Any, name: str) -> None:
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"{name} must have the classes {self.classes_.tolist()} of y, "
                f"got {np.asarray(classes).tolist()}"
            )

    def _start(self, rows: BoostingRows, own_start: bool) -> Any:
        """Return the constant of least loss, or 0 if training starts elsewhere."""
        if not own_start:
            return self.loss_.fit_intercept_only(rows.codes, rows.weight)
        return 0.0 if self.n_classes_ == 2 else np.zeros(self.n_classes_)

    def decision_function(self, X: Any) -> FloatArray:
        """Predict raw predictions, in log-odds, with each engine's own words."""
        raise NotImplementedError

    def _labels_of(self, raw: FloatArray) -> npt.NDArray[Any]:
        """Return the classes of least expected cost."""
        return self.classes_[codes_of_largest_cost(self.loss_, raw, self.n_classes_)]

    def predict_log_proba(self, X: Any, **words: Any) -> FloatArray:
        """Predict the logarithms of the class probabilities.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Samples.
        **words
            Which rounds to use, and what else :meth:`decision_function` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of :meth:`predict_proba`.
        """
        raw = self.decision_function(X, **words)
        return self.loss_.predict_log_proba(raw)


def parameter_names(model_class: type) -> list[str]:
    """Return the constructor's parameters.

    Where a user's subclass hands further keywords on, its parents' are among them.
    """
    names: dict[str, None] = {}
    ours = takewhile(lambda c: c is not FocalBoostingClassifier, model_class.__mro__)
    for parent in ours:
        if "__init__" not in vars(parent):
            continue
        parameters = inspect.signature(vars(parent)["__init__"]).parameters.values()
        names |= dict.fromkeys(p.name for p in parameters if p.kind in _NAMED)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
            break
    return [name for name in names if name != "self"]
