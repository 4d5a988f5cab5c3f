"""Boosted classifiers on Dask are those of a single machine, wherever the rows are."""

import pickle

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.metrics import log_loss, roc_auc_score

from skfocal._compute import threads
from skfocal.dask._estimator import _predict_block
from skfocal.dask._network import ObjectiveAtWorker
from tests.dask.engines import ENGINES, LABELS, make_data, on_dask, placed

pytestmark = [pytest.mark.distributed, pytest.mark.usefixtures("client")]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)


def fit_both(engine, X, y, weight=None, collections=None, **params):
    """Return the model of a cluster and that of a single machine."""
    given = [a for a in (X, y, weight) if a is not None]
    collections = on_dask(*given) if collections is None else collections
    model = engine.model(**params).fit(*collections, **engine.silent)
    return model, engine.local(**params).fit(*given, **engine.silent)


def assert_same_problem(model, expected):
    assert_array_equal(model.classes_, expected.classes_)
    assert model.loss_ == expected.loss_
    starts = model.initial_score_, expected.initial_score_
    assert_allclose(*starts, rtol=1e-13, atol=1e-13)
    assert model.n_features_in_ == expected.n_features_in_
    assert model.n_iter_ == expected.n_iter_


def assert_balanced(model, X, y, weight=None):
    """The mean probability of each class is its weighted share."""
    errors = model.predict_proba(X) - (y[:, None] == model.classes_)
    assert_allclose(np.average(errors, axis=0, weights=weight), 0.0, atol=1e-6)


@each_engine
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("alpha", [None, "balanced", {"spam": 3.0}], ids=repr)
def test_start_and_alpha_are_those_of_all_rows(engine, n_classes, alpha):
    X, y, weight = make_data(n_classes=n_classes)
    collections = on_dask(X, y, weight, chunks=301, vector_chunks=(400, 17, 483))
    model, expected = fit_both(engine, X, y, weight, collections, focal_alpha=alpha)
    assert_same_problem(model, expected)
    assert_balanced(model, X, y, weight)
    losses = [
        log_loss(y, m.predict_proba(X), sample_weight=weight) for m in (model, expected)
    ]
    assert abs(losses[0] - losses[1]) < 0.02


@each_engine
def test_classes_are_weighed_by_all_rows(engine):
    X, y, _ = make_data()
    words = (
        {"class_weight": "balanced"}
        if engine.name == "lightgbm"
        else {"scale_pos_weight": 2.5}
    )
    model, expected = fit_both(engine, X, y, **words)
    assert_same_problem(model, expected)


@each_engine
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_worker_with_one_class_only(engine, n_classes, client):
    X, y, _ = make_data(n_classes=n_classes)
    last = y == LABELS[n_classes - 1]
    parts = [(a[~last], a[last]) for a in (X, y)]
    model = engine.model(n_estimators=20).fit(*placed(client, *parts), **engine.silent)
    assert_array_equal(model.classes_, LABELS[:n_classes])
    assert_allclose(
        np.bincount(np.searchsorted(model.classes_, y)) / len(y),
        model.predict_proba(X).mean(axis=0),
        atol=1e-6,
    )
    assert roc_auc_score(last, model.predict_proba(X)[:, n_classes - 1]) > 0.95


@each_engine
@pytest.mark.parametrize("share", [1e-8, 1 - 1e-8])
def test_a_class_rarer_than_xgboosts_base_score_can_be(engine, share):
    X, y, _ = make_data()
    spam = y == "spam"
    weight = np.where(spam, share / spam.sum(), (1 - share) / (~spam).sum()) * 1e12
    model = engine.model().fit(*on_dask(X, y, weight), **engine.silent)
    rarer = int(share < 0.5)
    mean = np.average(model.predict_proba(X)[:, rarer], weights=weight)
    assert mean == pytest.approx(min(share, 1 - share), rel=1e-5)


@each_engine
def test_rows_of_weight_zero_do_not_count(engine):
    X, y, weight = make_data()
    # A block without weight, and labels that only such rows have.
    weight[:250] = 0.0
    y = y.copy()
    y[:250] = "junk"
    kept = weight > 0.0
    model = engine.model().fit(*on_dask(X, y, weight), **engine.silent)
    assert_array_equal(model.classes_, LABELS[:2])
    loss, codes = model.loss_, np.searchsorted(LABELS[:2], y[kept])
    start = loss.fit_intercept_only(codes, weight[kept])
    assert_allclose(model.initial_score_, start, rtol=1e-13)
    assert_balanced(model, X[kept], y[kept], weight[kept])


@each_engine
def test_empty_blocks(engine):
    X, y, _ = make_data()
    collections = [
        da.from_array(X, chunks=((0, 400, 0, 500), 6)),
        da.from_array(y, chunks=((0, 900),)),
    ]
    model, expected = fit_both(engine, X, y, collections=collections)
    assert_same_problem(model, expected)
    proba = model.predict_proba(collections[0])
    assert_array_equal(proba.compute(), model.predict_proba(X))


@each_engine
@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array"])
def test_sparse_blocks(engine, kind):
    X, y, _ = make_data()
    X = np.where(abs(X) > 0.7, X, 0.0)
    blocks = da.from_array(X, chunks=(250, -1)).map_blocks(getattr(sparse, kind))
    model = engine.model().fit(blocks, da.from_array(y, chunks=250), **engine.silent)
    assert_allclose(
        model.predict_proba(blocks).compute(),
        model.predict_proba(sparse.csr_matrix(X)),
        rtol=1e-6,
    )
    assert roc_auc_score(y == "spam", model.predict_proba(blocks)[:, 1].compute()) > 0.9


@each_engine
def test_sparse_blocks_with_unsorted_indices(engine):
    X, y, _ = make_data()
    shuffled = sparse.csr_matrix(X)
    for row in range(len(X)):
        entries = slice(*shuffled.indptr[row : row + 2])
        for part in (shuffled.indices, shuffled.data):
            part[entries] = part[entries][::-1]
    shuffled.has_sorted_indices = shuffled.has_canonical_format = False
    futures = [shuffled[:400], shuffled[400:]]
    for future in futures:
        future.has_sorted_indices = future.has_canonical_format = False
    parts = [da.from_array(part, chunks=part.shape, asarray=False) for part in futures]
    model = engine.model().fit(
        da.concatenate(parts), da.from_array(y, chunks=400), **engine.silent
    )
    assert_allclose(
        model.predict_proba(da.concatenate(parts)).compute(),
        model.predict_proba(X),
        rtol=1e-6,
    )
    assert roc_auc_score(y == "spam", model.predict_proba(X)[:, 1]) > 0.9


def make_frame(n=900):
    X, y, weight = make_data(n)
    names = np.array(["north", "east", "south"])
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(6)])
    shifted = np.searchsorted([-1.0, 1.0], X[:, 0] + (y == "spam"))
    frame["area"] = pd.Categorical(names[shifted], categories=names)
    return frame, pd.Series(y, name="label"), pd.Series(weight)


@each_engine
def test_frames_with_categories(engine):
    frame, y, weight = make_frame()
    collections = [dd.from_pandas(part, npartitions=3) for part in (frame, y, weight)]
    # An own index of the labels doesn't matter, nor do their partitions.
    collections[1] = dd.from_pandas(y.set_axis(range(5, 905)), npartitions=2)
    model, expected = fit_both(
        engine, frame, y, weight, collections, **engine.categories
    )
    assert_same_problem(model, expected)
    assert_array_equal(model.feature_names_in_, frame.columns)
    proba = model.predict_proba(collections[0])
    assert isinstance(proba, da.Array)
    assert_allclose(proba.compute(), model.to_local().predict_proba(frame), rtol=1e-6)
    labels = model.predict(collections[0]).compute()
    assert_array_equal(labels, model.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(collections[0].rename(columns={"f0": "g0"}))


@each_engine
def test_unknown_categories_are_refused(engine):
    frame, y, _ = make_frame()
    text = dd.from_pandas(frame.astype({"area": object}), npartitions=2)
    unknown = text.astype({"area": "category"})
    with pytest.raises(ValueError, match=r"X must have categories .* \['area'\]"):
        engine.model(**engine.categories).fit(unknown, dd.from_pandas(y, npartitions=2))


@each_engine
@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_by_all_validation_rows(engine, n_classes):
    X, y, weight = make_data(n_classes=n_classes)
    X_val, y_val, weight_val = make_data(600, n_classes, seed=0)
    X_val = X_val + np.random.default_rng(1).normal(size=X_val.shape)
    weight_val += 0.25
    # One chunk is at one worker only, and small ones are no fair share.
    for chunks in ((600,), (500, 70, 30)):
        X_c, y_c, w_c = on_dask(X_val, y_val, weight_val, chunks=chunks)
        model = engine.model(**engine.stop_early).fit(
            *on_dask(X, y, weight), X_val=X_c, y_val=y_c, sample_weight_val=w_c,
            **engine.silent,
        )  # fmt: skip
        scores = model.evals_result_[engine.valid][engine.metric]
        assert all(type(score) is float for score in scores)
        best = int(np.argmin(scores))
        assert model.n_iter_ == best + 1 <= len(scores) - 3 < 197
        # The scores came before the shift.
        raw = model.decision_function(X_val) - model.calibration_shift_
        codes = np.searchsorted(model.classes_, y_val)
        value = engine.score(model.loss_, codes, raw, weight_val)
        assert_allclose(scores[best], value, rtol=2e-5)


@each_engine
@pytest.mark.parametrize("n_classes", [2, 3])
def test_workers_with_rows_of_one_kind(engine, n_classes, client):
    """One has only rows to train on, the other only rows to validate on."""
    X, y, weight = make_data(n_classes=n_classes)
    first, second = sorted(client.scheduler_info()["workers"])
    X_c, y_c, w_c = placed(client, [X], [y], [weight], workers=[first])
    X_v, y_v, w_v = placed(client, [X], [y], [weight], workers=[second])
    model = engine.model().fit(
        X_c, y_c, w_c, X_val=X_v, y_val=y_v, sample_weight_val=w_v, **engine.silent
    )
    raw = model.decision_function(X) - model.calibration_shift_
    value = engine.score(model.loss_, np.searchsorted(model.classes_, y), raw, weight)
    scores = model.evals_result_[engine.valid][engine.metric]
    assert_allclose(scores[-1], value, rtol=2e-5)
    assert value < scores[0]


def mean_error(y_true, y_proba, sample_weight=None):
    return np.average(np.abs(y_true - y_proba), weights=sample_weight) ** 2


def lightgbm_error(y_true, y_proba, weight):
    return "squared", mean_error(y_true, y_proba, weight), False


@pytest.mark.parametrize("link", ["posterior", "focal"])
@each_engine
def test_metrics_see_the_rows_of_all_workers(engine, link):
    X, y, weight = make_data()
    X_c, y_c, w_c = on_dask(X, y, weight + 0.25, chunks=880)
    lightgbm = engine.name == "lightgbm"
    function = lightgbm_error if lightgbm else mean_error
    metrics = ["auc", "binary_logloss" if lightgbm else "logloss", function]
    words = {} if lightgbm else {"eval_metric": metrics}
    of_fit = {"eval_metric": metrics} if lightgbm else engine.silent
    model = engine.model(focal_link=link, **words).fit(
        X_c, y_c, X_val=X_c, y_val=y_c, sample_weight_val=w_c, **of_fit
    )
    raw = model.decision_function(X) - model.calibration_shift_
    proba = model.loss_.predict_proba(raw)[:, 1]
    of_rows = y == "spam", proba, weight + 0.25
    scores = model.evals_result_[engine.valid]
    found = [scores[name][-1] for name in (metrics[0], metrics[1])]
    assert_allclose(
        found[1], log_loss(*of_rows[:2], sample_weight=of_rows[2]), rtol=1e-5
    )
    if lightgbm:
        # XGBoost's is a mean over workers, as it says itself.
        auc = roc_auc_score(*of_rows[:2], sample_weight=of_rows[2])
        assert_allclose(found[0], auc, rtol=1e-5)
    value = scores["squared" if lightgbm else "mean_error"][-1]
    assert_allclose(value, mean_error(*of_rows), rtol=1e-5)


@each_engine
def test_predictions_are_lazy_and_of_one_thread_per_task(engine, client):
    X, y, _ = make_data()
    model = engine.model(n_jobs=2).fit(*on_dask(X, y), **engine.silent)
    # Something that can't be computed.
    never = da.from_array(X, chunks=(300, -1)).map_blocks(fail, meta=X[:0])
    for method, shape in [
        ("decision_function", (900,)),
        ("predict_proba", (900, 2)),
        ("predict_log_proba", (900, 2)),
        ("predict", (900,)),
    ]:
        lazy = getattr(model, method)(never)
        assert isinstance(lazy, da.Array)
        here = getattr(model, method)(X)
        assert (lazy.shape, lazy.dtype) == (shape, here.dtype)
        with pytest.raises(ZeroDivisionError):
            lazy.compute()
        there = getattr(model, method)(da.from_array(X, chunks=(300, 4)))
        assert_array_equal(there.compute(), here)
    sent = model._at_workers(model.to_local()).result()
    assert sent.get_params()["n_jobs"] == 1
    assert model.get_params()["n_jobs"] == model.to_local().get_params()["n_jobs"] == 2

    class Threads:
        def predict(self, X):
            return np.full(len(X), threads.max_threads())

    found = client.submit(_predict_block, X, Threads(), "predict", {}, X[:0])
    assert set(found.result()) == {1}


def fail(block):
    raise ZeroDivisionError


class CountsThreads:
    def _native(self, raw, data):
        return threads.max_threads(), data.get_label(), data.get_weight()


def test_objectives_keep_to_the_threads_of_their_worker(client):
    objective = ObjectiveAtWorker(CountsThreads())
    assert client.submit(objective, 3, 0, 4, pure=False).result() == (1, 3, 4)
    assert threads.max_threads() >= 1


@each_engine
def test_words_of_predictions(engine):
    X, y, _ = make_data()
    collection, labels = on_dask(X, y)
    model = engine.model().fit(collection, labels, **engine.silent)
    words = (
        {"num_iteration": 3}
        if engine.name == "lightgbm"
        else {"iteration_range": (0, 3)}
    )
    assert_array_equal(
        model.predict_proba(collection, **words).compute(),
        model.predict_proba(X, **words),
    )
    offset = "init_score" if engine.name == "lightgbm" else "base_margin"
    with pytest.raises(ValueError, match=f"{offset} must be None for dask coll"):
        model.predict_proba(collection, **{offset: np.zeros(900)})


@each_engine
def test_the_local_classifier_and_its_file(engine, tmp_path):
    X, y, weight = make_data(n_classes=3)
    model = engine.model(focal_alpha="balanced").fit(
        *on_dask(X, y, weight), **engine.silent
    )
    local = model.to_local()
    assert type(local) is engine.local_class
    assert_array_equal(local.predict_proba(X), model.predict_proba(X))
    path = tmp_path / "model.json"
    local.booster_.save_model(path)
    restored = engine.local_class.from_booster(path)
    assert_array_equal(restored.predict(X), model.predict(X))
    assert_allclose(restored.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    loss = model.loss_
    assert restored.loss_ == loss
    assert loss.alpha is not None


@each_engine
def test_clones_keep_the_client_and_pickles_do_not(engine, client):
    X, y, _ = make_data()
    model = engine.model(client=client, focal_gamma=1.5)
    cloned = clone(model)
    assert cloned.client is client
    assert cloned.get_params() == model.get_params()
    model.fit(*on_dask(X, y), **engine.silent)
    restored = pickle.loads(pickle.dumps(model))
    assert restored.client is None
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert restored.set_params(n_estimators=3).get_params()["n_estimators"] == 3


@each_engine
def test_without_focus_the_trees_are_those_of_the_log_loss(engine):
    """With few distinct values the bins don't depend on the blocks."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, size=(800, 3)).astype(float)
    y = (rng.random(800) < expit(X[:, 0] - X[:, 1] * X[:, 2] / 3)).astype(int)
    words = {"focal_gamma": 0.0, "focal_hessian": "expected"}
    model, expected = fit_both(engine, X, y, **words)
    assert model.calibration_shift_ == 0.0
    assert_allclose(
        model.predict_proba(X), expected.predict_proba(X), rtol=2e-4, atol=2e-5
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_dart_of_one_block_is_that_of_a_single_machine(n_classes):
    """LightGBM's scores of the training data would drop trees."""
    engine = ENGINES[0]
    X, y, _weight = make_data(n_classes=n_classes)
    words = {"boosting_type": "dart", "drop_rate": 0.5, "skip_drop": 0.0}
    collections = on_dask(X, y, chunks=len(y))
    model, expected = fit_both(engine, X, y, collections=collections, **words)
    raw = model.decision_function(X)
    assert_allclose(raw, expected.decision_function(X), rtol=1e-10)
    assert_balanced(model, X, y)
