"""Categories, text and single columns of polars, Arrow and pandas."""

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal
from packaging.version import Version

from tests._boosting.data import frame
from tests._boosting.engines import XGBOOST

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")
COLOURS = polars.Enum(["red", "green", "blue"])
CATEGORIES = {"enable_categorical": True, "max_cat_to_onehot": 1}


def _polars(X, dtype):
    columns = {"size": X["size"].to_numpy(), "colour": X["colour"].astype(str).tolist()}
    return polars.DataFrame(columns).with_columns(polars.col("colour").cast(dtype))


TABLES = {
    "polars enum": lambda X: _polars(X, COLOURS),
    "polars lazy": lambda X: _polars(X, COLOURS).lazy(),
    "arrow": lambda X: pyarrow.Table.from_pandas(X),
    "arrow in chunks": lambda X: pyarrow.concat_tables(
        [pyarrow.Table.from_pandas(X[:150]), pyarrow.Table.from_pandas(X[150:])]
    ),
}
REFUSED = Version(xgb.__version__) >= Version("3.3")
tables = pytest.mark.parametrize(
    "make",
    [
        *(pytest.param(make, id=name) for name, make in TABLES.items()),
        pytest.param(
            lambda X: _polars(X, polars.Categorical),
            id="polars categorical",
            marks=pytest.mark.skipif(REFUSED, reason="XGBoost 3.3 refuses them"),
        ),
    ],
)


@tables
def test_categories(make):
    X, y = frame()
    X = X[["size", "colour"]]
    model = XGBOOST.classifier(**CATEGORIES).fit(make(X), y)
    expected = XGBOOST.classifier(**CATEGORIES).fit(X, y).predict_proba(X)
    assert_allclose(model.predict_proba(make(X)), expected, rtol=1e-5)
    assert_allclose(model.predict_proba(X), expected, rtol=1e-5)
    one = X[X["colour"] == "red"][:1].reset_index(drop=True)
    assert_allclose(model.predict_proba(make(one)), model.predict_proba(one))
    proba = model.predict_proba(make(X), validate_features=False)
    assert_array_equal(proba, model.predict_proba(make(X)))


@tables
def test_validation_data_and_weights(make):
    X, y = frame()
    X = X[["size", "colour"]]
    weight = np.where(np.arange(len(y)) % 3 == 0, 0.0, 1.0)
    sets = [(make(X), y), (X, y)]
    model = XGBOOST.classifier(**CATEGORIES)
    model.fit(make(X), y, weight, eval_set=sets, verbose=False)
    first, second = model.evals_result_.values()
    assert first == second


@pytest.mark.parametrize("enable_categorical", [False, True])
@pytest.mark.parametrize("make", [lambda X: _polars(X, polars.String), None])
def test_text_is_refused_by_name(make, enable_categorical):
    X, y = frame()
    text = X.assign(colour=X["colour"].astype(str))
    table = make(X) if make else pyarrow.Table.from_pandas(text)
    model = XGBOOST.classifier(enable_categorical=enable_categorical)
    with pytest.raises(ValueError, match=r"X must have .* got 'colour' of"):
        model.fit(table, y)
    model.fit(X[["size"]], y)
    with pytest.raises(ValueError, match=r"X must have .* got 'colour' of"):
        model.predict(table)


def test_categories_need_the_word():
    X, y = frame()
    with pytest.raises(ValueError, match="enable_categorical"):
        XGBOOST.classifier(enable_categorical=False).fit(_polars(X, COLOURS), y)


@pytest.mark.skipif(not REFUSED, reason="XGBoost takes them until 3.2")
def test_categories_that_xgboost_refuses():
    X, y = frame()
    model, table = XGBOOST.classifier(**CATEGORIES), _polars(X, polars.Categorical)
    with pytest.raises(ValueError, match=r"Use `polars\.Enum` instead.* colour"):
        model.fit(table, y)
    model.fit(_polars(X, COLOURS), y)
    with pytest.raises(ValueError, match=r"Use `polars\.Enum` instead.* colour"):
        model.predict(table)


@pytest.mark.parametrize("make", [pd.Series, polars.Series])
def test_a_column_alone(make):
    X, y = frame()
    column = make(X["size"].to_numpy())
    model = XGBOOST.classifier().fit(column, y, eval_set=[(column, y)], verbose=False)
    expected = XGBOOST.classifier().fit(X[["size"]].to_numpy(), y)
    got = model.predict_proba(column)
    assert_array_equal(got, expected.predict_proba(X[["size"]].to_numpy()))
    assert model.n_features_in_ == 1
