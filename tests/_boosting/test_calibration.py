"""The constants that balance a trained model's probabilities on its training data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from skfocal import FocalLoss
from skfocal._boosting.calibration import (
    alpha_scale,
    balance_sums,
    balancing_shift,
    find_balance,
)
from tests._boosting.data import link, rare_table, split


def probabilities(raw):
    return np.c_[link(-raw), link(raw)] if raw.ndim == 1 else link(raw)


def assert_balanced(proba, y, weight=None, atol=1e-6):
    """Assert that the mean probability of each class is the class's share."""
    share = np.bincount(y, weight) / (len(y) if weight is None else weight.sum())
    assert_allclose(np.average(proba, axis=0, weights=weight), share, rtol=0, atol=atol)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("n_classes", [2, 3, 6])
def test_shift_balances_the_errors(n_classes, spread, weighted):
    rng = np.random.default_rng(0)
    y = np.r_[np.arange(n_classes), np.minimum(rng.poisson(0.5, 500), n_classes - 1)]
    shape = len(y) if n_classes == 2 else (len(y), n_classes)
    raw = spread * rng.normal(size=shape) + 3.0
    if n_classes > 2:
        raw += np.linspace(-2.0, 2.0, n_classes)
    weight = rng.uniform(0.1, 9.0, len(y)) if weighted else None
    shift = balancing_shift(raw, y, weight)
    assert_balanced(probabilities(raw + shift), y, weight, atol=1e-9)
    assert isinstance(shift, float) if n_classes == 2 else shift.shape == (n_classes,)
    assert np.sum(shift) == pytest.approx(0.0, abs=1e-12) or n_classes == 2
    # What is balanced stays where it is, and what is shifted comes back.
    assert_allclose(balancing_shift(raw + shift, y, weight), 0.0, atol=1e-9)


def test_shift_of_constants_is_known():
    y = np.repeat([0, 1], [90, 10])
    raw = np.full(100, 2.0)
    assert balancing_shift(raw, y, None) == pytest.approx(logit(0.1) - 2.0)
    weight = np.where(y == 1, 9.0, 1.0)
    assert balancing_shift(raw, y, weight) == pytest.approx(-2.0)
    y = np.repeat([0, 1, 2], [70, 20, 10])
    expected = np.log([0.7, 0.2, 0.1]) - [1.0, 5.0, 0.0]
    got = balancing_shift(np.tile([1.0, 5.0, 0.0], (100, 1)), y, None)
    assert_allclose(got, expected - expected.mean(), atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("size", [5.0, 40.0, 700.0])
def test_shift_of_separated_data_is_finite(n_classes, size):
    y = np.arange(30) % n_classes
    raw = size * (2.0 * y - 1.0) if n_classes == 2 else size * np.eye(3)[y]
    for off in (0.0, size / 2):
        moved = raw + (off if n_classes == 2 else np.r_[off, 0.0, -off / 2])
        shift = balancing_shift(moved, y, None)
        assert np.isfinite(shift).all()
        assert np.max(np.abs(shift)) <= 2.0 * size
        assert_balanced(probabilities(moved + shift), y, atol=1e-9)


@pytest.mark.parametrize("margins", [[40.0, 42.0, 45.0], [50.0, 20.0, 30.0, 31.0]])
def test_shift_of_a_model_that_is_sure_and_right(margins):
    """Errors far below the digits of a probability balance, each pair of classes."""
    margins = np.array(margins)
    y = np.repeat(np.arange(len(margins)), 7)
    raw = np.eye(len(margins))[y] * margins[y, None]
    shift = balancing_shift(raw, y, None)
    assert_allclose(shift, (margins.mean() - margins) / 2, atol=1e-6)


def test_scale_undoes_the_size_of_alpha_at_the_shares():
    y = np.repeat([0, 1, 2], [70, 20, 10])
    weight = np.linspace(1.0, 2.0, 100)
    for n_classes, labels in ((2, np.minimum(y, 1)), (3, y)):
        alpha = np.array([0.2, 3.0, 9.0][:n_classes])
        loss = FocalLoss(1.5, alpha, link="posterior")
        scale = alpha_scale(loss, labels, weight)
        seven = FocalLoss(1.5, 7.0 * alpha, link="posterior")
        assert alpha_scale(seven, labels, weight) == pytest.approx(scale / 7.0)
        equal = FocalLoss(1.5, [5.0] * n_classes, link="posterior")
        assert alpha_scale(equal, labels, weight) == pytest.approx(1 / 5.0)
        start = np.array([loss.fit_intercept_only(labels, weight)])
        plain = FocalLoss(1.5, link="posterior").expected_hessian(start).sum()
        assert scale * loss.expected_hessian(start).sum() == pytest.approx(plain)
        for other in (FocalLoss(1.5, alpha), FocalLoss(1.5, link="posterior")):
            assert alpha_scale(other, labels, weight) == 1.0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [None, "balanced"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_mean_probabilities_are_the_shares(engine, n_classes, alpha, weighted):
    X, y = rare_table(n_classes)
    weight = np.random.default_rng(0).uniform(0.2, 5.0, len(y)) if weighted else None
    model = engine.classifier(focal_alpha=alpha).fit(X, y, weight)
    assert_balanced(model.predict_proba(X), y, weight)
    shift = model.calibration_shift_
    assert np.shape(shift) == (() if n_classes == 2 else (n_classes,))
    assert np.max(np.abs(shift)) > 1e-4
    assert np.sum(shift) == pytest.approx(0.0, abs=1e-9) or n_classes == 2
    off = model.loss_.predict_proba(engine.watched_raw(model, X))
    assert (
        abs(
            np.average(off[:, 1], weights=weight) - (np.average(y == 1, weights=weight))
        )
        > 1e-4
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_mean_probabilities_are_the_shares_at_the_best_round(engine, n_classes):
    X, X_val, y, y_val = split(n_classes)
    weight = np.random.default_rng(0).uniform(0.2, 5.0, len(y))
    words = {"n_estimators": 300, "learning_rate": 0.3, engine.stop_after: 5}
    model = engine.classifier(focal_alpha="balanced", **words)
    model.fit(X, y, weight, X_val=X_val, y_val=y_val, **engine.silent)
    assert 1 < engine.best_round(model) < 200
    assert_balanced(model.predict_proba(X), y, weight)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_mean_probabilities_are_the_shares_of_a_model_that_went_on(engine, n_classes):
    X, y = rare_table(n_classes)
    first = engine.classifier().fit(X[::2], y[::2])
    # XGBoost's sums are of float32.
    model = engine.classifier().fit(X, y, **{engine.go_on: first})
    assert_balanced(model.predict_proba(X), y)
    assert np.any(model.calibration_shift_ != 0.0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_nothing_is_shifted_in_the_focal_link_or_with_an_offset(engine, n_classes):
    X, y = rare_table(n_classes)
    offset = np.zeros(len(y) if n_classes == 2 else (len(y), n_classes))
    focal = engine.classifier(focal_link="focal").fit(X, y)
    offset_given = engine.classifier().fit(X, y, **{engine.offset: offset})
    for model in (focal, offset_given):
        assert_array_equal(model.calibration_shift_, 0.0)
    start = engine.classifier(focal_link="focal", n_estimators=1).fit(X, y)
    assert_array_equal(start.calibration_shift_, 0.0)


def test_the_shift_does_not_change_the_ranking(engine):
    X, y = rare_table(2)
    model = engine.classifier(focal_alpha="balanced").fit(X, y)
    before, after = engine.watched_raw(model, X), model.decision_function(X)
    shift = after - before
    assert_allclose(shift, model.calibration_shift_, rtol=1e-12)
    order = np.argsort(before, kind="stable")
    assert np.all(np.diff(after[order]) >= -1e-12)
    words = {"start_iteration": 0, "num_iteration": 3}
    words = engine.pick(lightgbm=words, xgboost={"iteration_range": (0, 3)})
    head = model.predict_proba(X, **words)[:, 1]
    assert len(np.unique(head)) > 2


@pytest.mark.parametrize("n_classes", [2, 3])
def test_parts_of_the_rows_have_the_shift_of_all(n_classes):
    rng = np.random.default_rng(0)
    raw = rng.normal(size=300 if n_classes == 2 else (300, n_classes))
    codes, weight = rng.integers(n_classes, size=300), rng.uniform(size=300)
    parts = [slice(0, 10), slice(10, 10), slice(10, 300)]

    def sums_at(shift):
        found = [balance_sums(raw[p], codes[p], weight[p], shift) for p in parts]
        return tuple(sum(of_parts) for of_parts in zip(*found, strict=True))

    assert_allclose(
        find_balance(sums_at, raw.shape[1:]),
        balancing_shift(raw, codes, weight),
        rtol=1e-12,
        atol=1e-14,
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_shift_of_rows_in_parts_is_that_of_all(monkeypatch, n_classes, weighted):
    rng = np.random.default_rng(0)
    raw = rng.normal(size=1000 if n_classes == 2 else (1000, n_classes))
    codes = rng.integers(0, n_classes, 1000)
    weight = rng.uniform(size=1000) if weighted else None
    expected = balancing_shift(raw, codes, weight)
    monkeypatch.setattr("skfocal._boosting.calibration._PART", 77)
    got = balancing_shift(raw, codes, weight)
    assert_allclose(got, expected, rtol=0, atol=1e-9)
