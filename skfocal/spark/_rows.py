"""The rows of a Spark data set: their columns, their checks and their classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pyspark.ml.functions import vector_to_array
from pyspark.ml.linalg import VectorUDT
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, NumericType

from skfocal.spark._params import FocalSparkParams

__all__ = ["LABEL", "VALID", "WEIGHT", "SparkRows", "features_of"]

FloatArray = npt.NDArray[np.floating]

# What the columns are called in the data set that XGBoost's estimator gets.
LABEL, WEIGHT, VALID = "skfocal_label", "skfocal_weight", "skfocal_validation"
# A label that is no class, such as a continuous one, must not make as many groups.
_MOST_CLASSES = 10_000
_INTO_CLASSES = "(pyspark.ml.feature.StringIndexer makes them of any labels)"


def features_of(params: FocalSparkParams, dataset: DataFrame) -> Column:
    """Return one column of arrays of float, whatever form the features have.

    As in XGBoost's own model, one vector or array serves where not all of several
    columns are there.
    """
    names, name = (
        params._given("features_cols") or [],
        params.getOrDefault("featuresCol"),
    )
    missing = [n for n in names if n not in dataset.columns]
    if names and not missing:
        return F.array(*(F.col(name).cast("float") for name in names))
    if name not in dataset.columns:
        _check_there(dataset, "featuresCol", missing[0] if missing else name)
    if isinstance(dataset.schema[name].dataType, VectorUDT):
        # Spark's function stumbles over null.
        column = F.col(name)
        return F.when(column.isNotNull(), vector_to_array(column, dtype="float32"))
    _check_type(dataset, "featuresCol", name, ArrayType, "vectors or arrays of numbers")
    return F.col(name).cast("array<float>")


def _check_there(dataset: DataFrame, param: str, name: str) -> None:
    if name not in dataset.columns:
        raise ValueError(
            f"{param} must name a column of the data set, {dataset.columns}, "
            f"got {name!r}"
        )


def _check_type(
    dataset: DataFrame, param: str, name: str, types: Any, what: str
) -> None:
    _check_there(dataset, param, name)
    kind = dataset.schema[name].dataType
    if not isinstance(kind, types):
        raise ValueError(
            f"{param} must name a column of {what}, got {name!r} of type "
            f"{kind.simpleString()}"
        )


@dataclass
class _Group:
    """Rows of one class, of the training or of the validation data.

    Attributes
    ----------
    label : int or None
        The class; None where the label is none.
    valid : bool or None
        Whether they are validation data.
    n_rows : int
        How many have a positive weight.
    weight : float
        The sum of their weights.
    bad_label, bad_weight, no_features : str or None
        What one of them has where it must not be, as text.
    """

    label: int | None
    valid: bool | None
    n_rows: int
    weight: float
    bad_label: str | None
    bad_weight: str | None
    no_features: str | None


class SparkRows:
    """The rows to train on and to validate on.

    Parameters
    ----------
    params : FocalSparkParams
        Names the columns.
    dataset : DataFrame
        The user's data set.
    """

    def __init__(self, params: FocalSparkParams, dataset: DataFrame) -> None:
        self._params, self._dataset = params, dataset
        self.features = self._feature_names()
        label = params.getOrDefault("labelCol")
        numeric = (NumericType, BooleanType)
        _check_type(dataset, "labelCol", label, numeric, f"numbers {_INTO_CLASSES}")
        self._label = F.col(label).cast("double")
        self.weight_name = params._given("weightCol")
        self._weight = F.lit(1.0)
        if self.weight_name:
            _check_type(dataset, "weightCol", self.weight_name, NumericType, "numbers")
            self._weight = F.col(self.weight_name).cast("double")
        self.valid_name = params._given("validationIndicatorCol")
        self._valid = F.lit(False)
        if self.valid_name:
            name, param = self.valid_name, "validationIndicatorCol"
            _check_type(dataset, param, name, BooleanType, "booleans")
            self._valid = F.col(name)

    def _feature_names(self) -> list[str]:
        names = self._params._given("features_cols")
        for name in names or ():
            what = "numbers (each of features_cols)"
            _check_type(self._dataset, "featuresCol", name, NumericType, what)
        if not names:
            features_of(self._params, self._dataset)
        return names or [self._params.getOrDefault("featuresCol")]

    def class_weights(self) -> FloatArray:
        """Check labels and weights, and return the weight of each training class.

        Raises
        ------
        ValueError
            If the training rows of positive weight aren't of the classes 0 ..
            n_classes - 1, at least two, or a value is missing or out of its domain.
        """
        groups = self._groups()
        self._check_values(groups)
        weights = self._train_weights([g for g in groups if not g.valid])
        if self.valid_name:
            self._check_validation([g for g in groups if g.valid], len(weights))
        return weights

    def _groups(self) -> list[_Group]:
        """Count everything in one pass over the rows."""
        label, weight = self._label, self._weight
        is_class = (label >= 0) & (label < _MOST_CLASSES) & (label == F.floor(label))
        is_weight = (weight >= 0) & (weight < float("inf"))
        counts = F.coalesce(is_weight & (weight > 0), F.lit(False))
        groups = self._dataset.groupBy(
            F.when(is_class, label.cast("int")).alias("label"),
            self._valid.alias("valid"),
        ).agg(
            F.count(F.when(counts, True)),
            F.coalesce(F.sum(F.when(counts, weight)), F.lit(0.0)),
            _first_unless(is_class, label),
            _first_unless(is_weight, weight),
            _first_unless(self._has_features(), F.lit(None)),
        )
        return [_Group(*row) for row in groups.collect()]

    def _has_features(self) -> Column:
        if self._params._given("features_cols"):
            return F.lit(True)
        return F.col(self.features[0]).isNotNull()

    def _check_values(self, groups: list[_Group]) -> None:
        label = f"labelCol {self._params.getOrDefault('labelCol')!r}"
        classes = f"the numbers 0 .. n_classes - 1 {_INTO_CLASSES}"
        weight, features = f"weightCol {self.weight_name!r}", self.features[0]
        valid = f"validationIndicatorCol {self.valid_name!r}"
        for group in groups:
            _raise_for(group.bad_label, f"{label} must hold {classes}")
            _raise_for(group.bad_weight, f"{weight} must be >= 0 and finite")
            no_indicator = "null" if group.valid is None else None
            _raise_for(no_indicator, f"{valid} must be true or false")
            _raise_for(
                group.no_features,
                f"featuresCol {features!r} must hold vectors or arrays",
            )

    def _train_weights(self, groups: list[_Group]) -> FloatArray:
        if not groups:
            raise ValueError("The data set must have rows to train on, got none")
        weight_of = _weight_by_label(groups)
        if not weight_of:
            raise ValueError(
                f"weightCol {self.weight_name!r} must not be all zero, got a sum of 0.0"
            )
        classes, name = sorted(weight_of), self._params.getOrDefault("labelCol")
        if len(classes) < 2:
            raise ValueError(
                f"labelCol {name!r} must hold at least two classes of positive weight, "
                f"got only the class {classes[0]}"
            )
        if classes != list(range(len(classes))):
            raise ValueError(
                f"labelCol {name!r} must hold the numbers 0 .. n_classes - 1 "
                f"{_INTO_CLASSES}, got {classes} in rows of positive weight"
            )
        return np.array([weight_of[label] for label in classes])

    def _check_validation(self, groups: list[_Group], n_classes: int) -> None:
        labels = sorted(_weight_by_label(groups))
        if not labels:
            raise ValueError(
                f"validationIndicatorCol {self.valid_name!r} must mark rows of "
                "positive weight, got none"
            )
        unknown = [label for label in labels if label >= n_classes]
        if unknown:
            raise ValueError(
                f"labelCol {self._params.getOrDefault('labelCol')!r} must hold only "
                f"labels from {list(range(n_classes))} in validation rows, "
                f"got {unknown}"
            )

    def prepared(self, factors: FloatArray) -> DataFrame:
        """Return the rows of positive weight, in columns of our names.

        Parameters
        ----------
        factors : ndarray of shape (n_classes,)
            By what the weights of each class's training rows are multiplied.
        """
        columns = [F.col(name) for name in self.features]
        columns.append(self._label.alias(LABEL))
        weight = self._weight
        for label, factor in enumerate(factors.tolist()):
            is_it = (self._label == float(label)) & ~self._valid
            weight = F.when(is_it, weight * factor).otherwise(weight)
        if self.has_weights(factors):
            columns.append(weight.alias(WEIGHT))
        if self.valid_name:
            columns.append(self._valid.alias(VALID))
        return self._dataset.filter(self._weight > 0).select(*columns)

    def has_weights(self, factors: FloatArray) -> bool:
        """Whether there are weights, the user's or ours."""
        return self.weight_name is not None or bool((factors != 1.0).any())


def _weight_by_label(groups: list[_Group]) -> dict[int, float]:
    """Return those of labels in rows of positive weight."""
    known = ((g.label, g.weight) for g in groups if g.n_rows)
    return {label: weight for label, weight in known if label is not None}


def _raise_for(bad: str | None, rule: str) -> None:
    if bad is not None:
        raise ValueError(f"{rule}, got {bad}")


def _first_unless(condition: Column, value: Column) -> Column:
    """Return, as text, one value for which a condition doesn't hold or is unknown."""
    text = F.coalesce(value.cast("string"), F.lit("null"))
    holds = F.coalesce(condition, F.lit(False))
    return F.first(F.when(~holds, text), ignorenulls=True)
