"""What the boosted classifiers on Dask share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Client

from skfocal._boosting.classifier import FocalBoostingClassifier
from skfocal._boosting.ranges import check_weight_range
from skfocal._boosting.rows import BoostingRows
from skfocal._boosting.words import check_pair
from skfocal._classes import check_known
from skfocal.dask._blocks import as_features
from skfocal.dask._estimator import OnDask, rows_like
from skfocal.dask._rows import DaskRows, GivenRows

__all__ = ["DaskFocalBoosting", "engine_errors", "refuse_on_cluster"]

FloatArray = npt.NDArray[np.floating]


class DaskFocalBoosting(OnDask, FocalBoostingClassifier):
    """Frame of a boosted classifier on Dask, before the one of a single machine."""

    def _training_rows(
        self, client: Client, X: Any, y: Any, sample_weight: Any
    ) -> tuple[DaskRows, BoostingRows]:
        """Check and encode the training data, set ``classes_`` and ``loss_``.

        Returns
        -------
        rows : DaskRows
            The rows of positive weight.
        summary : BoostingRows
            One row for each class, with all of its weight.
        """
        self._check_focal_parameters()
        refuse_on_cluster(validation_fraction=self.validation_fraction)
        sample = rows_like(as_features(X, "X"))
        self._try_features(self._check_features(sample, [0, 1], reset=True))
        names = ("X", "y", "sample_weight")
        given = GivenRows.of(client, X, y, sample_weight, names)
        counts, factors = given.counts.weighed(
            self.class_weight, balance_by_weight=False
        )
        self.classes_ = counts.labels
        codes = np.arange(len(counts.labels), dtype=np.int32)
        self._choose_loss(codes, counts.weights)
        of_engine = self._factors_of_classes(counts.n_rows)
        factors = factors if of_engine is None else factors * of_engine
        weight = counts.weights * factors
        check_weight_range(weight)
        summary = BoostingRows(None, codes, counts.weights, weight, None)
        weighted = (factors != 1.0).any()
        return given.encoded(self.classes_, factors if weighted else None), summary

    def _try_features(self, sample: Any) -> None:
        """Raise if the engine doesn't take features of such types."""
        raise NotImplementedError

    def _validation_rows(
        self, client: Client, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> DaskRows | None:
        """Check and encode the validation data, if there are any."""
        if not check_pair(X_val, y_val, sample_weight_val):
            return None
        self._check_features(rows_like(as_features(X_val, "X_val")), reset=False)
        names = ("X_val", "y_val", "sample_weight_val")
        given = GivenRows.of(client, X_val, y_val, sample_weight_val, names)
        check_known(given.counts.labels, self.classes_, "y_val")
        return given.encoded(self.classes_, None)


@contextmanager
def engine_errors(engine: str) -> Iterator[None]:
    """Raise one error for whatever ends a training, be it the engine's or Dask's."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(
            f"training {engine} on the cluster failed, and the classifier is what it "
            f"was before: {type(error).__name__}: {error}"
        ) from error


def refuse_on_cluster(**values: Any) -> None:
    """Raise for what is not None, as it works on a single machine only."""
    for name, value in values.items():
        if value is not None:
            raise ValueError(f"{name} must be None on a cluster, got {value!r}")
