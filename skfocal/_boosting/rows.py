"""The rows of the boosted classifiers: checked, weighted, and where they start."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _num_samples, validate_data

from skfocal._boosting.objective import check_hessian
from skfocal._boosting.ranges import (
    check_alpha_range,
    check_offset_range,
    check_trainable_gamma,
    check_weight_range,
)
from skfocal._boosting.words import check_pair, per_validation_set, random_seed
from skfocal._classes import WeightedRows, resolve_alpha, take_rows, weigh_rows
from skfocal._validation import (
    check_class_count,
    check_gamma,
    check_one_kind,
    check_option,
    check_whole,
)
from skfocal.loss import FocalLoss
from skfocal.loss._loss import LINKS

__all__ = ["BoostingRows", "RowChecks", "in_canonical_format"]

FloatArray = npt.NDArray[np.floating]


@dataclass
class BoostingRows(WeightedRows):
    """Rows of positive weight, and where their raw predictions start.

    Attributes
    ----------
    offset : ndarray of shape (n_samples,) or (n_samples, n_classes), or None
        The user's own start of the raw predictions, in log-odds.
    """

    offset: FloatArray | None = None

    @property
    def has_given_weights(self) -> bool:
        """Whether the weights are what the user gave, without a class's factor."""
        if self.weight is None or self.sample_weight is None:
            return self.weight is self.sample_weight
        return np.array_equal(self.weight, self.sample_weight)

    def weigh_classes(self, factors: FloatArray) -> None:
        """Multiply the weights by one factor per class."""
        weight = np.ones(len(self.codes)) if self.weight is None else self.weight
        self.weight = weight * factors[self.codes]

    def taken(self, which: npt.NDArray[np.intp]) -> Self:
        """Return some of the rows."""
        parts: dict[str, Any] = {
            name: None if value is None else take_rows(value, which)
            for name, value in vars(self).items()
        }
        return type(self)(**parts)


class RowChecks:
    """What a boosted classifier does with the data that it is given."""

    focal_gamma: Any
    focal_alpha: Any
    focal_link: Any
    focal_hessian: Any
    class_weight: Any = None
    validation_fraction: float | None
    random_state: Any
    objective: Any
    n_estimators: Any
    n_jobs: Any
    # Whether None stands for a number of rounds, and the least number that trains.
    _has_default_rounds: bool = False
    _least_rounds: int = 1
    # What the engine calls the user's own start of the raw predictions.
    _offset_word: str
    # The order in which it lists the classes of all samples, if it is flat.
    _flat_offset: Literal["C", "F"]
    classes_: npt.NDArray[Any]
    loss_: FocalLoss

    @property
    def n_classes_(self) -> int:
        """Number of classes."""
        return len(self.classes_)

    def _check_features(self, X: Any, y: Any = None, *, reset: bool) -> Any:
        """Check features, but leave a table as it is: engines read its categories."""
        checks: dict[str, Any] = {
            "accept_sparse": ("csr", "csc"),
            "dtype": (np.float64, np.float32),
            "ensure_all_finite": False,
            "ensure_min_samples": 2 if reset else 1,
        }
        if hasattr(X, "columns"):
            check_table(X)
            checks = {"skip_check_array": True}
        if reset:
            X = validate_data(self, X, y, **checks)[0]
        else:
            X = validate_data(self, X, reset=False, **checks)
        return in_canonical_format(X)

    def _check_task(self) -> None:
        """Raise for parameters that name another task than ``classes_`` make."""
        raise NotImplementedError

    def _factors_of_classes(self, n_rows: npt.NDArray[np.integer]) -> FloatArray | None:
        """Return what the engine's parameters multiply the classes' weights by."""
        raise NotImplementedError

    def _check_focal_parameters(self) -> None:
        """Raise for what is wrong whatever the data."""
        if self.n_estimators is not None or not self._has_default_rounds:
            check_whole("n_estimators", self.n_estimators, self._least_rounds)
        if self.n_jobs is not None:
            check_whole("n_jobs", self.n_jobs)
        check_trainable_gamma(self.focal_gamma, "focal_gamma")
        check_option("focal_link", self.focal_link, LINKS)
        check_hessian("focal_hessian", self.focal_hessian, self.focal_link)

    def _choose_loss(
        self, codes: npt.NDArray[np.integer], sample_weight: FloatArray | None
    ) -> None:
        """Check what must fit ``classes_``, and set ``loss_``."""
        gamma = check_gamma(self.focal_gamma, "focal_gamma")
        check_class_count("focal_gamma", gamma, self.n_classes_)
        self._check_task()
        alpha = resolve_alpha(self.focal_alpha, self.classes_, codes, sample_weight)
        check_alpha_range(alpha)
        self.loss_ = FocalLoss(gamma, alpha, link=self.focal_link)

    def _training_data(
        self, X: Any, y: Any, sample_weight: Any, offset: Any
    ) -> BoostingRows:
        """Check the training data, encode its labels, set ``classes_``, ``loss_``."""
        self._check_focal_parameters()
        if y is not None:
            check_one_kind(y, "y")
        X = self._check_features(X, y, reset=True)
        self.classes_, weighted = weigh_rows(X, y, sample_weight, self.class_weight)
        self._choose_loss(weighted.codes, weighted.sample_weight)
        rows = self._with_offset(weighted, offset, _num_samples(X), self._offset_word)
        factors = self._factors_of_classes(np.bincount(rows.codes))
        if factors is not None:
            rows.weigh_classes(factors)
        check_weight_range(rows.weight)
        return rows

    def _held_out(
        self, rows: BoostingRows, stops_early: bool, given: Sequence[Any]
    ) -> tuple[BoostingRows, list[BoostingRows]]:
        """Split a share of the rows off to stop early by, if no others are given."""
        share = self.validation_fraction
        if share is None or given or not stops_early:
            return rows, []
        if not (0.0 < share < 1.0):
            raise ValueError(
                f"validation_fraction must be None or inside (0, 1), got {share!r}"
            )
        seed = 0 if self.random_state is None else random_seed(self.random_state)
        parts = train_test_split(
            np.arange(len(rows.codes)),
            test_size=share,
            stratify=rows.codes,
            random_state=seed,
        )
        kept, held_out = (rows.taken(part) for part in parts)
        # Its scores are those of a validation set that was given.
        held_out.weight = held_out.sample_weight
        return kept, [held_out]

    def _validation_data(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        offset: Any,
        class_weight: Any = None,
        *,
        names: Sequence[str],
    ) -> BoostingRows:
        """Check validation data against the training data, and encode its labels.

        ``names`` are what errors call labels, weights and start.
        """
        X = self._check_features(X, reset=False)
        _, rows = weigh_rows(
            X,
            y,
            sample_weight,
            class_weight,
            classes=self.classes_,
            names=(names[0], names[1]),
        )
        return self._with_offset(rows, offset, _num_samples(X), names[2])

    def _validation_pairs(
        self,
        pairs: Sequence[tuple[Any, Any]],
        extras: dict[str, Sequence[Any] | None],
        train: BoostingRows,
        given: Sequence[Any],
    ) -> list[BoostingRows]:
        """Check the validation sets of ``eval_set``.

        Parameters
        ----------
        pairs : sequence of (X, y)
            The sets.
        extras : dict of sequence or None
            By what the user calls them: each set's sample weights, starts and, where
            the engine has them, class weights.
        train : BoostingRows
            The training data, which a set is that holds the same objects.
        given : sequence
            What the user gave to train on: X, y, sample weights and start.
        """
        names = ("eval_set", *extras)
        sets = []
        for pair, extra in zip(
            pairs, per_validation_set(len(pairs), **extras), strict=True
        ):
            entry = (*pair, *extra)
            # A class weight of the set's own is none of the training data's.
            same = all(a is b for a, b in zip_longest(entry, given))
            # Training weights that the set wasn't given would change its scores.
            if same and train.has_given_weights:
                sets.append(train)
            else:
                sets.append(self._validation_data(*entry, names=names))
        return sets

    def _validation_set(
        self, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> list[BoostingRows]:
        """Check the one validation set that isn't in a list, if it is given."""
        given = (_unpacked(value) for value in (X_val, y_val, sample_weight_val))
        X_val, y_val, sample_weight_val = given
        if not check_pair(X_val, y_val, sample_weight_val):
            return []
        names = ("y_val", "sample_weight_val", self._offset_word)
        return [
            self._validation_data(X_val, y_val, sample_weight_val, None, names=names)
        ]

    def _with_offset(
        self, rows: WeightedRows, offset: Any, n_given: int, name: str
    ) -> BoostingRows:
        """Add the user's start of the raw predictions to the rows that are left."""
        if offset is not None:
            offset = self._checked_offset(offset, n_given, name)
            offset = offset if rows.rows is None else offset[rows.rows]
        return BoostingRows(**vars(rows), offset=offset)

    def _checked_offset(self, offset: Any, n_samples: int, name: str) -> FloatArray:
        """Return a start of raw predictions in the shape that they have.

        A column of its own for two classes and one flat array for more are the
        engines' other ways to give it.
        """
        values = np.asarray(offset, dtype=np.float64)
        check_offset_range(values, name)
        binary = self.n_classes_ == 2
        shape = (n_samples,) if binary else (n_samples, self.n_classes_)
        other = (n_samples, 1) if binary else (n_samples * self.n_classes_,)
        if values.shape not in (shape, other):
            raise ValueError(
                f"{name} must have shape {shape}, one raw prediction per sample and, "
                f"of more than two classes, per class, got {values.shape}"
            )
        flat = values.shape == other
        return values.reshape(shape, order=self._flat_offset) if flat else values


def check_table(table: Any) -> None:
    """Raise for a table without rows or columns, or with two columns of one name."""
    shape = getattr(table, "shape", (1, 1))
    if 0 in shape:
        raise ValueError(f"X must have at least one row and column, got shape {shape}")
    # Arrow calls them otherwise.
    names = getattr(table, "column_names", None)
    names = list(table.columns if names is None else names)
    if len(set(names)) < len(names):
        again = sorted({str(name) for name in names if names.count(name) > 1})
        raise ValueError(f"X must have columns of different names, got twice {again}")


def in_canonical_format(X: Any) -> Any:
    """Return a sparse matrix with sorted indices, none of them twice in a row.

    The engines misread others, such as SciPy's products of matrices.
    """
    if not issparse(X) or X.format not in ("csr", "csc") or X.has_canonical_format:
        return X
    canonical = X.copy()
    canonical.sum_duplicates()
    return canonical


def _unpacked(value: Any) -> Any:
    """Return what stands alone in a tuple, which cross-validation doesn't slice."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value
