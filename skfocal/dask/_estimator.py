"""What the classifiers on Dask share: their client, and predictions that are lazy."""

import copy
from typing import Any, ClassVar, Self

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
from dask.base import is_dask_collection
from distributed import Client, default_client
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from skfocal._compute.threads import limited_threads
from skfocal.dask._blocks import as_features, readable_rows

__all__ = ["OnDask", "rows_like"]


class OnDask(BaseEstimator):
    """A classifier whose ``fit`` takes dask collections.

    It stands before the classifier of a single machine in the bases of a class, whose
    parameters, fitted attributes and predictions it has. Other than dask collections
    are predicted here and now.
    """

    client: Any
    # Parameters that a single machine doesn't have.
    _of_cluster: ClassVar = frozenset({"client"})
    # The classifier of a single machine, and by what its threads are limited.
    _local_class: type
    _one_thread: ClassVar[dict[str, Any]]

    def __getstate__(self) -> dict[str, Any]:
        # A client is a connection of this process.
        return dict(super().__getstate__()) | {"client": None}

    def __sklearn_clone__(self) -> Self:
        params = self.get_params(deep=False)
        client = params.pop("client")
        return type(self)(**copy.deepcopy(params), client=client)

    def to_local(self) -> Any:
        """Return the fitted classifier of a single machine.

        Returns
        -------
        classifier
            It shares this one's model, and needs neither Dask nor a client.
        """
        check_is_fitted(self)
        params = self.get_params(deep=False)
        params = {k: v for k, v in params.items() if k not in self._of_cluster}
        local = self._local_class(**params)
        fitted = {k: v for k, v in vars(self).items() if k.endswith("_")}
        vars(local).update(fitted)
        return local

    def decision_function(self, X: Any, **words: Any) -> Any:
        """Predict raw predictions, in log-odds.

        Parameters
        ----------
        X : dask array or DataFrame, or what a single machine takes
            Samples.
        **words
            What the classifier of a single machine takes, but for what is one value
            per sample.

        Returns
        -------
        dask array or ndarray of shape (n_samples,) or (n_samples, n_classes)
            Raw predictions, lazy of a dask collection.
        """
        return self._predict_with("decision_function", X, words)

    def predict_proba(self, X: Any, **words: Any) -> Any:
        """Predict class probabilities.

        Parameters
        ----------
        X : dask array or DataFrame, or what a single machine takes
            Samples.
        **words
            As in :meth:`decision_function`.

        Returns
        -------
        dask array or ndarray of shape (n_samples, n_classes)
            Probabilities in the order of ``classes_``, lazy of a dask collection.
        """
        return self._predict_with("predict_proba", X, words)

    def predict_log_proba(self, X: Any, **words: Any) -> Any:
        """Predict the logarithms of the class probabilities.

        Parameters
        ----------
        X : dask array or DataFrame, or what a single machine takes
            Samples.
        **words
            As in :meth:`decision_function`.

        Returns
        -------
        dask array or ndarray of shape (n_samples, n_classes)
            Logarithms of :meth:`predict_proba`, lazy of a dask collection.
        """
        return self._predict_with("predict_log_proba", X, words)

    def predict(self, X: Any, **words: Any) -> Any:
        """Predict the class of least expected cost, focal_alpha being that of a miss.

        Parameters
        ----------
        X : dask array or DataFrame, or what a single machine takes
            Samples.
        **words
            As in :meth:`decision_function`.

        Returns
        -------
        dask array or ndarray of shape (n_samples,)
            Class labels, lazy of a dask collection.
        """
        return self._predict_with("predict", X, words)

    def _predict_with(self, method: str, X: Any, words: dict[str, Any]) -> Any:
        local = self.to_local()
        if not is_dask_collection(X):
            return getattr(local, method)(X, **words)
        _refuse_values_per_sample(words)
        X = as_features(X, "X")
        # Checks the features, and tells what the predictions look like.
        like = np.asarray(getattr(local, method)(rows_like(X), **words))[:0]
        task = (self._at_workers(local), method, words, like)
        if isinstance(X, dd.DataFrame):
            parts = [
                da.from_delayed(
                    dask.delayed(_predict_block)(part, *task),
                    shape=(np.nan, *like.shape[1:]),
                    meta=like,
                )
                for part in X.to_delayed()
            ]
            return da.concatenate(parts, allow_unknown_chunksizes=True)
        if like.ndim == 1:
            return X.map_blocks(_predict_block, *task, drop_axis=1, meta=like)
        chunks = (X.chunks[0], like.shape[1:])
        return X.map_blocks(_predict_block, *task, chunks=chunks, meta=like)

    def _at_workers(self, local: Any) -> Any:
        """Return a model of one thread, since each task has one, at the workers."""
        # Threads are a property of XGBoost's model, which self shares.
        local = copy.deepcopy(local).set_params(**self._one_thread)
        try:
            client = self.client or default_client()
        except ValueError:
            return dask.delayed(local, pure=False, traverse=False)
        return _scattered(client, local)


def _scattered(client: Client, model: Any) -> Any:
    # As a part of the task graph a large model would travel with each computation.
    return client.scatter(model, hash=False, broadcast=True)


def rows_like(X: Any) -> Any:
    """Return two made up samples of a collection's types and names."""
    if isinstance(X, dd.DataFrame):
        return X._meta_nonempty
    rows = np.zeros((2, X.shape[1]), dtype=X.dtype)
    return sparse.csr_matrix(rows) if sparse.issparse(X._meta) else rows


def _refuse_values_per_sample(words: dict[str, Any]) -> None:
    for name in ("base_margin", "init_score"):
        if words.get(name) is not None:
            raise ValueError(
                f"{name} must be None for dask collections, got {words[name]!r}"
            )


def _predict_block(
    X: Any, model: Any, method: str, words: dict[str, Any], like: Any
) -> Any:
    if X.shape[0] == 0:
        return like
    with limited_threads(1):
        return np.asarray(getattr(model, method)(readable_rows(X), **words))
