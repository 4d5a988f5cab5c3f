"""The classifier is XGBoost's own: its public names, its tools, its linear models."""

import warnings

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_selection import RFE

from skfocal import FocalXGBClassifier
from tests._boosting.data import split, table
from tests._boosting.engines import XGBOOST

pytestmark = XGBOOST.marks
classifier, plain = XGBOOST.classifier, XGBOOST.plain
MODES = [{}, {"booster": "gblinear"}, {"early_stopping_rounds": 3}]
# What isn't what the host has, and why.
OTHERWISE = {
    "objective": "a parameter stays what the user gave; get_xgb_params has the model's",
    "evals_result_": "scores of another metric",
    "best_score": "likewise",
    "best_iteration": "likewise",
    "feature_importances_": "of other trees",
    "coef_": "of another model",
    "intercept_": "of another model",
}


def _fitted(make, n_classes, words):
    X, X_val, y, y_val = split(n_classes)
    return make(**words).fit(X, y, eval_set=[(X_val, y_val)], verbose=False)


def _read(model, name):
    try:
        return getattr(model, name)
    except AttributeError:
        return AttributeError


@pytest.mark.parametrize("words", MODES, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_public_name_is_what_it_is_in_the_host(n_classes, words):
    host, ours = (_fitted(make, n_classes, words) for make in (plain, classifier))
    assert isinstance(ours, xgb.XGBClassifier)
    for name in (name for name in dir(host) if not name.startswith("_")):
        expected, got = _read(host, name), _read(ours, name)
        if callable(expected):
            assert callable(got), name
        elif name in OTHERWISE:
            assert (got is AttributeError) == (expected is AttributeError), name
            assert np.shape(got) == np.shape(expected), name
        else:
            assert_array_equal(got, expected, err_msg=name, strict=True)


@pytest.mark.parametrize("words", MODES, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_parameters_and_rounds_under_the_hosts_names(n_classes, words):
    words = words | {"random_state": 3, "n_estimators": 7, "reg_lambda": 2.0}
    host, ours = (_fitted(make, n_classes, words) for make in (plain, classifier))
    assert ours.get_xgb_params() == pytest.approx(host.get_xgb_params(), nan_ok=True)
    assert ours.get_num_boosting_rounds() == host.get_num_boosting_rounds() == 7
    assert FocalXGBClassifier().get_num_boosting_rounds() == 100
    new = FocalXGBClassifier().get_xgb_params()
    assert new == pytest.approx(xgb.XGBClassifier().get_xgb_params(), nan_ok=True)


@pytest.mark.parametrize("words", [{}, {"early_stopping_rounds": 3}], ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_deprecated_booster_is_told_as_often_as_by_the_host(n_classes, words):
    def count(make):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            _fitted(make, n_classes, {"booster": "gblinear"} | words)
        return sum("is deprecated" in str(warning.message) for warning in told)

    assert count(classifier) == count(plain)


def test_a_generator_of_seeds_becomes_a_seed():
    for state in (np.random.RandomState(0), np.random.default_rng(0)):
        params = FocalXGBClassifier(random_state=state).get_xgb_params()
        assert isinstance(params["random_state"], int)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_best_round_under_the_hosts_names(n_classes):
    words = {"n_estimators": 200, "early_stopping_rounds": 3, "learning_rate": 0.5}
    model = _fitted(classifier, n_classes, words)
    scores = model.evals_result_["validation_0"]["relative_focal_loss"]
    assert model.best_iteration == model.best_iteration_ == np.argmin(scores)
    assert model.best_score == model.best_score_ == pytest.approx(min(scores))


@pytest.mark.parametrize("focal_link", ["posterior", "focal"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_coefficients_and_intercept_add_up_to_the_raw_predictions(
    n_classes, focal_link
):
    X, y = table(n_classes)
    model = classifier(booster="gblinear", focal_link=focal_link).fit(X, y)
    assert model.coef_.shape == ((6,) if n_classes == 2 else (3, 6))
    assert model.intercept_.shape == ((1,) if n_classes == 2 else (3,))
    raw = model.decision_function(X)
    got = X @ model.coef_.T + (model.intercept_ if n_classes > 2 else 0.0)
    if n_classes == 2:
        got = got + model.intercept_[0]
    assert_allclose(got, raw, atol=2e-6)
    restored = FocalXGBClassifier.from_booster(model.booster_)
    assert_array_equal(restored.coef_, model.coef_)


def test_two_classes_have_the_hosts_coefficients():
    X, y = table()
    words = {"booster": "gblinear", "focal_gamma": 0.0, "focal_hessian": "expected"}
    # Shotgun threads, of which there is one here, are XGBoost's default.
    model = classifier(**words, base_score=0.5, updater="coord_descent").fit(X, y)
    host = plain(booster="gblinear", base_score=0.5, updater="coord_descent").fit(X, y)
    assert_allclose(model.coef_, host.coef_, rtol=1e-4)
    assert_allclose(model.intercept_, host.intercept_, rtol=1e-4)


def test_trees_start_where_the_host_says_they_do():
    for n_classes in (2, 3):
        X, y = table(n_classes)
        model = classifier().fit(X, y)
        host = plain(n_estimators=1)
        host.load_model(bytearray(model.booster_.save_raw()))
        assert_array_equal(model.intercept_, host.intercept_)
        with pytest.raises(AttributeError, match="coef_ is there only of a linear"):
            _ = model.coef_


@pytest.mark.parametrize("n_classes", [2, 3])
def test_recursive_elimination_keeps_the_columns_that_matter(n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 8))
    informative = [1, 4, 6]
    y = X[:, informative[:n_classes]].argmax(axis=1)
    model = classifier(booster="gblinear", n_estimators=50)
    kept = (
        RFE(model, n_features_to_select=n_classes).fit(X, y).get_support(indices=True)
    )
    assert_array_equal(kept, informative[:n_classes])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_shap_explains_the_classifier_itself(n_classes):
    # Older ones can't read how XGBoost writes its start since 3.1.
    shap = pytest.importorskip("shap", minversion="0.51")
    X, y = table(n_classes)
    model = classifier(focal_alpha="balanced").fit(X, y)
    explained = shap.TreeExplainer(model)(X)
    total = explained.values.sum(axis=1) + explained.base_values
    assert_allclose(total, model.decision_function(X), atol=2e-6)
    if n_classes == 2:
        words = {"data": X[:50], "model_output": "probability"}
        explained = shap.TreeExplainer(model, **words)(X)
        total = explained.values.sum(axis=1) + explained.base_values
        assert_allclose(total, model.predict_proba(X)[:, 1], atol=1e-6)


def test_plots():
    pytest.importorskip("matplotlib").use("agg")
    X, y = table(3)
    model = classifier().fit(X, y)
    bars = xgb.plot_importance(model).patches
    expected = model.booster_.get_score(importance_type="weight")
    assert sorted(bar.get_width() for bar in bars) == sorted(expected.values())


def test_trees_are_drawn():
    pytest.importorskip("graphviz")
    model = classifier().fit(*table())
    expected = xgb.to_graphviz(model.booster_, tree_idx=2).source
    assert xgb.to_graphviz(model, tree_idx=2).source == expected


def test_a_saved_file_says_that_a_classifier_wrote_it(tmp_path):
    X, y = table()
    model = classifier().fit(X, y)
    model.save_model(tmp_path / "model.json")
    with pytest.raises(TypeError, match="different type"):
        xgb.XGBRegressor().load_model(tmp_path / "model.json")
    restored = FocalXGBClassifier.from_booster(tmp_path / "model.json")
    for booster in (model.booster_, restored.booster_):
        assert set(booster.attributes()) == {"skfocal", "skfocal_checksums"}
