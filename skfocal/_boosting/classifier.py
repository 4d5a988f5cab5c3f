"""What the boosted classifiers share: labels, weights, alpha and probabilities."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import _safe_indexing, assert_all_finite, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _num_samples, validate_data

from skfocal._boosting.model_state import ModelState
from skfocal._classes import codes_of_largest_cost, resolve_alpha
from skfocal._validation import (
    check_class_count,
    check_gamma,
    check_length,
    check_weight,
    positive_total,
)
from skfocal.loss import FocalLoss

__all__ = ["FocalBoostingClassifier", "WeightedData"]

FloatArray = npt.NDArray[np.floating]


@dataclass
class WeightedData:
    """Rows to train on or to validate on, none of weight 0.

    Attributes
    ----------
    X : array, sparse matrix or table of shape (n_samples, n_features)
        Features.
    y : ndarray of shape (n_samples,)
        Class labels; once encoded, the number of each row's class.
    sample_weight : ndarray of float of shape (n_samples,) or None
        What the user gave.
    weight : ndarray of float of shape (n_samples,) or None
        Product of sample weight and class weight.
    offset : ndarray of shape (n_samples,) or (n_samples, n_classes), or None
        The user's own start of the raw predictions, in log-odds.
    """

    X: Any
    y: npt.NDArray[Any]
    sample_weight: FloatArray | None
    weight: FloatArray | None
    offset: FloatArray | None

    def without_zero_weights(self) -> "WeightedData":
        if self.weight is None or self.weight.all():
            return self
        kept = np.flatnonzero(self.weight)
        return WeightedData(
            _safe_indexing(self.X, kept),
            self.y[kept],
            None if self.sample_weight is None else self.sample_weight[kept],
            self.weight[kept],
            None if self.offset is None else self.offset[kept],
        )


class FocalBoostingClassifier(ClassifierMixin, BaseEstimator):
    """Frame of a classifier that trains an engine with the focal loss.

    A subclass has the constructor, ``fit`` and ``decision_function`` of its engine.
    """

    focal_gamma: Any
    focal_alpha: Any
    class_weight: Any = None
    objective: Any
    _engine_words: dict[str, Any]
    # What the engine calls the user's own start of the raw predictions.
    _offset_word: str
    classes_: npt.NDArray[Any]
    evals_result_: dict[str, Any]
    feature_names_in_: npt.NDArray[Any]
    initial_score_: Any
    loss_: FocalLoss

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
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
        return super().get_params(deep=deep) | self._engine_words

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
        own = super().get_params(deep=False)
        for name, value in params.items():
            if name in own:
                setattr(self, name, value)
            else:
                self._engine_words = self._engine_words | {name: value}
        return self

    @property
    def n_classes_(self) -> int:
        """Number of classes."""
        return len(self.classes_)

    def _labels_of(self, raw: FloatArray) -> npt.NDArray[Any]:
        """Return the classes of the largest alpha times probability."""
        codes = codes_of_largest_cost(self.loss_, raw, self.n_classes_)
        return self.classes_[codes]

    def _check_features(self, X: Any, y: Any = None, *, reset: bool) -> Any:
        """Check features, but leave a table as it is: engines read its categories."""
        checks: dict[str, Any] = {
            "accept_sparse": ("csr", "csc"),
            "dtype": (np.float64, np.float32),
            "ensure_all_finite": False,
            "ensure_min_samples": 2 if reset else 1,
        }
        if hasattr(X, "columns"):
            checks = {"skip_check_array": True}
        if not reset:
            return validate_data(self, X, reset=False, **checks)
        return validate_data(self, X, y, **checks)[0]

    def _training_data(
        self, X: Any, y: Any, sample_weight: Any, offset: Any
    ) -> WeightedData:
        """Check the training data, encode its labels, set ``classes_``, ``loss_``."""
        if self.objective is not None:
            raise ValueError(
                "objective must be None, for it is the focal loss, "
                f"got {self.objective!r}"
            )
        gamma = check_gamma(self.focal_gamma, "focal_gamma")
        X = self._check_features(X, y, reset=True)
        names = ("y", "sample_weight", self._offset_word)
        data = self._weigh(X, y, sample_weight, self.class_weight, offset, names)
        self.classes_, data.y = np.unique(data.y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "y must hold at least two classes of positive weight, got only the "
                f"class {self.classes_.tolist()}"
            )
        check_class_count("focal_gamma", gamma, len(self.classes_))
        self._check_offset_shape(data, names[2])
        alpha = resolve_alpha(
            self.focal_alpha, self.classes_, data.y, data.sample_weight
        )
        self.loss_ = FocalLoss(gamma, alpha)
        return data

    def _validation_data(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        offset: Any,
        *,
        names: tuple[str, str, str],
        class_weight: Any = None,
    ) -> WeightedData:
        """Check validation data against the training data, and encode its labels."""
        X = self._check_features(X, reset=False)
        data = self._weigh(X, y, sample_weight, class_weight, offset, names)
        unknown = np.setdiff1d(data.y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"{names[0]} must hold only labels from {self.classes_.tolist()}, "
                f"got {unknown.tolist()}"
            )
        data.y = np.searchsorted(self.classes_, data.y)
        self._check_offset_shape(data, names[2])
        return data

    def _check_offset_shape(self, data: WeightedData, name: str) -> None:
        expected = () if self.n_classes_ == 2 else (self.n_classes_,)
        if data.offset is not None and data.offset.shape[1:] != expected:
            raise ValueError(
                f"{name} must have shape (n_samples,) for two classes and (n_samples, "
                f"n_classes) for more, got {data.offset.shape}"
            )

    def _weigh(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        offset: Any,
        names: tuple[str, str, str],
    ) -> WeightedData:
        """Multiply sample and class weights, and drop the rows of weight 0."""
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name=names[0])
        check_classification_targets(y)
        check_length(names[0], len(y), _num_samples(X))
        weight = check_weight(sample_weight, len(y), names[1])
        if weight is not None:
            positive_total(weight, names[1])
        if offset is not None:
            offset = _checked_offset(offset, len(y), names[2])
        data = WeightedData(X, y, weight, weight, offset).without_zero_weights()
        if class_weight is not None:
            factor = compute_sample_weight(class_weight, data.y)
            check_weight(factor, len(data.y), "class_weight")
            data.weight = factor if data.weight is None else factor * data.weight
        return data.without_zero_weights()

    def _state(self, **words: Any) -> ModelState:
        """What a saved model must hold to become a classifier again."""
        names = getattr(self, "feature_names_in_", None)
        return ModelState(
            self.loss_,
            self.classes_,
            self.initial_score_,
            None if names is None else names.tolist(),
            words,
        )

    @classmethod
    def _from_state(cls, state: ModelState | None) -> Self:
        """Return a classifier that lacks nothing but its model."""
        if state is None:
            raise ValueError(
                f"booster must come from a {cls.__name__} whose labels were numbers, "
                "booleans or strings, got a model without focal loss and classes"
            )
        loss = state.loss
        model = cls(focal_gamma=loss.gamma, focal_alpha=loss.alpha, **state.words)
        model.loss_, model.classes_ = loss, state.classes
        model.initial_score_, model.evals_result_ = state.initial_score, {}
        if state.feature_names is not None:
            model.feature_names_in_ = np.array(state.feature_names, dtype=object)
        return model

    def _check_same_classes(self, state: ModelState | None, name: str) -> None:
        """Raise if training would go on from a model of other classes."""
        if state is not None and not np.array_equal(state.classes, self.classes_):
            raise ValueError(
                f"{name} must have the classes {self.classes_.tolist()} of y, "
                f"got {state.classes.tolist()}"
            )

    def _start(self, data: WeightedData, own_start: bool) -> Any:
        """Return the constant of least loss, or 0 if training starts elsewhere."""
        if not own_start:
            return self.loss_.fit_intercept_only(data.y, data.weight)
        return 0.0 if self.n_classes_ == 2 else np.zeros(self.n_classes_)


def _checked_offset(offset: Any, n_samples: int, name: str) -> FloatArray:
    values = np.asarray(offset, dtype=np.float64)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"{name} must have shape (n_samples,) or (n_samples, n_classes), "
            f"got {values.shape}"
        )
    check_length(name, len(values), n_samples)
    finite = np.isfinite(values)
    if not finite.all():
        raise ValueError(f"{name} must be finite, got {values[~finite][0]}")
    return values
