"""What only LightGBM trains by: class weights, and data without a usable feature."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.class_weight import compute_sample_weight

from skfocal.lightgbm import FocalObjective
from tests._boosting.data import table
from tests._boosting.engines import LIGHTGBM

pytestmark = LIGHTGBM.marks
classifier = LIGHTGBM.classifier


def test_class_weight_multiplies_the_sample_weight():
    X, y = table()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    got = classifier(class_weight={0: 1.0, 1: 3.0}).fit(X, y, weight)
    expected = classifier().fit(X, y, weight * np.where(y == 1, 3.0, 1.0))
    assert_array_equal(got.decision_function(X), expected.decision_function(X))
    balanced = classifier(class_weight="balanced").fit(X[100:], y[100:])
    prior = balanced.loss_.predict_proba([balanced.initial_score_])[0]
    assert_allclose(prior, [0.5, 0.5])
    # It changes the population that the probabilities are balanced for.
    for model in (balanced, classifier(class_weight="balanced", focal_alpha=[1, 9])):
        proba = model.fit(X[100:], y[100:]).predict_proba(X[100:])[:, 1]
        weight = compute_sample_weight("balanced", y[100:])
        assert np.average(proba, weights=weight) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("link", ["posterior", "focal"])
def test_going_on_with_too_few_rows_keeps_the_model(n_classes, link):
    X, y = table(n_classes)
    first = classifier(focal_link=link).fit(X, y)
    model = classifier(focal_link=link)
    model.fit(X[:12] * 0, np.arange(12) % n_classes, init_model=first)
    got = model.decision_function(X)
    if link == "focal":
        assert_array_equal(got, first.decision_function(X))
    assert_allclose(got - model.calibration_shift_, first.decision_function(X))


@pytest.mark.parametrize("link", ["posterior", "focal"])
def test_iterations_from_any_to_any(link):
    X, y = table()
    model = classifier(focal_link=link).fit(X, y)
    head = model.decision_function(X, num_iteration=1)
    tail = model.decision_function(X, start_iteration=1)
    assert_allclose(head + tail, model.decision_function(X), atol=1e-12)
    proba = model.predict_proba(X, start_iteration=1)
    assert_array_equal(proba, model.loss_.predict_proba(tail))
    log_proba = model.predict_log_proba(X, start_iteration=1)
    assert_allclose(log_proba, np.log(proba))
    labels = model.predict(X, start_iteration=1)
    assert_array_equal(labels, (tail > 0).astype(int))
    assert (labels != model.predict(X)).any()
    assert model.best_iteration_ == 0


DART = {"boosting_type": "dart", "drop_rate": 0.5, "skip_drop": 0.0}


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_balance_of_dart_leaves_its_trees_as_they_were(n_classes):
    """LightGBM drops trees when it evaluates its training data."""
    X, y = table(n_classes)
    # All of them: plain LightGBM drops others from one training to the next.
    words = DART | {"drop_rate": 1.0}
    model = classifier(**words).fit(X, y)
    start = model.initial_score_
    raw = LIGHTGBM.train(FocalObjective(2.0), X, y, rounds=15, start=start, **words)
    held = model.decision_function(X) - model.calibration_shift_
    assert_allclose(held, raw + start, atol=1e-6)
    shares = model.predict_proba(X).mean(axis=0)
    assert_allclose(shares, np.bincount(y) / len(y), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_dart_drops_the_same_trees_at_each_fit(n_classes):
    X, y = table(n_classes)
    expected = classifier(**DART).fit(X, y)
    other = classifier(**DART, drop_seed=1).fit(X, y)
    raw = expected.decision_function(X)
    assert (other.decision_function(X) != raw).any()
    for bits in (0, 255, 1, 0, 1, 255):
        fill_free_memory(bits)
        got = classifier(boosting="dart", drop_rate=0.5, skip_drop=0.0).fit(X, y)
        assert_array_equal(got.decision_function(X), raw)


def fill_free_memory(bits):
    """Leave memory for LightGBM that isn't zero as that of a new process is."""
    blocks = [bytes([bits]) * size for size in range(64, 4096, 16) for _ in range(20)]
    del blocks


@pytest.mark.parametrize("n_classes", [2, 3])
def test_dart_is_the_same_where_it_evaluates_its_training_data(n_classes):
    """LightGBM drops trees for a metric that is a function."""
    X, y = table(n_classes)
    raw = classifier(**DART).fit(X, y).decision_function(X)
    model = classifier(**DART).fit(X, y, eval_set=[(X, y)])
    assert_array_equal(model.decision_function(X), raw)
    assert set(model.evals_result_) == {"training"}
    last = model.evals_result_["training"]["focal_loss"][-1]
    loss = model.loss_(y, raw - model.calibration_shift_)
    assert last == pytest.approx(loss, rel=1e-6)
