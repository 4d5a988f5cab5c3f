"""What a trained LightGBM classifier does: its predictions, and what it knows."""

from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from skfocal._boosting.classifier import FocalBoostingClassifier
from skfocal._boosting.fitted import FittedAttribute
from skfocal.lightgbm._model import (
    MODELS,
    check_link,
    count_classes_of,
    holds_log_odds,
    raised_copy_of,
    read_state,
    self_contained,
)
from skfocal.lightgbm._words import prediction_words, thread_count

__all__ = ["TrainedLGBMModel"]

FloatArray = npt.NDArray[np.floating]


class TrainedLGBMModel(FocalBoostingClassifier, lgb.LGBMClassifier):
    """All of the classifier but its constructor and its training."""

    _offset_word = "init_score"
    _flat_offset = "F"
    _models = MODELS
    _read_state = staticmethod(read_state)
    _with_state = staticmethod(self_contained)
    _holds_log_odds = staticmethod(holds_log_odds)

    booster_ = FittedAttribute()
    n_iter_ = FittedAttribute()
    best_iteration_ = FittedAttribute()
    best_score_ = FittedAttribute()

    _count_classes = staticmethod(count_classes_of)
    _check_link = staticmethod(check_link)

    @staticmethod
    def _count_features_of(booster: lgb.Booster) -> int:
        return booster.num_feature()

    @staticmethod
    def _started(booster: lgb.Booster, start: Any) -> tuple[lgb.Booster, Any]:
        n_outputs = booster.num_model_per_iteration()
        start = np.zeros(n_outputs) if start is None else start
        started = raised_copy_of(booster, start)
        return started, float(np.squeeze(start)) if n_outputs == 1 else start

    def _set_booster(self, booster: lgb.Booster, *, as_read: bool = False) -> None:
        self.booster_ = booster
        self.n_iter_ = booster.current_iteration()
        self.best_iteration_ = max(booster.best_iteration, 0)
        self.best_score_ = booster.best_score

    def __getattr__(self, name: str) -> Any:
        # In LightGBM's own class further parameters are attributes, too.
        words = vars(self).get("_engine_words", {})
        return words[name] if name in words else super().__getattribute__(name)

    @property
    def fitted_(self) -> bool:
        """True, once there is a model."""
        check_is_fitted(self)
        return True

    @property
    def n_features_(self) -> int:
        """Number of features, ``n_features_in_``."""
        return self.n_features_in_

    @property
    def n_estimators_(self) -> int:
        """Number of boosting rounds in the model, ``n_iter_``."""
        return self.n_iter_

    @property
    def objective_(self) -> str:
        """The link of the model: "binary" or "multiclass"."""
        return "binary" if self.n_classes_ == 2 else "multiclass"

    @property
    def feature_name_(self) -> list[str]:
        """Names of the features, as LightGBM has them."""
        check_is_fitted(self)
        return self.booster_.feature_name()

    @property
    def feature_importances_(self) -> npt.NDArray[Any]:
        """Importance of each feature, as ``importance_type`` says."""
        check_is_fitted(self)
        return self.booster_.feature_importance(self.importance_type)

    def _predict(self, X: Any, **words: Any) -> Any:
        """Return what the Booster predicts, with the constructor's words for it."""
        check_is_fitted(self)
        words = prediction_words(self._engine_words) | words
        threads = thread_count(self.n_jobs, self._engine_words | words)
        X = self._check_features(X, reset=False)
        return self.booster_.predict(X, **words | {"num_threads": threads})

    def decision_function(
        self,
        X: Any,
        *,
        start_iteration: int = 0,
        num_iteration: int | None = None,
        validate_features: bool = False,
        init_score: Any = None,
        **kwargs: Any,
    ) -> FloatArray:
        """Sum the leaves of each sample: raw predictions, in log-odds.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Samples.
        start_iteration : int, default=0
            First boosting round to use.
        num_iteration : int or None, default=None
            Number of rounds to use; None for those up to the best, 0 or less for all.
        validate_features : bool, default=False
            Has no effect: names and number of the features are always checked.
        init_score : array-like of shape (n_samples,) or (n_samples, n_classes), \
                default=None
            What to add to them, in log-odds: the start that ``fit`` was given, which
            the model doesn't hold.
        **kwargs
            LightGBM's parameters of prediction, such as ``pred_early_stop``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Raw predictions; one dimension for two classes.
        """
        raw = self._predict(
            X,
            raw_score=True,
            start_iteration=start_iteration,
            num_iteration=num_iteration,
            **kwargs,
        )
        if init_score is None:
            return raw
        return raw + self._checked_offset(init_score, len(raw), "init_score")

    def predict_proba(
        self,
        X: Any,
        raw_score: bool = False,
        start_iteration: int = 0,
        num_iteration: int | None = None,
        pred_leaf: bool = False,
        pred_contrib: bool = False,
        validate_features: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Predict class probabilities.

        They are the sigmoid or softmax of :meth:`decision_function`; in the focal link
        the probabilities that it stands for.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Samples.
        raw_score : bool, default=False
            Whether to return :meth:`decision_function` instead.
        start_iteration : int, default=0
            First boosting round to use.
        num_iteration : int or None, default=None
            Number of rounds to use; None for those up to the best, 0 or less for all.
        pred_leaf : bool, default=False
            Whether to return the number of the leaf of each tree instead.
        pred_contrib : bool, default=False
            Whether to return SHAP values instead, in log-odds.
        validate_features : bool, default=False
            Has no effect: names and number of the features are always checked.
        **kwargs
            What else :meth:`decision_function` takes.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``; or what was asked for instead.
        """
        rounds: dict[str, Any] = {
            "start_iteration": start_iteration,
            "num_iteration": num_iteration,
        }
        if pred_leaf or pred_contrib:
            kwargs |= {"pred_leaf": pred_leaf, "pred_contrib": pred_contrib}
            return self._predict(X, **rounds, **kwargs)
        raw = self.decision_function(X, **rounds, **kwargs)
        return raw if raw_score else self.loss_.predict_proba(raw)

    def predict(
        self,
        X: Any,
        raw_score: bool = False,
        start_iteration: int = 0,
        num_iteration: int | None = None,
        pred_leaf: bool = False,
        pred_contrib: bool = False,
        validate_features: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Predict the class of least expected cost, focal_alpha being that of a miss.

        It is the class of the largest alpha times probability, the most probable one
        without alpha.

        Parameters
        ----------
        X, raw_score, start_iteration, num_iteration, pred_leaf, pred_contrib, \
                validate_features, **kwargs
            As in :meth:`predict_proba`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels; or what was asked for instead.
        """
        words: dict[str, Any] = {
            "start_iteration": start_iteration,
            "num_iteration": num_iteration,
            "pred_leaf": pred_leaf,
            "pred_contrib": pred_contrib,
        }
        asked = self.predict_proba(X, raw_score=True, **words, **kwargs)
        other = raw_score or pred_leaf or pred_contrib
        return asked if other else self._labels_of(asked)
