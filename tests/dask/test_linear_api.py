"""DaskFocalLogisticRegression as an estimator: parameters, errors, predictions."""

import inspect
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

pytest.importorskip("distributed", reason="needs skfocal[dask]")

import dask.array as da
import dask.dataframe as dd
import pandas as pd

from skfocal import FocalLogisticRegression
from skfocal.dask import DaskFocalLogisticRegression
from tests.dask.linear_data import (
    TOL,
    assert_same_fit,
    make_data,
    on_dask,
)

pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("client")]


def test_parameters_are_those_of_a_single_machine(client):
    ours = inspect.signature(DaskFocalLogisticRegression).parameters
    local = inspect.signature(FocalLogisticRegression).parameters
    assert set(ours) - set(local) == {"client"}
    for name, parameter in local.items():
        assert ours[name].default == parameter.default
        value = object()
        assert getattr(DaskFocalLogisticRegression(**{name: value}), name) is value
    model = DaskFocalLogisticRegression(1.5, C=0.1, client=client)
    copy = clone(model.set_params(max_iter=7))
    assert copy.client is client
    params = copy.get_params()
    assert (params["focal_gamma"], params["C"], params["max_iter"]) == (1.5, 0.1, 7)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions(n_classes, client):
    X, y, _ = make_data(n_classes=n_classes)
    dX, dy = on_dask(X, y)
    model = DaskFocalLogisticRegression(client=client).fit(dX, dy)
    local = model.to_local()
    assert type(local) is FocalLogisticRegression
    names = ["decision_function", "predict_proba", "predict_log_proba", "predict"]
    for name in names:
        expected = getattr(local, name)(X)
        found = getattr(model, name)(dX)
        assert isinstance(found, da.Array)
        assert found.shape == expected.shape
        assert_array_equal(found.compute(), expected)
        assert_array_equal(getattr(model, name)(X), expected)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.client is None
    assert_array_equal(copy.predict_proba(X), local.predict_proba(X))


def test_warm_start():
    X, y, _ = make_data()
    words = {"warm_start": True, "tol": TOL}
    model = DaskFocalLogisticRegression(C=0.1, **words).fit(*on_dask(X, y))
    expected = FocalLogisticRegression(C=0.1, **words).fit(X, y)
    for one, data in ((model, on_dask(X, y)), (expected, (X, y))):
        one.set_params(C=0.11).fit(*data)
    assert_same_fit(model, expected)
    assert model.fit(*on_dask(X, y)).n_iter_ == 1
    before = vars(model).copy()
    with pytest.raises(ValueError, match="must have the features and classes of the l"):
        model.fit(*on_dask(X[:, :3], y))
    assert vars(model) == before


def with_value(array, place, value):
    changed = array.astype(np.float64)
    changed[place] = value
    return changed


X, Y, WEIGHT = make_data(n=90)
WEIGHT[-1] = 0.0


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((with_value(X, (70, 1), np.nan), Y), "Input X contains NaN"),
        ((with_value(X, (-1, 0), np.inf), Y, WEIGHT), "Input X contains infinity"),
        ((X * 1e200, Y), "X must have features whose weighted squares are finite"),
        ((X, with_value(Y, 50, np.nan)), "Input y contains NaN"),
        ((X, np.zeros(90)), "y must hold at least two classes .* got only"),
        ((X, Y[:80]), r"y must have one entry per sample \(90\), got 80"),
        ((X, Y, with_value(WEIGHT, 3, -1.0)), "sample_weight must be >= 0 and fin"),
        ((X, Y, np.zeros(90)), "must have rows of positive weight, got none"),
        ((X, Y, WEIGHT[:60]), "sample_weight must have one entry per sample"),
        ((np.array([["a", "b"]] * 90, dtype=object), Y), "could not convert string"),
    ],
)
def test_bad_data(arrays, message):
    model = DaskFocalLogisticRegression(client=None, C=0.3)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=message):
        model.fit(*on_dask(*arrays, chunks=40))
    assert vars(model) == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"focal_gamma": -1.0}, "focal_gamma must be >= 0 and finite, got -1.0"),
        ({"focal_gamma": [1.0, 2.0, 3.0]}, "focal_gamma must have one entry per cl"),
        ({"focal_alpha": {7: 1.0}}, "focal_alpha must have labels from .* as keys"),
        ({"class_weight": {7: 1.0}}, "class_weight must have labels from .* as keys"),
        ({"class_weight": {0: 0.0}}, "y must hold at least two classes"),
        ({"class_weight": {0: -1.0}}, "class_weight must be >= 0"),
        ({"solver": "newton"}, "solver must be one of"),
        ({"C": 0.0}, "C must be > 0, got 0.0"),
    ],
)
def test_bad_parameters(params, message):
    model = DaskFocalLogisticRegression(**params)
    before = vars(model).copy()
    with pytest.raises(ValueError, match=message):
        model.fit(*on_dask(X, Y, chunks=40))
    assert vars(model) == before


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (0, "X must be a dask array or dask DataFrame, got ndarray"),
        (1, "y must be a dask array, Series or DataFrame of one column, got ndarray"),
        (2, "sample_weight must be a dask array, Series or DataFrame of one column"),
    ],
)
def test_arrays_of_this_process(place, message):
    given = on_dask(X, Y, WEIGHT)
    given[place] = (X, Y, WEIGHT)[place]
    with pytest.raises(TypeError, match=message):
        DaskFocalLogisticRegression().fit(*given)


def test_blocks_of_different_widths():
    blocks = on_dask(X, chunks=40)[0].map_blocks(
        lambda block: block[:, : 3 + (len(block) == 40)], meta=np.empty((0, 0))
    )
    with pytest.raises(ValueError, match="X must have 4 features in all blocks, got 3"):
        DaskFocalLogisticRegression().fit(blocks, on_dask(Y)[0])


def test_text_in_a_data_frame():
    frame = dd.from_pandas(pd.DataFrame({"a": ["x", "y"] * 45}), npartitions=2)
    with pytest.raises(ValueError, match="could not convert string to float"):
        DaskFocalLogisticRegression().fit(frame, on_dask(Y)[0])
