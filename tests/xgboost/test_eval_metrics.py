"""Metrics of validation sets, by XGBoost's own names and as functions."""

from functools import partial

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from skfocal.xgboost import FocalMetric
from tests._boosting.data import link, split, table
from tests._boosting.engines import XGBOOST
from tests._boosting.refusals import assert_refused_unchanged

classifier = XGBOOST.classifier
LINKS = pytest.mark.parametrize("focal_link", ["posterior", "focal"])
OWN = {
    2: [
        *("logloss", "error", "error@0.7", "rmse", "mae", "mphe", "rmsle", "auc"),
        *("aucpr", "map", "map@5", "pre@7", "ndcg@5", "ndcg-", "poisson-nloglik"),
        "tweedie-nloglik@1.5",
    ],
    3: ["mlogloss", "merror", "auc", "aucpr"],
}
# Their weights are of groups, not of rows.
PER_GROUP = ("map", "pre", "ndcg")


def _scores(n_classes=2, weight=None, **words):
    X, X_val, y, y_val = split(n_classes)
    validation = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight}
    model = classifier(**words).fit(X, y, verbose=False, **validation)
    return model, model.evals_result_["validation_0"]


def _of_xgboost(names, log_odds, y, weight):
    """What XGBoost says of a model that predicts the log-odds of the probabilities."""
    n_classes = 2 if log_odds.ndim == 1 else log_odds.shape[1]
    params = XGBOOST.params(np.arange(n_classes), eval_metric=names)
    X = np.zeros((len(y), 1))
    data = xgb.DMatrix(X, y, weight=weight, base_margin=log_odds)
    seen = {}
    params |= {"eta": 0.0}
    words = {"evals": [(data, "v")], "evals_result": seen, "verbose_eval": False}
    xgb.train(params, data, 1, **words)
    return {name: values[0] for name, values in seen["v"].items()}


@LINKS
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_own_metrics_see_the_class_probabilities(n_classes, weighted, focal_link):
    _, X_val, _, y_val = split(n_classes)
    weight = np.random.default_rng(0).uniform(size=len(y_val)) if weighted else None
    names = [n for n in OWN[n_classes] if weight is None or not n.startswith(PER_GROUP)]
    words = {"eval_metric": names, "focal_link": focal_link}
    model, scores = _scores(n_classes, weight, **words)
    assert list(scores) == names
    proba = model.loss_.predict_proba(XGBOOST.watched_raw(model, X_val))
    log_odds = np.log(proba)
    if n_classes == 2:
        log_odds = log_odds[:, 1] - log_odds[:, 0]
    expected = _of_xgboost(names, log_odds, y_val, weight)
    for name in names:
        assert scores[name][-1] == pytest.approx(expected[name], rel=2e-5, abs=2e-6)


def test_parameters_of_a_metric_reach_it():
    for focal_link in ("posterior", "focal"):
        words = {"eval_metric": "mphe", "focal_link": focal_link}
        _, narrow = _scores(huber_slope=0.01, **words)
        _, wide = _scores(huber_slope=10.0, **words)
        assert narrow["mphe"][-1] < wide["mphe"][-1] / 2


@LINKS
def test_an_error_at_one_half_has_a_shorter_name(focal_link):
    words = {"eval_metric": ["auc", "error@0.5"], "early_stopping_rounds": 3}
    model, scores = _scores(**words, focal_link=focal_link, n_estimators=200)
    assert list(scores) == ["auc", "error"]
    assert model.best_iteration_ == np.argmin(scores["error"])


@LINKS
@pytest.mark.parametrize(
    ("metrics", "watched"),
    [
        ([log_loss, "auc"], "auc"),
        (["auc", log_loss], "log_loss"),
        (["auc", "relative_focal_loss", None], "relative_focal_loss"),
    ],
)
def test_early_stopping_watches_the_last_one_given(metrics, watched, focal_link):
    words = {"eval_metric": metrics, "early_stopping_rounds": 5, "learning_rate": 0.5}
    model, scores = _scores(n_estimators=200, focal_link=focal_link, **words)
    best = {"auc": np.argmax}.get(watched, np.argmin)(scores[watched])
    assert model.best_iteration_ == best < 199
    assert model.best_score_ == pytest.approx(scores[watched][best])


@LINKS
def test_nothing_given_is_skipped(focal_link):
    for given in (None, [None], [], ()):
        _, scores = _scores(eval_metric=given, focal_link=focal_link)
        assert list(scores) == ["relative_focal_loss"]
    _, scores = _scores(eval_metric=[None, "auc", None, "auc"], focal_link=focal_link)
    assert list(scores) == ["auc"]
    assert len(scores["auc"]) == 15


@LINKS
def test_metrics_of_one_name_keep_apart(focal_link):
    def logloss(y_true, y_proba):
        return 7.0

    def named(value):
        def metric(y_true, y_proba):
            return value

        return metric

    given = [logloss, "logloss", named(1.0), named(2.0), named(3.0)]
    _, scores = _scores(eval_metric=given, focal_link=focal_link)
    last = {name: values[-1] for name, values in scores.items()}
    assert 0.0 < last.pop("logloss") < 0.7
    assert last == {"logloss_1": 7.0, "metric": 1.0, "metric_1": 2.0, "metric_2": 3.0}


@LINKS
def test_early_stopping_watches_the_renamed_metric(focal_link):
    values = iter([3.0, 2.0, 4.0, 4.0, 4.0])

    def error(y_true, y_proba):
        return next(values)

    words = {"eval_metric": ["error", error], "early_stopping_rounds": 3}
    model, scores = _scores(**words, focal_link=focal_link)
    assert scores["error_1"] == [3.0, 2.0, 4.0, 4.0, 4.0]
    assert model.best_iteration_ == 1


@LINKS
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_focal_metric_of_the_other_link_sees_its_own_raw_predictions(
    n_classes, focal_link
):
    _, X_val, _, y_val = split(n_classes)
    other = {"posterior": "focal", "focal": "posterior"}[focal_link]
    metric = FocalMetric(1.0, link=other)
    model, scores = _scores(n_classes, eval_metric=metric, focal_link=focal_link)
    proba = model.loss_.predict_proba(XGBOOST.watched_raw(model, X_val))
    raw = metric.loss.raw_from_proba(proba)
    expected = XGBOOST.score(FocalLoss(1.0, link=other), y_val, raw)
    assert scores["relative_focal_loss"][-1] == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_functions_of_softmax_get_the_most_probable_class(n_classes):
    _, X_val, _, y_val = split(n_classes)
    seen = []

    def wrong(y_true, y_pred):
        seen.append(y_pred)
        return np.mean(y_true != y_pred)

    objective = "multi:softmax" if n_classes == 3 else None
    model, scores = _scores(n_classes, eval_metric=wrong, objective=objective)
    proba = link(XGBOOST.watched_raw(model, X_val))
    if n_classes == 3:
        assert_allclose(seen[-1], proba.argmax(axis=1))
        assert scores["wrong"][-1] == pytest.approx(
            np.mean(seen[-1] != y_val), abs=1e-6
        )
    else:
        assert_allclose(seen[-1], proba, rtol=1e-6)


@pytest.mark.parametrize("name", ["best", "", "mlogloss", "tweedie-nloglik"])
def test_xgboosts_own_error_comes_before_training(name):
    X, y = table()
    model = classifier().fit(X, y)
    before = dict(vars(model))
    watch = partial(pytest.fail, "trained")
    model.set_params(eval_metric=name, callbacks=[_Watching(watch)])
    with pytest.raises(xgb.core.XGBoostError, match=r"Unknown metric|Check failed"):
        model.fit(X[:, :3], y)
    assert model.booster_ is before["booster_"]
    assert model.n_features_in_ == 6


class _Watching(xgb.callback.TrainingCallback):
    def __init__(self, started):
        self.before_training = started


def test_a_name_that_xgboost_would_cut_into_pieces():
    def metric(y_true, y_proba):
        return 0.0

    metric.__name__ = "my metric"
    message = "eval_metric must be the name of a metric or callable with a __name__ wit"
    assert_refused_unchanged(XGBOOST, {"eval_metric": metric}, message)


@LINKS
def test_all_metrics_are_printed(capfd, focal_link):
    X, X_val, y, y_val = split()
    model = classifier(eval_metric=["error@0.7", log_loss], focal_link=focal_link)
    model.fit(X, y, X_val=X_val, y_val=y_val, verbose=7)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert "validation_0-error@0.7:" in line
        assert "validation_0-log_loss:" in line


def test_weights_don_t_depend_on_whether_the_arrays_are_those_trained_on():
    X, y = table()
    model = classifier(scale_pos_weight=5.0, eval_metric="logloss")
    model.fit(X, y, eval_set=[(X, y), (X.copy(), y)], verbose=False)
    first, second = model.evals_result_.values()
    assert_allclose(first["logloss"], second["logloss"], rtol=1e-6)
