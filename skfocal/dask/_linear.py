"""Logistic regression with the focal loss on Dask."""

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from distributed import Client, Future
from sklearn.utils.validation import _num_samples, validate_data

from skfocal._classes import unchanged_on_error
from skfocal.dask._blocks import as_features, find_client
from skfocal.dask._errors import cluster_errors, gather
from skfocal.dask._estimator import OnDask, rows_like
from skfocal.dask._linear_blocks import check_block
from skfocal.dask._linear_problem import ClassTotals, DaskLinearProblem
from skfocal.dask._rows import GivenRows
from skfocal.linear_model import FocalLogisticRegression
from skfocal.loss._loss import Link

__all__ = ["DaskFocalLogisticRegression"]

FloatArray = npt.NDArray[np.floating]


class DaskFocalLogisticRegression(OnDask, FocalLogisticRegression):
    """:class:`skfocal.FocalLogisticRegression` on a Dask cluster.

    The rows stay at the workers. SciPy's solver runs at the client: each evaluation of
    the objective is one round trip, in which each block returns its sums, and with few
    features those of the Hessian as well. The coefficients are those of a single
    machine but for rounding, however the rows are divided into blocks. With many rows a
    sample of them, 64 MB or what the number of coefficients needs, is gathered at the
    client to start from.

    Parameters
    ----------
    focal_gamma, focal_alpha, focal_link, penalty, C, l1_ratio, dual, tol, \
            fit_intercept, intercept_scaling, class_weight, random_state, solver, \
            max_iter, verbose, warm_start, n_jobs
        As in :class:`skfocal.FocalLogisticRegression`.
    client : distributed.Client or None, default=None
        Connection to the cluster; by default the active one. It isn't pickled.

    Attributes
    ----------
    classes_, coef_, intercept_, loss_, n_iter_, n_features_in_, feature_names_in_
        As in :class:`skfocal.FocalLogisticRegression`.

    See Also
    --------
    skfocal.FocalLogisticRegression : The formula, and what each parameter means.

    Examples
    --------
    >>> import dask.array as da
    >>> from distributed import Client
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skfocal.dask import DaskFocalLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, y = da.from_array(scale(X), chunks=(100, -1)), da.from_array(y, chunks=100)
    >>> with Client(n_workers=2) as client:  # doctest: +SKIP
    ...     model = DaskFocalLogisticRegression().fit(X, y)
    ...     model.predict_proba(X)[:2].compute().round(3)
    array([[1.   , 0.   ],
           [0.999, 0.001]])
    """

    _local_class = FocalLogisticRegression
    # Its predictions have no threads of their own.
    _one_thread: ClassVar = {}

    def __init__(
        self,
        focal_gamma: Any = 2.0,
        focal_alpha: Any = None,
        *,
        client: Client | None = None,
        focal_link: Link = "posterior",
        penalty: Any = "deprecated",
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "auto",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            focal_gamma,
            focal_alpha,
            focal_link=focal_link,
            penalty=penalty,
            C=C,
            l1_ratio=l1_ratio,
            dual=dual,
            tol=tol,
            fit_intercept=fit_intercept,
            intercept_scaling=intercept_scaling,
            class_weight=class_weight,
            random_state=random_state,
            solver=solver,
            max_iter=max_iter,
            verbose=verbose,
            warm_start=warm_start,
            n_jobs=n_jobs,
        )
        self.client = client

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the coefficients on the cluster.

        Parameters
        ----------
        X : dask array or DataFrame of shape (n_samples, n_features)
            Features, all of them numbers. Blocks of an array may be CSR matrices.
        y : dask array, Series or DataFrame of one column
            Labels of any type, of at least two classes. Rows belong to those of ``X``
            by their position, in whatever chunks.
        sample_weight : dask array, Series or DataFrame of one column, default=None
            Weights >= 0. Rows of weight 0 don't count.

        Returns
        -------
        self
            The fitted classifier; after an error it is what it was.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are not valid, before the solver begins.
        RuntimeError
            If the cluster failed: by a worker that was lost with rows that Dask can't
            compute again, or because no worker was left.
        """
        client = find_client(self.client)
        with unchanged_on_error(self), cluster_errors():
            before = dict(vars(self))
            gamma, C, l1_ratio, solver = self._check_options()
            X = as_features(X, "X")
            dtype = self._check_features(X)
            names = ("X", "y", "sample_weight")
            given = GivenRows.of(client, X, y, sample_weight, names)
            given = replace(given, X=self._checked_blocks(given, dtype))
            totals, factors = self._weighed_classes(given)
            codes = np.arange(len(self.classes_))
            self.loss_ = self._loss_of(gamma, codes, totals.sample_weights)
            problem = DaskLinearProblem.of(
                *(given.encoded(self.classes_, factors), totals, self.loss_),
                *(len(self.classes_), C, l1_ratio, bool(self.fit_intercept)),
            )
            self._solve(problem, dtype, solver, before)
        return self

    def _check_features(self, X: Any) -> Any:
        """Set the number of features and their names, and return their type."""
        words = {"accept_sparse": ("csr", "csc"), "dtype": (np.float64, np.float32)}
        return validate_data(self, rows_like(X), **words).dtype

    def _checked_blocks(self, given: GivenRows, dtype: Any) -> list[Future]:
        """Return the features as designs take them; raise for any that are not valid.

        Rows of weight 0 are checked as well.
        """
        client = given.client
        n_blocks = len(given.X)
        words = ([self.n_features_in_] * n_blocks, [dtype] * n_blocks)
        checked = client.map(check_block, given.X, *words, pure=False)
        gather(client, client.map(_num_samples, checked, pure=False))
        return checked

    def _weighed_classes(
        self, given: GivenRows
    ) -> tuple[ClassTotals, FloatArray | None]:
        """Set ``classes_`` to the labels whose class weight isn't 0, and count them."""
        counts, factors = given.counts.weighed(
            self.class_weight, balance_by_weight=True
        )
        self.classes_ = counts.labels
        n_rows = [c.of(given.counts.labels) for c in given.block_counts]
        kept = np.isin(given.counts.labels, counts.labels)
        per_block = np.array([c.n_rows[kept] for c in n_rows if c.n_rows[kept].any()])
        totals = ClassTotals(per_block, counts.weights, counts.weights * factors)
        return totals, None if self.class_weight is None else factors
