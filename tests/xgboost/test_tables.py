"""Categories and missing values by XGBoost's own words for them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from skfocal import FocalXGBClassifier
from tests._boosting.data import frame, recoded, table
from tests._boosting.engines import XGBOOST

pytestmark = XGBOOST.marks
classifier = XGBOOST.classifier


@pytest.mark.parametrize("tree_method", ["hist", "approx"])
def test_the_model_knows_the_types_of_the_features(tree_method):
    model = classifier(enable_categorical=True, tree_method=tree_method).fit(*frame())
    assert model.booster_.feature_types == ["float", "c", "float"]


def test_going_on_codes_categories_as_the_model_did():
    # LightGBM's own training doesn't.
    X, y = frame()
    first = classifier(enable_categorical=True).fit(X, y)
    models = [
        classifier(enable_categorical=True).fit(data, y, xgb_model=first)
        for data in (X, recoded(X))
    ]
    assert_allclose(*(m.predict_proba(X) for m in models), rtol=1e-6)


def test_a_linear_model_goes_on_with_a_table():
    X, y = frame()
    X = X[["size", "age"]].fillna(0.0)
    words = {"booster": "gblinear", "n_estimators": 2, "learning_rate": 0.1}
    model = classifier(**words).fit(X, y)
    more = classifier(**words).fit(X, y, xgb_model=model)
    assert log_loss(y, more.predict_proba(X)) < log_loss(y, model.predict_proba(X))


def test_categories_need_the_word():
    X, y = frame()
    with pytest.raises(ValueError, match="enable_categorical"):
        classifier(enable_categorical=False).fit(X, y)


def test_feature_types_of_an_array():
    X, y = frame()
    codes = X.assign(colour=X["colour"].cat.codes).to_numpy(dtype=float)
    words = {"enable_categorical": True, "feature_types": ["q", "c", "q"]}
    model = classifier(**words).fit(codes, y)
    expected = classifier(enable_categorical=True).fit(X, y)
    assert_array_equal(model.predict_proba(codes), expected.predict_proba(X))
    restored = FocalXGBClassifier.from_booster(model.booster_)
    assert_array_equal(restored.predict_proba(codes), model.predict_proba(codes))


def test_a_value_that_means_missing():
    X, y = table()
    holes = np.where(abs(X) < 0.5, np.nan, X)
    filled = np.where(np.isnan(holes), -99.0, holes)
    got = classifier(missing=-99.0).fit(filled, y)
    expected = classifier().fit(holes, y)
    assert_array_equal(got.predict_proba(filled), expected.predict_proba(holes))
