"""Tables with names and categories, of several libraries, and sparse matrices."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests._boosting.data import frame, recoded, table
from tests._boosting.engines import by_engine


@by_engine(
    "words", lightgbm=[{}], xgboost=[{"tree_method": m} for m in ("hist", "approx")]
)
def test_pandas_categories_and_missing_values(engine, words):
    X, y = frame()
    model = engine.classifier(**engine.categories, **words).fit(X, y)
    assert_array_equal(model.feature_names_in_, ["size", "colour", "age"])
    assert engine.feature_names(model.booster_) == ["size", "colour", "age"]
    assert model.score(X, y) > 0.9
    assert_array_equal(model.predict_proba(recoded(X)), model.predict_proba(X))
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_proba(recoded(X)), model.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["colour", "size", "age"]])
    model.fit(X, y, eval_set=[(recoded(X), y)])
    expected = engine.score(model.loss_, y, engine.watched_raw(model, X))
    tolerance = engine.pick(lightgbm={}, xgboost={"abs": 2e-6})
    got = model.evals_result_[engine.first_set][engine.focal_metric][-1]
    assert got == pytest.approx(expected, **tolerance)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_tables(engine, library):
    module = pytest.importorskip(library)
    X, y = frame()
    numbers = X[["size", "age"]]
    if library == "polars":
        if engine.name == "lightgbm" and not hasattr(
            engine.Wrapper, "decision_function"
        ):
            pytest.skip("LightGBM before 4.7 takes no polars")
        other = module.DataFrame({name: numbers[name].to_numpy() for name in numbers})
    else:
        other = module.Table.from_pandas(numbers)
    expected = engine.classifier().fit(numbers, y)
    model = engine.classifier().fit(other, y)
    assert_allclose(model.predict_proba(other), expected.predict_proba(numbers))
    assert_array_equal(model.feature_names_in_, ["size", "age"])


# LightGBM's predictions of a csc matrix say that they convert it.
@pytest.mark.filterwarnings("ignore:Converting data to scipy sparse matrix")
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_sparse(engine, kind):
    X, y = table()
    X = np.where(abs(X) < 0.5, 0.0, X)
    sparse = getattr(scipy.sparse, kind)(X)
    got = engine.classifier().fit(sparse, y).predict_proba(sparse)
    # XGBoost takes what a sparse matrix doesn't hold as missing.
    dense = np.where(X == 0, engine.unstored, X)
    expected = engine.classifier().fit(dense, y).predict_proba(dense)
    assert_allclose(got, expected, atol=engine.pick(lightgbm=1e-12, xgboost=1e-6))


def test_set_output_in_a_pipeline(engine):
    X, y = frame()
    pipeline = make_pipeline(StandardScaler(), engine.classifier())
    pipeline.set_output(transform="pandas").fit(X[["size", "age"]], y)
    assert_array_equal(pipeline[-1].feature_names_in_, ["size", "age"])
