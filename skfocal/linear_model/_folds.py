"""What a cross-validation needs beside fits: folds and a scorer."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import get_config
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import Bunch, _safe_indexing
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import _num_samples

from skfocal._classes import WeightedRows
from skfocal.linear_model._host_parameters import is_unset

__all__ = ["Fold", "for_all_classes", "routed_params", "scorer_of", "split_rows"]


@dataclass(frozen=True)
class Fold:
    """Rows of the training data to fit and to score, and the scorer's arguments."""

    number: int
    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]
    score_params: Mapping[str, Any]


def split_rows(cv: Any, X: Any, y: Any, data: WeightedRows, routed: Any) -> list[Fold]:
    """Split the user's rows, and drop those without weight from each part."""
    n_rows = len(data.codes) if data.rows is None else np.shape(y)[0]
    place = np.full(n_rows, -1)
    kept = np.arange(n_rows) if data.rows is None else data.rows
    place[kept] = np.arange(len(kept))
    cv = check_cv(cv, y, classifier=True)
    folds = []
    for number, parts in enumerate(cv.split(X, y, **routed.splitter.split)):
        train, test = (place[np.arange(n_rows)[part]] for part in parts)
        train, test = train[train >= 0], test[test >= 0]
        for name, part in (("train", train), ("test", test)):
            if not len(part):
                raise ValueError(
                    "cv must give folds with samples of positive weight, "
                    f"got none to {name} in fold {number}"
                )
        score = _sliced(routed.scorer.score, kept[test], n_rows)
        folds.append(Fold(number, train, test, score))
    return folds


def _sliced(params: Mapping[str, Any], rows: npt.NDArray[np.intp], n: int) -> Any:
    """Return the entries of rows where a parameter has one per sample."""
    return {
        name: _safe_indexing(value, rows) if _has_rows(value, n) else value
        for name, value in params.items()
    }


def _has_rows(value: Any, n_rows: int) -> bool:
    try:
        return not isinstance(value, (str, Mapping)) and _num_samples(value) == n_rows
    except TypeError:
        return False


def scorer_of(scoring: Any) -> Any:
    """Return the scorer that ``scoring`` names; None is the accuracy."""
    if is_unset(scoring):
        return get_scorer("neg_log_loss")
    return get_scorer("accuracy" if scoring is None else scoring)


def for_all_classes(scorer: Any, classes: npt.NDArray[Any]) -> Any:
    """Return the scorer with all labels, of which a fold may lack one.

    Private names of scikit-learn's scorers are read here and nowhere else; it has no
    public way to ask a scorer for its metric.
    """
    metric = getattr(scorer, "_score_func", None)
    if metric is None:
        return scorer
    names, known = signature(metric).parameters, dict(scorer._kwargs)
    if "labels" in names:
        known.setdefault("labels", classes)
    # Means over classes warn of a pos_label.
    binary = len(classes) == 2 and known.get("average", "binary") == "binary"
    if binary and "pos_label" in names:
        known.setdefault("pos_label", classes[1])
    scorer = copy(scorer)
    scorer._kwargs = known
    return scorer


def routed_params(
    estimator: Any, method: str, sample_weight: Any, params: dict[str, Any]
) -> Any:
    """Return what splitter and scorer of an estimator get in a call of a method."""
    if get_config().get("enable_metadata_routing", False):
        if sample_weight is not None:
            params = params | {"sample_weight": sample_weight}
        return process_routing(estimator, method, **params)
    if params:
        raise ValueError(
            f"{sorted(params)} can only be passed to {method} if metadata routing "
            "is enabled: sklearn.set_config(enable_metadata_routing=True)"
        )
    score = {} if sample_weight is None else {"sample_weight": sample_weight}
    return Bunch(splitter=Bunch(split={}), scorer=Bunch(score=score))
