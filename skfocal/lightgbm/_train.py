"""A training of LightGBM with the focal loss."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from skfocal._boosting.rows import BoostingRows
from skfocal._boosting.training import BoostingTraining, check_scores
from skfocal.lightgbm._dart import is_dart, settle_first_draw
from skfocal.lightgbm._metrics import NamedApart, OfLogarithms, choose_metrics
from skfocal.lightgbm._model import (
    has_usable_feature,
    with_codes_of,
    words_without_features,
)
from skfocal.lightgbm._objective import FocalMetric, FocalObjective
from skfocal.lightgbm._words import stops_early

__all__ = ["Training"]

FloatArray = npt.NDArray[np.floating]


@dataclass(kw_only=True)
class Training(BoostingTraining):
    """What ``lightgbm.train`` gets.

    Attributes
    ----------
    valid_names : list of str
        What the validation data are called.
    columns : dict
        The words ``feature_name`` and ``categorical_feature`` of a Dataset.
    """

    valid_names: list[str]
    columns: dict[str, Any]

    def run(self) -> tuple[lgb.Booster, dict[str, Any]]:
        """Return the trained model, start left out, and the scores of all rounds."""
        n_classes = max(2, np.size(self.start))
        names, functions = choose_metrics(
            self.eval_metric, self.params, FocalMetric._of(self.loss), n_classes
        )
        if stops_early(self.params, self.callbacks):
            self._check_ranked(names)
        data = self._training_set()
        scores: dict[str, Any] = {}
        words: dict[str, Any] = {"metric": names or "None"}
        metrics = NamedApart(functions, names)
        callbacks = [*(self.callbacks or ()), lgb.record_evaluation(scores)]
        if has_usable_feature(data):
            objective = FocalObjective._of(self.loss, self.hessian, self._scale())
            words["objective"] = objective
            dart = is_dart(self.params)
            callbacks.append(settle_first_draw if dart else _keep_parameters)
            booster = self._boosted(data, words, metrics, callbacks)
            self._balance(partial(self._raw_of_rows, booster))
        else:
            words |= words_without_features(n_classes)
            raw_metrics = metrics if n_classes == 2 else OfLogarithms(metrics)
            booster = self._boosted(data, words, raw_metrics, callbacks)
        if stops_early(self.params, self.callbacks):
            check_scores(scores)
        return booster, scores

    def _check_ranked(self, names: list[str]) -> None:
        """Raise for a metric that LightGBM sets to 1 where there is nothing to rank."""
        for rows, valid_name in zip(self.valid, self.valid_names, strict=True):
            if names and len(np.unique(rows.codes)) < 2:
                raise ValueError(
                    f"the metric {names[0]!r} must be a number on each validation set "
                    f"to stop early by, got rows of one class only on {valid_name!r}"
                )

    def _boosted(
        self, data: lgb.Dataset, words: dict[str, Any], metrics: Any, callbacks: Any
    ) -> lgb.Booster:
        # LightGBM doesn't compare the bounds with the data's, which have them already.
        params = {k: v for k, v in self.params.items() if k != "forcedbins_filename"}
        data_of = partial(self._dataset, reference=data)
        own = data_of(self.rows) if is_dart(self.params) else data
        return lgb.train(
            params | words,
            data,
            self.rounds,
            valid_sets=self._validation_sets(own, data_of),
            valid_names=self.valid_names,
            feval=metrics,
            init_model=self.origin,
            callbacks=callbacks,
            keep_training_booster=True,
        )

    def _raw_of_rows(self, booster: lgb.Booster) -> FloatArray:
        """Return the raw predictions of the training data, up to the best round."""
        cut = 0 < booster.best_iteration < booster.current_iteration()
        if cut or is_dart(self.params):
            best = booster.best_iteration if cut else -1
            raw = booster.predict(self.rows.X, raw_score=True, num_iteration=best)
            offset = self.start if self.rows.offset is None else self.rows.offset
            return raw + (offset if self.origin is None else 0.0)
        found = []

        def keep(preds: FloatArray, _: Any) -> tuple[str, float, bool]:
            found.append(preds)
            return "kept", 0.0, False

        # LightGBM has them at hand: no tree is walked.
        booster.eval_train(keep)
        return found[0]

    def _training_set(self) -> lgb.Dataset:
        params = self.params | {"objective": "custom"}
        if self.origin is not None:
            # In place: a validation set may be these very rows.
            categories = self.origin.pandas_categorical
            self.rows.X = with_codes_of(self.rows.X, categories)
        data = self._dataset(self.rows, params=params, **self.columns)
        # To go on from a model takes its prediction of the raw data, and LightGBM
        # before 4.6 sets categorical features twice.
        automatic = isinstance(self.columns["categorical_feature"], str)
        data.free_raw_data = automatic and self.origin is None
        data.construct()
        if self.origin is None:
            # A copy of LightGBM's, which it makes again if it is asked for.
            data.init_score = None
        return data

    def _dataset(self, rows: BoostingRows, **words: Any) -> lgb.Dataset:
        """Rows as LightGBM takes them, starting at the user's offset or a constant."""
        offset = rows.offset
        if offset is None:
            # In the order of LightGBM, which copies others.
            shape = (len(rows.codes), *np.shape(self.start))
            offset = np.full(shape, self.start, order="F")
        return lgb.Dataset(
            rows.X, label=rows.codes, weight=rows.weight, init_score=offset, **words
        )


def _keep_parameters(env: Any) -> None:
    """Spare the booster a reset that LightGBM makes for a custom objective.

    It only says once more that the objective is none, but it warns of a max_depth
    without num_leaves and draws columns anew, which the host's own log loss doesn't.
    """
    env.model._Booster__set_objective_to_none = True


_keep_parameters.before_iteration = True  # type: ignore[attr-defined]
