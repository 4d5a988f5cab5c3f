"""Sparse matrices whose rows are out of order, or name an entry twice."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csc_matrix, csr_matrix

from tests._boosting.data import table

# LightGBM's predictions of a csc matrix say that they convert it.
pytestmark = pytest.mark.filterwarnings("ignore:Converting data to scipy sparse matrix")


def halves_backwards(matrix):
    """Return the same matrix with two halves of each entry, in falling order."""
    parts = [[], []]
    for begin, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        for part, values in zip(parts, (matrix.data / 2, matrix.indices), strict=True):
            part.append(np.repeat(values[begin:end], 2)[::-1])
    data, indices = map(np.concatenate, parts)
    result = type(matrix)((data, indices, 2 * matrix.indptr), shape=matrix.shape)
    assert not result.has_canonical_format
    return result


@pytest.mark.parametrize("kind", [csr_matrix, csc_matrix])
def test_matrices_that_are_not_in_canonical_format(engine, kind):
    X, y = table()
    X = kind(np.where(abs(X) < 0.5, 0.0, X))
    other = halves_backwards(X)
    before = [values.copy() for values in (other.data, other.indices, other.indptr)]
    expected = engine.classifier().fit(X, y, X_val=X, y_val=y)
    assert_array_equal(expected.predict_proba(other), expected.predict_proba(X))
    for words in ({"X_val": other, "y_val": y}, {"eval_set": [(other.copy(), y)]}):
        model = engine.classifier().fit(other, y, **words)
        assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
        assert model.evals_result_ == expected.evals_result_
    after = (other.data, other.indices, other.indptr)
    for now, then in zip(after, before, strict=True):
        assert_array_equal(now, then)


def test_xgboost_predicts_them_without_validation_of_features_too():
    xgboost = pytest.importorskip("skfocal.xgboost")
    X, y = table()
    X = csr_matrix(np.where(abs(X) < 0.5, 0.0, X))
    model = xgboost.FocalXGBClassifier(n_estimators=5).fit(X, y)
    other = halves_backwards(X)
    got = model.predict_proba(other, validate_features=False)
    assert_array_equal(got, model.predict_proba(X))
    assert_array_equal(model.apply(other), model.apply(X))
