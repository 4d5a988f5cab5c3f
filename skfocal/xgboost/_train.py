"""A training of XGBoost with the focal loss, and the matrices that it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from skfocal._boosting.rows import BoostingRows
from skfocal._boosting.training import (
    BoostingTraining,
    check_raw_of_model,
    check_scores,
)
from skfocal.xgboost._categories import with_categories_of
from skfocal.xgboost._metrics import Metrics
from skfocal.xgboost._model import is_linear, silent_copies
from skfocal.xgboost._objective import RepeatableObjective
from skfocal.xgboost._start import add_to_start, held_start, start_words

__all__ = ["MatrixWords", "Training", "UncutModel", "stopping"]

FloatArray = npt.NDArray[np.floating]


@dataclass
class MatrixWords:
    """How rows become the matrices of XGBoost.

    Attributes
    ----------
    missing : float
        Value that means a missing one.
    nthread : int or None
        Threads.
    enable_categorical : bool
        Whether categorical columns of a DataFrame are used as such.
    feature_types : sequence of str or None
        Types of the features where X is no DataFrame.
    max_bin : int or None
        Number of bins of a feature.
    binned : bool
        Whether the training needs bins only.
    """

    missing: float
    nthread: int | None
    enable_categorical: bool
    feature_types: Sequence[str] | None
    max_bin: int | None
    binned: bool

    def training_set(
        self, rows: BoostingRows, origin: xgb.Booster | None, feature_weights: Any
    ) -> xgb.DMatrix:
        """Rows to train on, coded like those of the model to go on from."""
        types = self._types(rows.X, origin)
        words = {"feature_types": types, "feature_weights": feature_weights}
        return self._of_rows(rows, None, words)

    def validation_set(self, rows: BoostingRows, train: xgb.DMatrix) -> xgb.DMatrix:
        """Rows to validate on, coded and binned like the training data."""
        return self._of_rows(rows, train, {"feature_types": self._types(rows.X, train)})

    def of_features(self, X: Any, base_margin: Any) -> xgb.DMatrix:
        """Rows to predict."""
        return xgb.DMatrix(
            X,
            base_margin=base_margin,
            feature_types=self.feature_types,
            **self._common(),
        )

    def _of_rows(
        self, rows: BoostingRows, ref: xgb.DMatrix | None, words: dict[str, Any]
    ) -> xgb.DMatrix:
        words |= self._common() | {
            "label": rows.codes,
            "weight": rows.weight,
            "base_margin": rows.offset,
        }
        if self.binned:
            try:
                return xgb.QuantileDMatrix(
                    data=rows.X, max_bin=self.max_bin, ref=ref, **words
                )
            except TypeError:
                # It takes fewer kinds of data, csc matrices for example not.
                pass
        return xgb.DMatrix(rows.X, **words)

    def _common(self) -> dict[str, Any]:
        return {
            "missing": self.missing,
            "nthread": self.nthread,
            "enable_categorical": self.enable_categorical,
        }

    def _types(self, X: Any, origin: Any) -> Any:
        """Code a table's categories as the data or the model before it did."""
        linear = isinstance(origin, xgb.Booster) and is_linear(origin)
        if origin is None or linear or not hasattr(X, "columns"):
            return self.feature_types
        categories = origin.get_categories()
        return self.feature_types if categories.empty() else categories


class UncutModel(xgb.callback.TrainingCallback):
    """The model at the end of a training, before any other callback cuts it.

    Parameters
    ----------
    look : callable
        Gets the model while XGBoost remembers its predictions of the training data,
        which it forgets when training returns.

    Attributes
    ----------
    booster : xgboost.Booster or None
        The model, once training began.
    """

    def __init__(self, look: Callable[[xgb.Booster], None]) -> None:
        self.look = look
        self.booster: xgb.Booster | None = None

    def before_training(self, model: xgb.Booster) -> xgb.Booster:
        """Keep the model, which is trained in place, and hand it on."""
        # XGBoost 3.1 asks callbacks in any order: after training it may be cut already.
        self.booster = model
        return model

    def after_training(self, model: xgb.Booster) -> xgb.Booster:
        """Look at the whole model, and hand on what came."""
        self.look(self.booster)
        return model


@dataclass(kw_only=True)
class Training(BoostingTraining):
    """What ``xgboost.train`` gets.

    Attributes
    ----------
    matrix_words : MatrixWords
        How rows become matrices.
    feature_weights : array-like or None
        Weights of the features when they are drawn.
    early_stopping_rounds : int or None
        Rounds without a better last metric.
    verbose : bool, int or None
        Whether to print the metrics.
    of_labels : bool
        Whether the user's metrics get the most probable class of each sample.
    """

    matrix_words: MatrixWords
    feature_weights: Any
    early_stopping_rounds: int | None
    verbose: bool | int | None
    of_labels: bool

    def run(self) -> tuple[xgb.Booster, dict[str, Any]]:
        """Return the model and the scores of all rounds."""
        metrics = Metrics(self.eval_metric, self.loss, self.params, self.of_labels)
        data = self.matrix_words.training_set(
            self._from_start(self.rows), self.origin, self.feature_weights
        )
        watching = stopping(self.early_stopping_rounds, metrics.last)
        scores: dict[str, Any] = {}
        uncut = UncutModel(partial(self._find_shift, data))
        booster = xgb.train(
            self.params | self._start_words() | metrics.words(),
            data,
            self.rounds,
            evals=self._evals(data),
            obj=RepeatableObjective(self.loss, self.hessian, self._scale(), self.rows),
            evals_result=scores,
            verbose_eval=self.verbose,
            xgb_model=self.origin,
            callbacks=[uncut, *(self.callbacks or ()), *watching],
            custom_metric=metrics,
        )
        if self._stops_early():
            check_scores(scores)
        with silent_copies():
            booster = with_categories_of(uncut.booster, booster)
            rest = self._rest_of_start()
            self.shift = add_to_start(booster, rest + self.shift) - rest
        return booster, scores

    def _rest_of_start(self) -> Any:
        """Return by what the start differs from what base_score holds of it."""
        # XGBoost holds the raw values of more classes as they are.
        return 0.0 if np.ndim(self.start) else self.start - held_start(self.start)

    def _from_start(self, rows: BoostingRows) -> BoostingRows:
        """Return rows with the start as their offset, if base_score can't hold it."""
        if rows.offset is not None or not self._rest_of_start():
            return rows
        return replace(rows, offset=np.full(len(rows.codes), self.start))

    def _stops_early(self) -> bool:
        kind = xgb.callback.EarlyStopping
        by_callback = any(isinstance(c, kind) for c in self.callbacks or ())
        return by_callback or self.early_stopping_rounds is not None

    def _find_shift(self, data: xgb.DMatrix, booster: xgb.Booster) -> None:
        raw_of_rows = partial(self._raw_of_rows, booster, data)
        # Linear models have one start for all classes.
        if np.ndim(self.start) == 0 or not is_linear(booster):
            self._balance(raw_of_rows)
        else:
            check_raw_of_model(raw_of_rows())

    def _raw_of_rows(self, booster: xgb.Booster, data: xgb.DMatrix) -> FloatArray:
        """Return the raw predictions of the training data, up to the best round."""
        if self.origin is not None:
            # The older trees of a model to go on from may split inside the bins.
            data = self.matrix_words.of_features(self.rows.X, None)
        best = booster.attr("best_iteration")
        rounds = (0, 0) if best is None or is_linear(booster) else (0, int(best) + 1)
        return booster.predict(data, output_margin=True, iteration_range=rounds)

    def _start_words(self) -> dict[str, Any]:
        # Another base_score would shift the whole model that training goes on from.
        return start_words(self.start) if self.origin is None else {}

    def _evals(self, data: xgb.DMatrix) -> list[tuple[xgb.DMatrix, str]]:
        matrix_of = partial(self.matrix_words.validation_set, train=data)
        matrices = self._validation_sets(
            data, lambda rows: matrix_of(self._from_start(rows))
        )
        return [(matrix, f"validation_{i}") for i, matrix in enumerate(matrices)]


def stopping(rounds: int | None, metric_name: str) -> list[Any]:
    """Watch the last of the metrics given; XGBoost evaluates its own first."""
    if rounds is None:
        return []
    return [xgb.callback.EarlyStopping(rounds=rounds, metric_name=metric_name)]
