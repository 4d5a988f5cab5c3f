"""XGBoost's words for what the shared tests do."""

import numpy as np
import pytest
import xgboost as xgb
from scipy.special import expit

import skfocal.xgboost
from tests._boosting.engines.base import Engine


class XGBoost(Engine):
    name = "xgboost"

    def __init__(self):
        ours = skfocal.xgboost
        super().__init__(ours, ours.FocalXGBClassifier, xgb.XGBClassifier)
        self.marks = [
            # XGBoost 3.3 deprecates two boosters, which it trains all the same.
            pytest.mark.filterwarnings(f"ignore:.*`booster={name}` is deprecated")
            for name in ("gblinear", "dart")
        ]
        self.small = {"n_estimators": 15, "n_jobs": 1}
        self.offset, self.offsets_of_sets = "base_margin", "base_margin_eval_set"
        self.weights_of_sets, self.go_on = "sample_weight_eval_set", "xgb_model"
        self.stop_after, self.metric = "early_stopping_rounds", "eval_metric"
        self.further = {"eta": 0.5, "max_cached_hist_node": 100}
        self.changed = {"eta": 0.1, "seed_per_iteration": True}
        self.synonyms = {"learning_rate": 0.5}, {"eta": 0.5}
        self.subsampled = {"subsample": 0.5}
        self.categories, self.silent = {"enable_categorical": True}, {"verbose": False}
        self.modes = [
            {},
            {"tree_method": "approx"},
            {"tree_method": "exact"},
            {"booster": "dart", "rate_drop": 0.3},
            {"subsample": 0.5, "num_parallel_tree": 2},
            {"grow_policy": "lossguide", "max_leaves": 5},
            {"booster": "gblinear"},
            {"multi_strategy": "multi_output_tree"},
        ]

        self.first_set, self.endings = "validation_0", ("json", "ubj")
        self.focal_metric = "relative_focal_loss"
        self.raw_type, self.raw_order = np.float32, "C"
        self.unstored = np.nan
        self.softmax_bound = 1
        # XGBoost checks labels for the named objective, even if another is given.
        self.any_labels = {"objective": "reg:squarederror"}
        # By default its classifier sketches the quantiles of another kind of matrix.
        self.same_bins = {"tree_method": "approx"}
        self.free_leaves = {"min_child_weight": 0, "reg_lambda": 0.0}

    def softmax_scale(self, loss, y, raw, weight):
        """Follow the mean expected Hessian, from that of the shares on."""
        shares = np.bincount(y.astype(int), weight)[None]
        first = loss.expected_hessian(np.log(shares / shares.sum())).sum()
        now = loss.expected_hessian(raw, weight).sum() / shares.sum()
        return (first / now) ** (loss.gamma / (loss.gamma + 3))

    def hessian_factor(self, n_classes):
        return 1.0 if n_classes == 2 else 2.0

    def first_rounds(self, n):
        return {"iteration_range": (0, n)}

    def score(self, loss, y, raw, weight=None):
        raw = raw.astype(float)
        constant = np.full(raw.shape, loss.fit_intercept_only(y, weight))
        return loss(y, raw, weight) / loss(y, constant, weight)

    def metric_names(self, n_classes):
        prefix = "" if n_classes == 2 else "m"
        found = [f"{prefix}logloss", f"{prefix}error", self.focal_metric, "auc"]
        return found, found

    def data(self, X, y, weight=None):
        return xgb.DMatrix(X, y, weight=weight, nthread=1)

    def params(self, y, start=None, **words):
        n_classes = len(np.unique(y))
        if n_classes == 2:
            link = {"objective": "binary:logistic"}
            base_score = 0.5 if start is None else float(expit(start))
        else:
            link = {"objective": "multi:softprob", "num_class": n_classes}
            base_score = [0.0] * n_classes if start is None else start.tolist()
        return {"nthread": 1, "base_score": base_score} | link | words

    def plain_raw(self, model, X):
        return model.predict(X, output_margin=True)

    def regression(self, X, y):
        return xgb.train({}, xgb.DMatrix(X, y), 2)

    def softmax_of_two(self, X, y):
        words = {"objective": "multi:softprob", "num_class": 2}
        return xgb.train(words, xgb.DMatrix(X, y), 2)

    def set_labels(self, wrapper, labels):
        wrapper.__dict__["n_classes_"] = len(labels)

    def train(self, objective, X, y, weight=None, /, rounds=20, start=None, **words):
        data = self.data(X, y, weight)
        booster = xgb.train(self.params(y, start, **words), data, rounds, obj=objective)
        raw = booster.predict(data, output_margin=True)
        return raw if start is None else raw - start

    def train_uncopied(self, objective, X, y, weight):
        return self.train(objective, X, y, weight)

    def train_watched(self, objective, metric, X, y, weight):
        seen, data = {}, self.data(X, y, weight)
        booster = xgb.train(
            self.params(y, disable_default_eval_metric=True),
            data,
            5,
            evals=[(data, "validation_0")],
            obj=objective,
            custom_metric=metric,
            evals_result=seen,
            verbose_eval=False,
        )
        return self.raw(booster, X), seen["validation_0"][self.focal_metric]

    def wrapper(self, objective, y, **words):
        words |= {"base_score": self.params(y)["base_score"], "n_jobs": 1}
        return xgb.XGBClassifier(objective=objective, n_estimators=20, **words)

    def fit_wrapper_from(self, start, objective, X, y, weight):
        words = {"base_score": self.params(y, start)["base_score"]} | self.same_bins
        model = (
            self.wrapper(objective, y)
            .set_params(**words)
            .fit(X, y, sample_weight=weight)
        )
        return self.raw(model, X), model.predict_proba(X)

    def fit_watched(self, objective, metric, X, y, weight):
        model = self.wrapper(objective, y, eval_metric=metric).set_params(
            n_estimators=5
        )
        model.fit(
            X,
            y,
            sample_weight=weight,
            eval_set=[(X, y)],
            sample_weight_eval_set=None if weight is None else [weight],
            verbose=False,
        )
        return self.raw(model, X), model.evals_result()["validation_0"][
            self.focal_metric
        ]

    def booster_of(self, wrapper):
        return wrapper.get_booster()

    def load(self, path):
        return xgb.Booster(model_file=path)

    def raw(self, booster_or_wrapper, X):
        data = xgb.DMatrix(X) if isinstance(booster_or_wrapper, xgb.Booster) else X
        return booster_or_wrapper.predict(data, output_margin=True)

    def linked(self, booster, X):
        return booster.predict(xgb.DMatrix(X))

    def contributions(self, booster, X, n_classes):
        return booster.predict(xgb.DMatrix(X), pred_contribs=True)

    def feature_names(self, booster):
        return booster.feature_names

    def round_count(self, booster):
        return booster.num_boosted_rounds()

    def with_state(self, booster, text):
        copied = booster.copy()
        copied.set_attr(skfocal=text)
        return copied

    def best_round(self, model):
        return model.best_iteration_ + 1

    def best_score(self, model):
        return model.best_score_

    def early_stoppers(self):
        stopping = xgb.callback.EarlyStopping
        return [stopping(rounds=5, save_best=best) for best in (False, True)]

    def failing_callback(self):
        class Fail(xgb.callback.TrainingCallback):
            def after_iteration(self, model, epoch, evals_log):
                raise RuntimeError("in a callback")

        return Fail()

    def fit_with(self, callback, model, X, y, **words):
        return model.set_params(callbacks=[callback]).fit(X, y, **words)
