"""LightGBM's words for what the shared tests do."""

import re

import lightgbm as lgb
import numpy as np
import pytest
from scipy.special import expit, softmax

import skfocal.lightgbm
from tests._boosting.engines.base import Engine


class LightGBM(Engine):
    name = "lightgbm"

    def __init__(self):
        ours = skfocal.lightgbm
        super().__init__(ours, ours.FocalLGBMClassifier, lgb.LGBMClassifier)
        self.marks = [
            pytest.mark.filterwarnings(f"ignore:{message}")
            for message in (
                # LightGBM before 4.6 calls scikit-learn by a word that 1.6 renamed.
                "'force_all_finite' was renamed",
                # 4.6 names the columns of an array, which scikit-learn then misses.
                "X does not have valid feature names, but LGBM",
            )
        ]
        self.small = {"n_estimators": 15, "n_jobs": 1, "verbosity": -1}
        self.offset, self.offsets_of_sets = "init_score", "eval_init_score"
        self.weights_of_sets, self.go_on = "eval_sample_weight", "init_model"
        self.stop_after, self.metric = "early_stopping_round", "metric"
        self.further = {"max_bin": 15, "feature_fraction": 0.5}
        self.changed = {"max_bin": 31, "min_data_per_group": 5}
        self.synonyms = {"min_child_samples": 90}, {"min_data": 90}
        self.subsampled = {"subsample": 0.5, "subsample_freq": 1}
        self.categories, self.silent = {}, {}
        self.modes = [
            {},
            {"boosting_type": "dart"},
            {"data_sample_strategy": "goss"},
            {"subsample": 0.5, "subsample_freq": 1},
            {"use_quantized_grad": True},
            {"max_depth": 2, "reg_lambda": 1.0},
        ]

        self.first_set, self.endings = "valid_0", ("txt",)
        self.focal_metric = "focal_loss"
        self.raw_type, self.raw_order = np.float64, "F"
        self.unstored = 0.0
        self.softmax_bound = 2
        self.any_labels, self.same_bins = {}, {}
        self.free_leaves = {"min_data_in_leaf": 1}

    def softmax_scale(self, loss, y, raw, weight):
        return (1 + loss.gamma) ** 3

    def hessian_factor(self, n_classes):
        return 1.0 if n_classes == 2 else n_classes / (n_classes - 1)

    def first_rounds(self, n):
        return {"num_iteration": n}

    def score(self, loss, y, raw, weight=None):
        """Return the focal loss as the engine's metric states it."""
        return loss(y, raw, weight)

    def metric_names(self, n_classes):
        """Return metrics to ask for, and their names in the results.

        The first three of these are log loss, error and focal loss.
        """
        prefix, rank = ("binary", "auc") if n_classes == 2 else ("multi", "auc_mu")
        found = [f"{prefix}_logloss", f"{prefix}_error", "focal_loss", rank]
        return ["logloss", rank, "error", "focal_loss"], found

    # -- the engine without skfocal's classifier

    def plain_raw(self, model, X):
        return model.predict(X, raw_score=True)

    def regression(self, X, y):
        return lgb.train({"verbosity": -1}, lgb.Dataset(X, y), 2)

    def softmax_of_two(self, X, y):
        words = {"verbosity": -1, "objective": "multiclass", "num_class": 2}
        return lgb.train(words, lgb.Dataset(X, y), 2)

    def set_labels(self, wrapper, labels):
        wrapper._classes = labels

    def data(self, X, y, weight=None):
        words = {"verbosity": -1}
        return lgb.Dataset(X, y, weight=weight, params=words).construct()

    def params(self, y, **words):
        n_classes = len(np.unique(y))
        classes = {} if n_classes == 2 else {"num_class": n_classes}
        return {"verbosity": -1, "num_threads": 1} | classes | words

    def train(self, objective, X, y, weight=None, /, rounds=20, start=None, **words):
        """Return what the trees add to the start, 0 by default.

        Without an objective it is the engine's own log loss.
        """
        if objective is None:
            objective = "binary" if len(np.unique(y)) == 2 else "multiclass"
            words["boost_from_average"] = False
        init = None if start is None else np.full((len(y), *np.shape(start)), start)
        data = lgb.Dataset(X, y, weight=weight, init_score=init)
        words = self.params(y, objective=objective, **words)
        return lgb.train(words, data, rounds).predict(X, raw_score=True)

    def train_uncopied(self, objective, X, y, weight):
        booster = lgb.Booster(
            self.params(y, objective="custom"), self.data(X, y, weight)
        )
        for _ in range(20):
            # Unlike lgb.train, update doesn't copy the objective.
            booster.update(fobj=objective)
        return booster.predict(X, raw_score=True)

    def train_watched(self, objective, metric, X, y, weight):
        """Return raw predictions and the metric of each round."""
        seen, data = {}, lgb.Dataset(X, y, weight=weight)
        booster = lgb.train(
            self.params(y, objective=objective, metric="None"),
            data,
            5,
            valid_sets=[lgb.Dataset(X, y, weight=weight, reference=data)],
            feval=metric,
            callbacks=[lgb.record_evaluation(seen)],
        )
        return booster.predict(X, raw_score=True), seen["valid_0"]["focal_loss"]

    def wrapper(self, objective, y, **words):
        """Return LightGBM's own classifier, to train by the objective from 0."""
        words = self.params(y, n_estimators=20, objective=objective, **words)
        words["n_jobs"] = words.pop("num_threads")
        return lgb.LGBMClassifier(**words)

    def fit_wrapper_from(self, start, objective, X, y, weight):
        """Return raw predictions, start included, and probabilities of the wrapper."""
        init = np.full((len(y), *np.shape(start)), start)
        model = self.wrapper(objective, y).fit(X, y, weight, init_score=init)
        raw = self.raw(model, X) + start
        # The wrapper returns raw predictions.
        proba = expit(raw) if raw.ndim == 1 else softmax(raw, axis=1)
        return raw, np.c_[1 - proba, proba] if raw.ndim == 1 else proba

    def fit_watched(self, objective, metric, X, y, weight):
        model = self.wrapper(objective, y, metric="None")
        model.set_params(n_estimators=5).fit(
            X,
            y,
            sample_weight=weight,
            eval_set=[(X + 0, y)],
            eval_sample_weight=None if weight is None else [weight],
            eval_metric=metric,
        )
        return self.raw(model, X), model.evals_result_["valid_0"]["focal_loss"]

    # -- boosters

    def booster_of(self, wrapper):
        return wrapper.booster_

    def load(self, path):
        return lgb.Booster(model_file=path)

    def raw(self, booster_or_wrapper, X):
        return booster_or_wrapper.predict(X, raw_score=True)

    def linked(self, booster, X):
        return booster.predict(X)

    def contributions(self, booster, X, n_classes):
        values = booster.predict(X, pred_contrib=True)
        return values if n_classes == 2 else values.reshape(len(X), n_classes, -1)

    def feature_names(self, booster):
        return booster.feature_name()

    def round_count(self, booster):
        return booster.current_iteration()

    def with_state(self, booster, text):
        """Return a copy of the booster with another text of ours."""
        model, text = booster.model_to_string(), text.replace(":", "%3A")
        return lgb.Booster(model_str=re.sub(r"(?<=\[skfocal ).*(?=: \])", text, model))

    # -- fitted classifiers

    def best_round(self, model):
        return model.best_iteration_

    def best_score(self, model):
        return model.best_score_["valid_0"]["focal_loss"]

    # -- callbacks

    def early_stoppers(self):
        return [lgb.early_stopping(5, verbose=False)]

    def failing_callback(self):
        def fail(env):
            raise RuntimeError("in a callback")

        return fail

    def fit_with(self, callback, model, X, y, **words):
        return model.fit(X, y, callbacks=[callback], **words)
