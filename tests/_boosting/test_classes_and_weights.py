"""Labels, sample weights, and what gamma and alpha do to decisions."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import log_loss

from skfocal import FocalLoss
from tests._boosting.data import frame, table


@pytest.mark.parametrize(
    "labels", [["no", "yes"], [1, 2], [-1.0, 3.0], [False, True], ["a", "b", "c"]]
)
def test_labels_of_any_kind(engine, labels):
    X, y = table(len(labels))
    model = engine.classifier().fit(X, np.array(labels)[y])
    assert_array_equal(model.classes_, labels)
    expected = engine.classifier().fit(X, y)
    assert_array_equal(model.predict(X), np.array(labels)[expected.predict(X)])
    assert model.score(X, np.array(labels)[y]) > 0.7
    restored = engine.Classifier.from_booster(model.booster_)
    assert_array_equal(restored.predict(X), model.predict(X))
    assert restored.classes_.dtype == model.classes_.dtype


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_of_weight_zero_do_not_count(engine, n_classes, focal_link):
    X, y = table(n_classes)
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    kept = weight > 0
    words = {"focal_link": focal_link}
    got = engine.classifier(**words).fit(X, y, sample_weight=weight)
    got = got.decision_function(X)
    expected = engine.classifier(**words).fit(X[kept], y[kept], np.ones(kept.sum()))
    assert_array_equal(got, expected.decision_function(X))


def test_rows_of_weight_zero_leave_a_table_too(engine):
    X, y = frame()
    weight = (np.arange(len(y)) % 2).astype(float)
    got = engine.classifier(**engine.categories).fit(X, y, weight)
    ones = np.ones(len(y) // 2)
    expected = engine.classifier(**engine.categories).fit(X[1::2], y[1::2], ones)
    assert_array_equal(got.predict_proba(X), expected.predict_proba(X))


def test_a_class_of_weight_zero_is_no_class(engine):
    X, y = table(3)
    model = engine.classifier().fit(X, y, sample_weight=(y != 1).astype(float))
    assert_array_equal(model.classes_, [0, 2])


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (None, None),
        (0.25, 0.25),
        ({"b": 3.0}, (1.0, 3.0)),
        ([2.0, 5.0], (2.0, 5.0)),
        (np.array([2, 5]), (2.0, 5.0)),
        ("balanced", (0.625, 2.5)),
    ],
)
def test_alpha_by_label(engine, alpha, expected, focal_link):
    X = np.arange(20.0)[:, None]
    y = np.array(["a"] * 16 + ["b"] * 4)
    model = engine.classifier(focal_alpha=alpha, focal_link=focal_link).fit(X, y)
    assert model.loss_ == FocalLoss(2.0, expected, link=focal_link)
    assert engine.Classifier.from_booster(model.booster_).loss_ == model.loss_


def test_balanced_alpha_counts_sample_weights(engine):
    X, y = np.arange(20.0)[:, None], np.array([0] * 16 + [1] * 4)
    weight = np.where(y == 1, 4.0, 1.0)
    model = engine.classifier(focal_alpha="balanced").fit(X, y, weight)
    assert model.loss_.alpha == (1.0, 1.0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_alpha_moves_decisions_and_not_probabilities(engine, n_classes, focal_link):
    X, y = table(n_classes, n=4000)
    train, test = slice(2000), slice(2000, None)
    alpha = np.r_[np.ones(n_classes - 1), 5.0]
    words = engine.pick(lightgbm={"n_estimators": 40}, xgboost={"max_depth": 4})
    words |= {"focal_link": focal_link}
    costly = engine.classifier(focal_alpha=alpha, **words).fit(X[train], y[train])
    neutral = engine.classifier(**words).fit(X[train], y[train])
    last = n_classes - 1
    assert (costly.predict(X[test]) == last).mean() > 1.1 * (y[test] == last).mean()
    losses = [log_loss(y[test], m.predict_proba(X[test])) for m in (costly, neutral)]
    assert losses[0] < 1.1 * losses[1]
    cost = costly.predict_proba(X[test]) * alpha
    assert_array_equal(costly.predict(X[test]), cost.argmax(axis=1))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_gamma_per_class_does_not_move_decisions(engine, n_classes, focal_link):
    X, y = table(n_classes)
    words = {"focal_gamma": [0.5, 4.0, 1.0][:n_classes], "n_estimators": 5}
    words |= engine.pick(lightgbm={}, xgboost={"max_depth": 3})
    words |= {"focal_link": focal_link}
    model = engine.classifier(**words).fit(X, y)
    probable = model.predict_proba(X).argmax(axis=1)
    assert_array_equal(model.predict(X), probable)
    raw = model.decision_function(X)
    largest = (raw > 0) if n_classes == 2 else raw.argmax(axis=1)
    # Only in the posterior link the raw predictions are those of the probabilities.
    assert (largest != probable).any() == (focal_link == "focal")
    cost = [1.0, 7.0, 3.0][:n_classes]
    costly = engine.classifier(focal_alpha=cost, **words).fit(X, y)
    cheapest = (costly.predict_proba(X) * cost).argmax(axis=1)
    assert_array_equal(costly.predict(X), cheapest)
    assert (cheapest != costly.predict_proba(X).argmax(axis=1)).any()
