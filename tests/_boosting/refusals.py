"""Assertions that a fit is refused, in what words."""

import re

import pytest

from tests._boosting.data import table


def assert_refused(model, message, X, y, **words):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        model.fit(X, y, **words)


def assert_refused_unchanged(engine, words, message):
    """Assert that a refused parameter leaves a fitted classifier as it was."""
    X, y = table()
    model = engine.classifier().fit(X, y)
    before = dict(vars(model))
    assert_refused(model.set_params(**words), message, X[:, :3], y)
    for name in ("booster_", "n_features_in_", "loss_", "classes_"):
        assert vars(model)[name] is before[name]
    assert model.n_features_in_ == 6
