"""The parameters of the estimator and its model: XGBoost's own and the focal loss's."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from numbers import Real
from typing import Any, Self

import numpy as np
from pyspark.ml.param import Param, Params
from pyspark.ml.param.shared import (
    HasFeaturesCol,
    HasLabelCol,
    HasPredictionCol,
    HasProbabilityCol,
    HasRawPredictionCol,
    HasValidationIndicatorCol,
    HasWeightCol,
)
from xgboost.collective import Config

from skfocal.spark._host import host_defaults, host_params
from skfocal.xgboost._words import refuse_words

__all__ = ["FocalSparkParams"]

# XGBoost's estimator has the columns under these names in its constructor.
_ALIASES = {
    "features_col": "featuresCol",
    "label_col": "labelCol",
    "weight_col": "weightCol",
    "validation_indicator_col": "validationIndicatorCol",
    "raw_prediction_col": "rawPredictionCol",
    "probability_col": "probabilityCol",
    "prediction_col": "predictionCol",
}

_COLUMNS = {*_ALIASES.values(), "features_cols", "pred_contrib_col"}

_BY_SPARK = "the cores of a task are Spark's spark.task.cpus"
_BY_COLUMN = "on Spark columns hold the data"
_REFUSED = {
    "objective": "the focal form of the log loss is trained",
    "num_class": "labelCol says it",
    "base_score": "training starts at the best constant of all workers' rows",
    "xgb_model": "training can't go on from a model on Spark",
    "base_margin_col": "training starts at the best constant of all workers' rows",
    "qid_col": "a classifier has no queries",
    "enable_categorical": "feature_types names categorical features on Spark",
    "n_jobs": _BY_SPARK,
    "nthread": _BY_SPARK,
    "class_weight": "weightCol holds the weights",
    "validation_fraction": "validationIndicatorCol marks the validation rows",
    "arbitrary_params_dict": "further parameters are keywords",
    "output_margin": "rawPredictionCol names the column of the raw predictions",
    "validate_features": "the columns are named",
    **dict.fromkeys(("sample_weight", "sample_weight_eval_set"), _BY_COLUMN),
    **dict.fromkeys(("eval_set", "evals", "X_val", "y_val"), _BY_COLUMN),
    **dict.fromkeys(("base_margin", "base_margin_eval_set"), _BY_COLUMN),
}


def _numbers(value: Any) -> Any:
    """Turn NumPy's into Python's, which Spark can save."""
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        values = np.asarray(value)
        if values.ndim == 1 and values.dtype.kind in "fiu":
            return values.astype(np.float64).tolist()
    raise TypeError(f"It must be a number or a sequence of one per class, got {value}")


def _gamma(value: Any) -> Any:
    return None if value is None else _numbers(value)


def _alpha(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {_label(key): _numbers(weight) for key, weight in value.items()}
    return _numbers(value)


def _label(key: Any) -> int:
    """Return a label; JSON, in which Spark saves parameters, has it as text."""
    try:
        number = float(key)
    except (TypeError, ValueError):
        number = np.nan
    if not number.is_integer():
        raise TypeError(f"Its keys must be labels 0 .. n_classes - 1, got {key!r}")
    return int(number)


def _collective(value: Any) -> Any:
    """Keep XGBoost's object as what Spark can save."""
    return asdict(value) if isinstance(value, Config) else value


def _word(value: Any) -> Any:
    return value


def _param(name: str, doc: str, converter: Any) -> Any:
    return Param(Params._dummy(), name, doc, typeConverter=converter)


class FocalSparkParams(
    HasFeaturesCol,
    HasLabelCol,
    HasWeightCol,
    HasValidationIndicatorCol,
    HasRawPredictionCol,
    HasProbabilityCol,
    HasPredictionCol,
):
    """Parameters that an estimator hands on to its model."""

    focal_gamma = _param(
        "focal_gamma", "focusing parameter >= 0, of all classes or of each", _gamma
    )
    focal_alpha = _param(
        "focal_alpha",
        "cost of a mistake on each class: None, the weight in (0, 1) of class 1 of "
        "two, 'balanced', positive weights by label, or one per class",
        _alpha,
    )
    focal_link = _param(
        "focal_link", "whose log-odds a raw prediction is: posterior or focal", _word
    )
    focal_hessian = _param(
        "focal_hessian", "Newton weight: bounded, expected or absolute", _word
    )

    def __init__(self) -> None:
        super().__init__()
        defaults = host_defaults().items()
        self._setDefault(**{k: v for k, v in defaults if self.hasParam(k)})
        # A barrier stage refuses a frame whose partitions were merged.
        self._setDefault(force_repartition=True)
        self._setDefault(focal_gamma=2.0, focal_alpha=None)
        self._setDefault(focal_link="posterior", focal_hessian="bounded")

    def setParams(self, **params: Any) -> Self:
        """Set parameters by name.

        Parameters
        ----------
        **params
            As for the constructor; None for the default.

        Returns
        -------
        self
            The estimator.
        """
        further = {}
        for name, value in params.items():
            name = _ALIASES.get(name, name)
            if name == "featuresCol" and isinstance(value, (list, tuple)):
                name = "features_cols"
            elif name == "featuresCol":
                self.clear(self.getParam("features_cols"))
            _refuse(name, value)
            if not self.hasParam(name):
                further[name] = value
            elif value is None:
                self.clear(self.getParam(name))
            else:
                self._set(**{name: value})
        self._add_further(further)
        return self

    def _add_further(self, params: dict[str, Any]) -> None:
        """Keep parameters of XGBoost that are none of its estimator's own."""
        refuse_words(params)
        if params:
            known = self.getOrDefault("arbitrary_params_dict")
            self._set(arbitrary_params_dict=known | params)

    def _given(self, name: str) -> Any:
        """Return a parameter's value; None if it has none, or is an empty name."""
        value = self.getOrDefault(name) if self.isDefined(name) else None
        return None if isinstance(value, (str, list)) and not value else value

    def _engine_words(self) -> dict[str, Any]:
        """Return the parameters of XGBoost that have a value."""
        names = {p.name for p in host_params() if self.hasParam(p.name)} - _COLUMNS
        values = {name: self._given(name) for name in sorted(names)}
        further = values.pop("arbitrary_params_dict") or {}
        return {k: v for k, v in values.items() if v is not None} | further

    def _check_can_be_saved(self) -> None:
        """Raise for a parameter that Spark's files, of JSON, can't hold."""
        callbacks = self._given("callbacks")
        if callbacks:
            raise ValueError(
                f"callbacks must be None in what is saved, got {callbacks!r}"
            )


def _refuse(name: str, value: Any) -> None:
    if name in _REFUSED:
        raise ValueError(f"{name} must not be given: {_REFUSED[name]}; got {value!r}")


# XGBoost's own parameters, in which its estimator keeps further ones included.
for _host in host_params():
    _is_ours = _host.name == "arbitrary_params_dict" or _host.name not in _REFUSED
    if _is_ours and not hasattr(FocalSparkParams, _host.name):
        _converter = _collective if _host.name == "coll_cfg" else _host.typeConverter
        setattr(FocalSparkParams, _host.name, _param(_host.name, _host.doc, _converter))
