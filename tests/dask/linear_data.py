"""Data for the linear classifier on Dask, and the comparison with a single machine."""

import dask.array as da
import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skfocal import FocalLogisticRegression
from skfocal.dask import DaskFocalLogisticRegression

# So tight that coefficients of two fits differ by rounding alone.
TOL = 1e-10


def make_data(n=900, d=4, n_classes=2, seed=0):
    """Features of different units and a large mean, weights of which some are 0."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, d))
    score = Z @ rng.normal(size=(d, n_classes)) + 2.0 * rng.gumbel(size=(n, n_classes))
    score[:, 0] += 1.5
    X = Z * np.logspace(-1, 1, d) + np.append(np.zeros(d - 1), 100.0)
    weight = rng.uniform(0.2, 3.0, n) * (rng.random(n) > 0.1)
    return X, score.argmax(axis=1), weight


def on_dask(*arrays, chunks=250):
    """Arrays in blocks of rows."""
    return [
        da.from_array(a, chunks=(chunks, -1) if a.ndim == 2 else (chunks,))
        for a in arrays
    ]


def fit_both(X, y, weight=None, *, collections=None, tol=TOL, **params):
    """Fit on a cluster, by default in blocks of 250 rows, and on a single machine."""
    given = [a for a in (X, y, weight) if a is not None]
    model = DaskFocalLogisticRegression(tol=tol, **params)
    model.fit(*(on_dask(*given) if collections is None else collections))
    return model, FocalLogisticRegression(tol=tol, **params).fit(*given)


def assert_same_fit(model, expected, rtol=1e-8):
    assert_array_equal(model.classes_, expected.classes_)
    assert (model.loss_.gamma, model.loss_.link) == (
        expected.loss_.gamma,
        expected.loss_.link,
    )
    if expected.loss_.alpha is None:
        assert model.loss_.alpha is None
    else:
        assert_allclose(model.loss_.alpha, expected.loss_.alpha, rtol=1e-14)
    assert model.coef_.shape == expected.coef_.shape
    assert model.coef_.dtype == expected.coef_.dtype
    for name in ("coef_", "intercept_"):
        found, value = getattr(model, name), getattr(expected, name)
        assert_allclose(found, value, rtol=rtol, atol=rtol * np.abs(value).max())
    # Where the digits end, rounding decides whether one more step is tried.
    assert abs(int(model.n_iter_[0]) - int(expected.n_iter_[0])) <= 1
