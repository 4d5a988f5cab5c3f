"""The classifiers inside scikit-learn's tools. Its estimator checks: test_common.py."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer, log_loss, make_scorer, recall_score
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests._boosting.data import split, table


def test_grid_search_over_gamma_compares_probabilities(engine):
    X, y = table()
    name, values = engine.pick(
        lightgbm=("max_bin", [15, 255]), xgboost=("eta", [0.1, 0.3])
    )
    grid = {"focal_gamma": [0.0, 1.0, 3.0], name: values}
    search = GridSearchCV(engine.classifier(), grid, scoring="neg_log_loss", cv=3)
    scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert scores.min() > engine.pick(lightgbm=1.5, xgboost=1.8) * scores.max()
    assert search.best_estimator_.get_params()[name] in values


def test_cross_val_predict_calibration_threshold_and_bagging(engine):
    X, y = table()
    model = engine.classifier()
    proba = cross_val_predict(model, X, y, method="predict_proba")
    assert log_loss(y, proba) < 0.5
    assert CalibratedClassifierCV(model).fit(X, y).score(X, y) > 0.85
    tuned = TunedThresholdClassifierCV(model, scoring=make_scorer(recall_score))
    assert (tuned.fit(X, y).predict(X) == 1).mean() >= (y == 1).mean()
    bagged = BaggingClassifier(model, n_estimators=3, random_state=0).fit(X, y)
    assert bagged.score(X, y) > 0.85


def test_validation_data_are_transformed_in_a_pipeline(engine):
    X, X_val, y, y_val = split()
    weight = np.random.default_rng(0).uniform(size=len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = engine.classifier(n_estimators=50, **{engine.stop_after: 3})
        routed = dict.fromkeys(
            ["sample_weight", "X_val", "y_val", *engine.silent], True
        )
        model.set_fit_request(**routed)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model, transform_input=["X_val"])
        shifted = 100 + 7 * X, 100 + 7 * X_val
        words = {"X_val": shifted[1], "y_val": y_val} | engine.silent
        pipeline.fit(shifted[0], y, sample_weight=weight, **words)
        # Had X_val not been scaled, each of its values would be far to one side.
        raw = pipeline.decision_function(shifted[1])
        raw -= pipeline[-1].calibration_shift_
        expected = engine.score(pipeline[-1].loss_, y_val, raw)
        tolerance = engine.pick(lightgbm={}, xgboost={"abs": 2e-6})
        got = engine.best_score(pipeline[-1])
        assert got == pytest.approx(expected, **tolerance)


def test_a_search_routes_sample_weights(engine):
    X, _, y, _ = split()
    weight = np.random.default_rng(0).uniform(size=len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        search = GridSearchCV(
            engine.classifier().set_fit_request(sample_weight=True),
            {"focal_gamma": [1.0, 2.0]},
            scoring=scorer,
            cv=2,
        )
        weighted = search.fit(X, y, sample_weight=weight).best_score_
        assert weighted != search.fit(X, y, sample_weight=np.ones(len(y))).best_score_


def test_not_fitted(engine):
    methods = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    for method in methods:
        with pytest.raises(NotFittedError):
            getattr(engine.classifier(), method)(np.zeros((1, 2)))
