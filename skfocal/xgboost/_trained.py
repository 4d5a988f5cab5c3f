"""What a trained XGBoost classifier does: predictions, files and importances."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from sklearn.utils.validation import _num_samples, check_is_fitted

from skfocal._boosting.classifier import FocalBoostingClassifier
from skfocal._boosting.rows import in_canonical_format
from skfocal._boosting.words import FOCAL_WORDS, OWN_WORDS
from skfocal.xgboost._model import (
    MODELS,
    check_link,
    count_linked_classes,
    holds_log_odds,
    is_linear,
    linear_terms,
    link_words,
    read_state,
    silent_copies,
    up_to_best,
    write_state,
)
from skfocal.xgboost._model_file import seal_file, write_checksums
from skfocal.xgboost._start import set_start, start_of
from skfocal.xgboost._tables import as_table, check_column_types
from skfocal.xgboost._train import MatrixWords

__all__ = ["TrainedXGBModel"]

FloatArray = npt.NDArray[np.floating]
IterationRange = tuple[int, int]

_PREDICTION_WORDS = ("booster", "enable_categorical", "missing")


class TrainedXGBModel(FocalBoostingClassifier, xgb.XGBClassifier):
    """All of the classifier but its constructor and its training."""

    tree_method: str | None
    booster: str | None
    missing: float
    n_jobs: int | None
    device: str | None
    enable_categorical: bool
    feature_types: Sequence[str] | None
    max_bin: int | None
    verbosity: int | None
    importance_type: str | None
    _offset_word = "base_margin"
    _flat_offset = "C"
    _has_default_rounds = True
    _least_rounds = 0
    _models = MODELS
    _read_state = staticmethod(read_state)
    _with_state = staticmethod(write_state)
    _holds_log_odds = staticmethod(holds_log_odds)

    def _matrix_words(self, nthread: int | None = None) -> MatrixWords:
        by_bins = self.tree_method in (None, "auto", "hist")
        return MatrixWords(
            missing=self.missing,
            nthread=self.n_jobs if nthread is None else nthread,
            enable_categorical=self.enable_categorical,
            feature_types=self.feature_types,
            max_bin=self.max_bin,
            binned=by_bins and self.booster != "gblinear",
        )

    def _check_features(self, X: Any, y: Any = None, *, reset: bool) -> Any:
        X = as_table(X)
        check_column_types(X)
        return super()._check_features(X, y, reset=reset)

    _count_classes = staticmethod(count_linked_classes)
    _check_link = staticmethod(check_link)

    @staticmethod
    def _count_features_of(booster: xgb.Booster) -> int:
        return booster.num_features()

    @staticmethod
    def _started(booster: xgb.Booster, start: Any) -> tuple[xgb.Booster, Any]:
        started = booster.copy()
        if start is None:
            return started, start_of(started)
        return started, set_start(started, start)

    def _set_booster(self, booster: xgb.Booster, *, as_read: bool = False) -> None:
        best, score = booster.attr("best_iteration"), booster.attr("best_score")
        self.best_iteration_ = None if best is None else int(best)
        self.best_score_ = None if score is None else float(score)
        with silent_copies():
            self.booster_ = up_to_best(booster)
            self._choose_where_it_runs()
            self.n_iter_ = self.booster_.num_boosted_rounds()
        write_state(self.booster_, self._state(**self._words_of_predictions()))
        # XGBoost's classes write there which of them saved a file.
        self.booster_.set_attr(scikit_learn=None)
        if not as_read:
            write_checksums(self.booster_)

    def _words_of_predictions(self) -> dict[str, Any]:
        """Return the words without which a restored model would predict otherwise."""
        words = {name: getattr(self, name) for name in _PREDICTION_WORDS}
        # JSON has no NaN, which is the default.
        return {k: v for k, v in words.items() if v is not None and v == v}

    @property
    def feature_importances_(self) -> npt.NDArray[Any]:
        """Importance of each feature, as ``importance_type`` says, of sum 1."""
        # In float32 those of a linear model, which may cancel, miss that sum.
        values = super().feature_importances_.astype(np.float64)
        total = values.sum()
        return values if total == 0.0 else values / total

    @property
    def coef_(self) -> FloatArray:
        """Coefficients of a linear model, of class 1 or of each class."""
        return self._linear_terms("coef_")[0]

    @property
    def intercept_(self) -> FloatArray:
        """Start of trees as XGBoost keeps it; what a linear model adds, start included.

        XGBoost's own leaves the start out of the latter, so that its coefficients and
        intercept don't add up to its raw predictions.
        """
        check_is_fitted(self)
        if not is_linear(self.booster_):
            return super().intercept_
        bias = self._linear_terms("intercept_")[1]
        return (bias + start_of(self.booster_)).astype(np.float32)

    def _linear_terms(self, name: str) -> tuple[FloatArray, FloatArray]:
        check_is_fitted(self)
        if not is_linear(self.booster_):
            raise AttributeError(f"{name} is there only of a linear model")
        return linear_terms(self.booster_)

    @property
    def kwargs(self) -> dict[str, Any]:
        """Further parameters of XGBoost."""
        return self._engine_words

    @property
    def best_iteration(self) -> int:
        """``best_iteration_``, by XGBoost's name for it; only after early stopping."""
        return self._stopped_early("best_iteration")

    @property
    def best_score(self) -> float:
        """``best_score_``, by XGBoost's name for it; only after early stopping."""
        return self._stopped_early("best_score")

    def _stopped_early(self, name: str) -> Any:
        check_is_fitted(self)
        value = getattr(self, f"{name}_")
        if value is None:
            raise AttributeError(f"{name} is there only after early stopping")
        return value

    def get_xgb_params(self) -> dict[str, Any]:
        """Return the parameters that are XGBoost's own.

        Returns
        -------
        dict
            Values by name; of a fitted classifier ``objective`` is the model's.
        """
        params = super().get_xgb_params() | self._seed()
        for name in OWN_WORDS:
            params.pop(name, None)
        n_classes = self.n_classes_ if self.__sklearn_is_fitted__() else 2
        return params | {"objective": link_words(n_classes)["objective"]}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, among them any of the engine.

        Parameters
        ----------
        **params
            Values by name. Threads, device and verbosity reach a fitted model.

        Returns
        -------
        self
            The classifier.
        """
        super().set_params(**params)
        if self.__sklearn_is_fitted__():
            self._choose_where_it_runs()
        return self

    def _choose_where_it_runs(self) -> None:
        """Tell the model what a slice or a file doesn't hold."""
        words = {"nthread": self.n_jobs, "device": self.device}
        words |= {"verbosity": self.verbosity}
        words |= {k: v for k, v in self._engine_words.items() if k == "nthread"}
        self.booster_.set_param({k: v for k, v in words.items() if v is not None})

    def get_booster(self) -> xgb.Booster:
        """Return ``booster_``, as XGBoost's own classifiers do.

        Returns
        -------
        xgboost.Booster
            The fitted model.
        """
        check_is_fitted(self)
        return self.booster_

    def evals_result(self) -> dict[str, Any]:
        """Return ``evals_result_``, as XGBoost's own classifiers do.

        Returns
        -------
        dict
            Validation scores of all rounds, by validation set and metric.
        """
        check_is_fitted(self)
        return self.evals_result_

    def save_model(self, fname: str | PathLike[str]) -> None:
        """Save ``booster_``, for :meth:`load_model` and for XGBoost in any language.

        Parameters
        ----------
        fname : str or Path
            File to write; its ending, ``.json`` or ``.ubj``, is its format.
        """
        super().save_model(fname)
        # Which class saved it stands in the file alone.
        seal_file(fname)

    def load_model(self, fname: str | PathLike[str] | bytearray) -> None:
        """Load what :meth:`save_model` wrote; :meth:`from_booster` makes a new object.

        The parameters of the focal loss become those of the model.

        Parameters
        ----------
        fname : str, Path or bytearray
            File, or content of one.
        """
        restored = type(self).from_booster(fname)
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)
        words = {*FOCAL_WORDS, *_PREDICTION_WORDS}
        for name, value in vars(restored).items():
            if name.endswith("_") or name in words:
                setattr(self, name, value)
        self._choose_where_it_runs()

    def apply(
        self, X: Any, iteration_range: IterationRange | None = None
    ) -> npt.NDArray[Any]:
        """Return the leaf of each tree that each sample ends in.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Samples.
        iteration_range : tuple of int or None, default=None
            First boosting round to use and the one after the last; None for all of the
            model.

        Returns
        -------
        ndarray of shape (n_samples, n_trees)
            Indices of the leaves.
        """
        check_is_fitted(self)
        X = self._check_features(X, reset=False)
        data = self._matrix_words().of_features(X, None)
        rounds = iteration_range or (0, 0)
        return self.booster_.predict(data, pred_leaf=True, iteration_range=rounds)

    def decision_function(
        self,
        X: Any,
        validate_features: bool = True,
        base_margin: Any = None,
        iteration_range: IterationRange | None = None,
    ) -> FloatArray:
        """Predict raw predictions, in log-odds.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Samples.
        validate_features : bool, default=True
            Whether to check number and names of the features.
        base_margin : array-like of shape (n_samples,) or (n_samples, n_classes), \
                default=None
            What the trees add to instead of the start value, in log-odds.
        iteration_range : tuple of int or None, default=None
            First boosting round to use and the one after the last; None for all of the
            model.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One raw prediction of two classes, else one for each.
        """
        check_is_fitted(self)
        if validate_features:
            X = self._check_features(X, reset=False)
        else:
            X = in_canonical_format(as_table(X))
        if base_margin is not None:
            n_samples = _num_samples(X)
            base_margin = self._checked_offset(base_margin, n_samples, "base_margin")
        words = {
            "iteration_range": iteration_range or (0, 0),
            "validate_features": False,
        }
        with xgb.config_context(verbosity=self.verbosity):
            return self._margin(X, base_margin, words).astype(np.float64)

    def _margin(self, X: Any, base_margin: Any, words: dict[str, Any]) -> FloatArray:
        # In place XGBoost adds up dart's trees in another order than from a file's.
        if self.booster not in ("gblinear", "dart"):
            try:
                return self.booster_.inplace_predict(
                    X,
                    predict_type="margin",
                    missing=self.missing,
                    base_margin=base_margin,
                    **words,
                )
            except TypeError:
                # It takes fewer kinds of data.
                pass
        data = self._matrix_words().of_features(X, base_margin)
        return self.booster_.predict(data, output_margin=True, **words)

    def predict_proba(
        self,
        X: Any,
        validate_features: bool = True,
        base_margin: Any = None,
        iteration_range: IterationRange | None = None,
    ) -> FloatArray:
        """Predict class probabilities.

        They are the sigmoid or softmax of :meth:`decision_function`; in the focal link
        the probabilities that it stands for.

        Parameters
        ----------
        X, validate_features, base_margin, iteration_range
            As in :meth:`decision_function`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        raw = self.decision_function(X, validate_features, base_margin, iteration_range)
        return self.loss_.predict_proba(raw)

    def predict(
        self,
        X: Any,
        *,
        output_margin: bool = False,
        validate_features: bool = True,
        base_margin: Any = None,
        iteration_range: IterationRange | None = None,
    ) -> npt.NDArray[Any]:
        """Predict the class of least expected cost, focal_alpha being that of a miss.

        It is the class of the largest alpha times probability, the most probable one
        without alpha.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Samples.
        output_margin : bool, default=False
            Whether to return :meth:`decision_function` instead.
        validate_features, base_margin, iteration_range
            As in :meth:`decision_function`.

        Returns
        -------
        ndarray of shape (n_samples,), or that of the raw predictions
            Class labels; or the raw predictions.
        """
        raw = self.decision_function(X, validate_features, base_margin, iteration_range)
        return raw if output_margin else self._labels_of(raw)
