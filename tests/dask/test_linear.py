"""DaskFocalLogisticRegression has the coefficients of a single machine.

What these mean, tests/linear_model compares with scikit-learn and a slow objective.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

pytest.importorskip("distributed", reason="needs skfocal[dask]")

import dask
import dask.array as da
import dask.dataframe as dd
import pandas as pd

from skfocal.dask import DaskFocalLogisticRegression, _linear_sums
from tests.dask.linear_data import (
    assert_same_fit,
    fit_both,
    make_data,
    on_dask,
)

pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("client")]


@pytest.mark.parametrize(
    ("n_classes", "params"),
    [
        (2, {}),
        (3, {}),
        (2, {"class_weight": "balanced", "focal_alpha": "balanced"}),
        (2, {"class_weight": {1: 3.0}, "focal_alpha": 0.25, "focal_gamma": 1.5}),
        (3, {"focal_alpha": {0: 0.2, 2: 1.5}, "focal_gamma": [0.5, 1.0, 2.0]}),
        (3, {"class_weight": {1: 0.0}}),
        (2, {"focal_link": "focal", "focal_alpha": [1.0, 2.0]}),
        (3, {"focal_link": "focal", "C": np.inf}),
        (2, {"fit_intercept": False}),
        (3, {"fit_intercept": False, "focal_gamma": 0.0}),
    ],
)
def test_classes_weights_and_loss(n_classes, params):
    X, y, weight = make_data(n_classes=n_classes)
    assert_same_fit(*fit_both(X, y, weight, **params))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "params",
    [
        {"solver": "trust-exact"},
        {"solver": "trust-ncg"},
        {"solver": "lbfgs"},
        {"l1_ratio": 0.5, "C": 0.02},
    ],
    ids=["trust-exact", "trust-ncg", "lbfgs", "l1"],
)
def test_solvers(n_classes, params, monkeypatch):
    # Parts are added up at workers, and points sent once.
    monkeypatch.setattr(_linear_sums, "_MAX_PARTS", 2)
    monkeypatch.setattr(_linear_sums, "_MAX_BYTES_PER_TASK", 0)
    X, y, _ = make_data(n_classes=n_classes)
    model, expected = fit_both(X, y, **params)
    assert_same_fit(model, expected)
    if "l1_ratio" in params:
        assert_array_equal(model.coef_ == 0.0, expected.coef_ == 0.0)
        assert (model.coef_ == 0.0).any()


def sorted_by_class(X, y, weight):
    order = np.argsort(y, kind="stable")
    return X[order], y[order], weight[order]


@pytest.mark.parametrize(
    "chunks",
    [
        [(900,), (900,), (900,)],
        [(60,) * 15, (60,) * 15, (60,) * 15],
        [(1, 700, 199), (1, 700, 199), (1, 700, 199)],
        [(300, 0, 600), (0, 450, 450), (900,)],
    ],
    ids=["one", "many", "uneven", "different, some empty"],
)
def test_blocks_dont_matter(chunks):
    arrays = sorted_by_class(*make_data())
    arrays[2][:300] = 0.0
    collections = [
        da.from_array(a, chunks=(rows, -1) if a.ndim == 2 else (rows,))
        for a, rows in zip(arrays, chunks, strict=True)
    ]
    assert_same_fit(*fit_both(*arrays, collections=collections))


def test_features_in_several_blocks_of_columns():
    X, y, _ = make_data()
    collections = [da.from_array(X, chunks=(400, 3)), da.from_array(y, chunks=900)]
    assert_same_fit(*fit_both(X, y, collections=collections))


def at_workers(client, array, cuts):
    """An array whose blocks lie at the workers in turn."""
    workers = sorted(client.scheduler_info()["workers"])
    blocks = [
        client.scatter(part, workers=[workers[i % 2]], hash=False)
        for i, part in enumerate(np.split(array, cuts))
    ]
    held = [client.who_has([block])[block.key] for block in blocks]
    assert [list(h) for h in held] == [[workers[i % 2]] for i in range(len(blocks))]
    sizes = np.diff([0, *cuts, len(array)])
    return da.concatenate(
        [
            da.from_delayed(dask.delayed(b), (n, *array.shape[1:]), array.dtype)
            for b, n in zip(blocks, sizes, strict=True)
        ]
    )


def test_one_class_per_worker(client):
    X, y, _ = sorted_by_class(*make_data())
    cut = [int((y == 0).sum())]
    collections = [at_workers(client, a, cut) for a in (X, y)]
    params = {"class_weight": "balanced", "focal_alpha": "balanced"}
    assert_same_fit(*fit_both(X, y, collections=collections, **params))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_data_frames_and_string_labels(dtype):
    X, y, weight = make_data(n_classes=3)
    X = X.astype(dtype)
    frame = pd.DataFrame(X, columns=list("abcd"), index=np.arange(900)[::-1])
    labels = np.array(["none", "some", "much"])[y]
    collections = [
        dd.from_pandas(frame, npartitions=3, sort=False),
        dd.from_pandas(pd.DataFrame({"label": labels}), npartitions=2),
        dd.from_pandas(pd.Series(weight), npartitions=4),
    ]
    model, expected = fit_both(frame, labels, weight, collections=collections)
    assert_same_fit(model, expected)
    assert model.coef_.dtype == (np.float32 if dtype == np.float32 else np.float64)
    assert_array_equal(model.feature_names_in_, list("abcd"))
    found = model.predict(collections[0])
    assert_array_equal(found.compute(), expected.predict(frame))


def test_partitions_that_became_empty():
    X, y, _ = make_data()
    frame = pd.DataFrame(X, columns=list("abcd")).assign(label=y, row=np.arange(900))
    rows = dd.from_pandas(frame, npartitions=3)
    rows = rows[rows["row"] >= 400]
    collections = [rows[list("abcd")], rows["label"]]
    kept = frame.iloc[400:]
    model, expected = fit_both(
        kept[list("abcd")], kept["label"], collections=collections
    )
    assert_same_fit(model, expected)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("params", [{}, {"solver": "trust-ncg"}])
def test_csr_blocks(n_classes, params):
    X, y, weight = make_data(n_classes=n_classes)
    X[np.random.default_rng(1).random(X.shape) < 0.7] = 0.0
    dense, *others = on_dask(X, y, weight)
    blocks = dense.map_blocks(sparse.csr_matrix)
    model, expected = fit_both(
        sparse.csr_matrix(X), y, weight, collections=[blocks, *others], **params
    )
    assert_same_fit(model, expected)
    found = model.predict_proba(blocks)
    assert_allclose(found.compute(), expected.predict_proba(X), rtol=1e-8)


def test_large_means_and_constant_features():
    X, y, _ = make_data()
    X = np.column_stack([X, np.full(900, 0.1), X[:, 0] + 1e5])
    model, expected = fit_both(X, y, tol=1e-7)
    assert model.coef_[0, 4] == expected.coef_[0, 4] == 0.0
    found = model.decision_function(X)
    assert_allclose(found, expected.decision_function(X), rtol=1e-4, atol=1e-5)


def test_more_coefficients_than_rows():
    X, y, _ = make_data(n=20, d=40)
    model, expected = fit_both(X, y, collections=on_dask(X, y, chunks=12), tol=1e-6)
    assert_same_fit(model, expected, rtol=1e-3)


def test_convergence(capsys):
    X, y, _ = make_data()
    model, expected = fit_both(X, y, tol=1e-4, verbose=1)
    assert_same_fit(model, expected)
    # The lines of both fits, of which each iteration has one.
    *lines, _ = capsys.readouterr().out.split("\n")
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert len(lines) > 1
    assert lines[0].startswith("iteration 1: objective ")


def test_too_few_iterations():
    X, y, _ = make_data()
    message = "^DaskFocalLogisticRegression did not converge: .* max_iter=1 "
    with pytest.warns(ConvergenceWarning, match=message):
        DaskFocalLogisticRegression(tol=1e-9, max_iter=1).fit(*on_dask(X, y))
