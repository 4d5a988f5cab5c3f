"""Fits and scores along a path of penalties, within a fold of cross-validation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import _safe_indexing

from skfocal._classes import WeightedRows
from skfocal.linear_model._base import FocalLinearClassifier
from skfocal.linear_model._design import as_design
from skfocal.linear_model._fit import LinearFit, fit_linear
from skfocal.linear_model._folds import Fold
from skfocal.linear_model._problem import LinearProblem
from skfocal.loss import FocalLoss

__all__ = ["Path", "PathResult", "fit_path"]

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Path:
    """One gamma and one l1_ratio for several C, and the solver's words."""

    loss: FocalLoss
    l1_ratio: float
    Cs: FloatArray
    fit_intercept: bool
    words: Mapping[str, Any]


@dataclass(frozen=True)
class PathResult:
    """One entry per C of a path."""

    fits: list[LinearFit]
    scores: list[float]
    seconds: list[float]


def fit_path(
    model: FocalLinearClassifier,
    data: WeightedRows,
    fold: Fold,
    path: Path,
    scorer: Any,
    verbose: bool,
) -> PathResult:
    """Fit a path on the training rows of a fold, and score it on the others.

    ``model`` is a classifier that gets each fit's coefficients and is scored. Each fit
    starts where the one before ended.
    """
    model.loss_ = path.loss
    X_test = _safe_indexing(data.X, fold.test)
    y_test = model.classes_[data.codes[fold.test]]
    problem = _training_problem(data, fold.train, path, len(model.classes_))
    scaling, start = problem.scaling(), None
    result = PathResult([], [], [])
    for C in path.Cs:
        began = perf_counter()
        words = {"scaling": scaling, "start": start, **path.words}
        fit = fit_linear(replace(problem, C=float(C)), **words)
        start = (fit.coef, fit.intercept)
        result.fits.append(fit)
        result.seconds.append(perf_counter() - began)
        model._set_coefficients(fit, data.X.dtype)
        result.scores.append(float(scorer(model, X_test, y_test, **fold.score_params)))
    if verbose:
        _print_line(fold, path, result)
    return result


def _training_problem(
    data: WeightedRows, rows: npt.NDArray[np.intp], path: Path, n_classes: int
) -> LinearProblem:
    weight = None if data.weight is None else data.weight[rows]
    design = as_design(_safe_indexing(data.X, rows))
    return LinearProblem(
        *(design, data.codes[rows], weight, path.loss, n_classes),
        *(1.0, path.l1_ratio, path.fit_intercept),
    )


def _print_line(fold: Fold, path: Path, result: PathResult) -> None:
    best = int(np.argmax(result.scores))
    print(
        f"fold {fold.number}: focal_gamma={path.loss.gamma}, "
        f"l1_ratio={path.l1_ratio:g}, best of {len(path.Cs)} C={path.Cs[best]:g} "
        f"with score {result.scores[best]:.5g}, {sum(result.seconds):.2f} s",
        flush=True,
    )
