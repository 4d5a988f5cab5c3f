"""What can't be trained on Dask is refused before any worker trains."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from tests.dask.engines import ENGINES, make_data, on_dask

pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("client")]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)


@pytest.fixture(scope="module")
def data():
    return make_data()


def blocks(y, chunks=250):
    return da.from_array(y, chunks=chunks)


def with_entry(values, entry, place=-1):
    values = values.astype(object) if isinstance(entry, str) else values.astype(float)
    values[place] = entry
    return values


def text_then_numbers(y, block_info=None):
    first = block_info[0]["chunk-location"] == (0,) if block_info else True
    return y if first else np.zeros(len(y))


BAD_DATA = {
    "an array": (
        lambda X, y, w: (X, blocks(y)),
        TypeError,
        "X must be a dask array or dask DataFrame, got ndarray",
    ),
    "labels at hand": (
        lambda X, y, w: (blocks(X), y),
        TypeError,
        "y must be a dask array, Series or DataFrame of one column, got ndarray",
    ),
    "one dimension": (
        lambda X, y, w: (blocks(X[:, 0]), blocks(y)),
        ValueError,
        r"X must have shape \(n_samples, n_features\), got \(900,\)",
    ),
    "two columns of labels": (
        lambda X, y, w: (blocks(X), blocks(np.c_[y, y])),
        ValueError,
        "y must have one column, got 2",
    ),
    "too few labels": (
        lambda X, y, w: (blocks(X), blocks(y[:-1])),
        ValueError,
        r"y must have one entry per sample \(900\), got 899",
    ),
    "a label that is missing": (
        lambda X, y, w: (blocks(X), blocks(with_entry(y == "spam", np.nan))),
        ValueError,
        "y contains NaN",
    ),
    "labels that are no classes": (
        lambda X, y, w: (blocks(X), blocks(with_entry(y == "spam", 0.5))),
        ValueError,
        "Unknown label type: continuous",
    ),
    "labels of two kinds": (
        lambda X, y, w: (
            blocks(X),
            blocks(y).map_blocks(text_then_numbers, dtype=object),
        ),
        ValueError,
        "y must have labels of one kind, got numbers in some blocks and text in others",
    ),
    "one class": (
        lambda X, y, w: (blocks(X), blocks(np.full(900, "ham"))),
        ValueError,
        r"y must hold at least two classes of positive weight, got only .* \['ham'\]",
    ),
    "one class of positive weight": (
        lambda X, y, w: (blocks(X), blocks(y), blocks((y == "ham") * 1.0)),
        ValueError,
        "y must hold at least two classes of positive weight",
    ),
    "no weight": (
        lambda X, y, w: (blocks(X), blocks(y), blocks(0.0 * w)),
        ValueError,
        "y must have rows of positive weight, got none",
    ),
    "weights beyond float32": (
        lambda X, y, w: (blocks(X), blocks(y), blocks(1e18 * w)),
        ValueError,
        r"sample_weight, .* must have a sum from .* to 1e\+18, got",
    ),
    "a negative weight": (
        lambda X, y, w: (blocks(X), blocks(y), blocks(with_entry(w, -1.0))),
        ValueError,
        "sample_weight must be >= 0 and finite, got -1.0",
    ),
    "a weight that is missing": (
        lambda X, y, w: (blocks(X), blocks(y), blocks(with_entry(w, np.nan))),
        ValueError,
        "sample_weight must be >= 0 and finite, got nan",
    ),
}


@each_engine
@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data(engine, case, data):
    make, error, message = BAD_DATA[case]
    model = engine.model()
    with pytest.raises(error, match=message):
        model.fit(*make(*data))
    assert not model.__sklearn_is_fitted__()
    assert "classes_" not in vars(model)


@each_engine
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"focal_gamma": -1.0}, "focal_gamma must be >= 0"),
        ({"focal_gamma": 25.0}, "focal_gamma must be <= 20, got 25.0"),
        ({"n_estimators": 1.5}, "n_estimators must be"),
        (
            {"focal_gamma": [1.0, 2.0, 3.0]},
            r"focal_gamma must have one entry per class",
        ),
        ({"focal_alpha": {"junk": 2.0}}, r"focal_alpha must have labels from"),
        ({"focal_link": "sigmoid"}, "focal_link must be"),
        ({"objective": "regression"}, "objective must be"),
        (
            {"validation_fraction": 0.1},
            r"validation_fraction must be None on a cluster, got 0.1",
        ),
    ],
)
def test_bad_parameters(engine, params, message, data):
    X, y, _ = data
    with pytest.raises(ValueError, match=message):
        engine.model(**params).fit(*on_dask(X, y))


@each_engine
def test_parameters_of_fit_for_a_single_machine(engine, data):
    X, y, _ = data
    for name in engine.refused:
        with pytest.raises(ValueError, match=f"{name} must be None on a cluster, got"):
            engine.model().fit(*on_dask(X, y), **{name: [1]})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"booster": "gblinear"}, "booster must not be 'gblinear' on a cluster"),
        ({"tree_method": "exact"}, "tree_method must not be 'exact' on a cluster"),
        (
            {"multi_strategy": "multi_output_tree"},
            "multi_strategy must not be 'multi_output_tree' on a cluster",
        ),
        ({"feature_weights": [1]}, "feature_weights must be None on a cluster"),
        (
            {"early_stopping_rounds": 5},
            "early_stopping_rounds must be None without validation data in X_val",
        ),
    ],
)
def test_parameters_of_xgboost(params, message, data):
    X, y, _ = data
    with pytest.raises(ValueError, match=message):
        ENGINES[1].model(**params).fit(*on_dask(X, y))


@pytest.mark.parametrize(
    ("params", "of_fit", "message"),
    [
        ({"early_stopping_round": 5}, {}, "X_val must be given to stop early"),
        (
            {},
            {"eval_metric": "auc_mu"},
            "eval_metric must not be 'auc_mu' of 2 classes",
        ),
        ({}, {"eval_metric": "nonsense"}, "eval_metric must be one of"),
        ({"linear_tree": True}, {}, "linear_tree must be False"),
    ],
)
def test_parameters_of_lightgbm(params, of_fit, message, data):
    X, y, _ = data
    with pytest.raises(ValueError, match=message):
        ENGINES[0].model(**params).fit(*on_dask(X, y), **of_fit)


@each_engine
def test_validation_data(engine, data):
    X, y, w = data
    X_c, y_c, w_c = on_dask(X, y, w)
    model = engine.model()
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        model.fit(X_c, y_c, X_val=X_c)
    unknown = blocks(with_entry(y, "junk"))
    message = r"y_val must hold only labels from \['ham', 'spam'\], got \['junk'\]"
    with pytest.raises(ValueError, match=message):
        model.fit(X_c, y_c, X_val=X_c, y_val=unknown)
    with pytest.raises(ValueError, match="sample_weight_val must be >= 0"):
        model.fit(X_c, y_c, X_val=X_c, y_val=y_c, sample_weight_val=-w_c)
    with pytest.raises(ValueError, match="X has 5 features"):
        model.fit(X_c, y_c, X_val=X_c[:, :5], y_val=y_c)
    with pytest.raises(TypeError, match="X_val must be a dask array"):
        model.fit(X_c, y_c, X_val=X, y_val=y)


@each_engine
def test_a_failed_fit_leaves_the_model(engine, data):
    X, y, w = data
    model = engine.model().fit(*on_dask(X, y), **engine.silent)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="sample_weight must be"):
        model.fit(*on_dask(X[:, :3], y, -w))
    assert model.n_features_in_ == 6
    assert_array_equal(model.predict_proba(X), before)


@each_engine
def test_text_columns(engine, data):
    X, y, _ = data
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(g="text")
    frame["g"] = frame["g"].astype(object)
    with pytest.raises(ValueError, match=r"(?s)must be int, float.*g: string"):
        engine.model().fit(
            dd.from_pandas(frame, npartitions=2), dd.from_pandas(pd.Series(y), 2)
        )


@each_engine
def test_a_client_is_needed(engine, data):
    X, y, _ = data
    with pytest.raises(
        TypeError, match=r"client must be a distributed.Client, got 'x'"
    ):
        engine.model(client="x").fit(*on_dask(X, y))
