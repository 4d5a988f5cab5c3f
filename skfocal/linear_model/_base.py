"""What the linear classifiers share: training data, checks and predictions."""

import warnings
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted, validate_data

from skfocal._classes import WeightedRows, codes_of_largest_cost, weigh_rows
from skfocal.linear_model._checks import check_bool, check_max_iter, check_range
from skfocal.linear_model._fit import LinearFit
from skfocal.linear_model._host_parameters import check_fixed, resolve_solver
from skfocal.loss import FocalLoss

__all__ = ["FocalLinearClassifier"]

FloatArray = npt.NDArray[np.floating]


class FocalLinearClassifier(ClassifierMixin, BaseEstimator):
    """Frame of a linear classifier with the focal loss."""

    fit_intercept: bool
    solver: str
    tol: float
    max_iter: int
    class_weight: Any
    verbose: int
    dual: bool
    intercept_scaling: float
    n_jobs: int | None
    random_state: Any
    classes_: npt.NDArray[Any]
    coef_: Any
    intercept_: FloatArray
    loss_: FocalLoss

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_parameters(self, l1_used: bool) -> str:
        """Check the parameters that both classifiers have, and return the solver."""
        check_range("tol", self.tol, 0.0)
        check_max_iter(self.max_iter)
        check_bool("fit_intercept", self.fit_intercept)
        check_random_state(self.random_state)
        check_fixed(self.dual, self.intercept_scaling, self.n_jobs)
        return resolve_solver(self.solver, l1_used)

    def _training_data(self, X: Any, y: Any, sample_weight: Any) -> WeightedRows:
        """Check and encode the training data, and set ``classes_``."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=("csr", "csc"),
            dtype=(np.float64, np.float32),
            ensure_min_samples=2,
        )
        self.classes_, rows = weigh_rows(
            X, y, sample_weight, self.class_weight, balance_by_weight=True
        )
        return rows

    def _set_coefficients(self, fit: LinearFit, dtype: Any) -> None:
        self.coef_ = np.atleast_2d(fit.coef).astype(dtype)
        self.intercept_ = np.atleast_1d(fit.intercept).astype(dtype)

    def _warn_if_unfinished(self, fit: LinearFit) -> None:
        if fit.residual <= self.tol:
            return
        if fit.n_iter >= self.max_iter:
            reason = (
                f"reached max_iter={self.max_iter} iterations. Increase max_iter or tol"
            )
        else:
            reason = (
                "found no point of a lower objective: its digits are used up. "
                "Increase tol"
            )
        warnings.warn(
            f"{type(self).__name__} did not converge: the largest entry of the "
            f"gradient is {fit.residual:.3g} > tol={self.tol:g}. The solver {reason}.",
            ConvergenceWarning,
            stacklevel=3,
        )

    def decision_function(self, X: Any) -> FloatArray:
        r"""Return the raw prediction of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Raw predictions :math:`u = x w + b`, in log-odds: one dimension for two
            classes, where a positive value means ``classes_[1]``. Their sigmoid or
            softmax is :meth:`predict_proba`, unless ``focal_link="focal"``.
        """
        check_is_fitted(self)
        X = validate_data(
            self,
            X,
            accept_sparse=("csr", "csc"),
            dtype=(np.float64, np.float32),
            reset=False,
        )
        raw = safe_sparse_dot(X, self.coef_.T, dense_output=True) + self.intercept_
        return raw[:, 0] if raw.shape[1] == 1 else raw

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict the class of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,)
            The class of the largest alpha times probability: the best decision where a
            mistake on a class costs its alpha. Without alpha, the most probable class.
        """
        raw = self.decision_function(X)
        return self.classes_[codes_of_largest_cost(self.loss_, raw, len(self.classes_))]

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class.

        It is what the raw prediction stands for in the loss's link
        (:meth:`skfocal.FocalLoss.predict_proba`).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities in the order of ``classes_``.
        """
        raw = self.decision_function(X)
        return self.loss_.predict_proba(raw)

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Natural logarithms of :meth:`predict_proba`, finite where that underflows.
        """
        raw = self.decision_function(X)
        return self.loss_.predict_log_proba(raw)

    def sparsify(self) -> Self:
        """Convert ``coef_`` to a CSR matrix.

        It saves memory where an l1 penalty has set most coefficients to 0.

        Returns
        -------
        self
            The classifier.
        """
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Convert ``coef_`` back to an array.

        Returns
        -------
        self
            The classifier.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self
