"""FocalLGBMClassifier. What scikit-learn asks of every classifier: test_common.py."""

import copy
import pickle
import re
import warnings

import joblib
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer, log_loss, make_scorer, recall_score
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skfocal import FocalLGBMClassifier, FocalLoss
from skfocal.lightgbm import FocalMetric, FocalObjective

pytestmark = [
    # LightGBM before 4.6 calls scikit-learn by a word that 1.6 renamed.
    pytest.mark.filterwarnings("ignore:'force_all_finite' was renamed"),
    # LightGBM 4.6 names the columns of an array, which scikit-learn then misses.
    pytest.mark.filterwarnings("ignore:X does not have valid feature names, but LGBM"),
]


def table(n_classes=2, n=600, seed=0):
    return make_classification(
        n, 6, n_informative=4, n_classes=n_classes, flip_y=0.1, random_state=seed
    )


def classifier(**words):
    words = {"n_estimators": 15, "verbosity": -1, "n_jobs": 1} | words
    return FocalLGBMClassifier(**words)


def plain(**words):
    words = {"n_estimators": 15, "verbosity": -1, "n_jobs": 1} | words
    return lgb.LGBMClassifier(**words)


def link(raw):
    return expit(raw) if raw.ndim == 1 else softmax(raw, axis=1)


# -- the constructor -------------------------------------------------------------------


def test_every_word_of_lightgbms_classifier_has_its_name_and_default():
    own, theirs = FocalLGBMClassifier().get_params(), lgb.LGBMClassifier().get_params()
    assert {name: own[name] for name in theirs} == theirs
    assert set(own) - set(theirs) == {"focal_gamma", "focal_alpha"}


def test_further_words_are_parameters():
    model = classifier(max_bin=15, feature_fraction=0.5)
    assert model.get_params()["max_bin"] == 15
    assert clone(model).get_params() == model.get_params()
    model.set_params(max_bin=31, focal_gamma=1.0, min_data_per_group=5)
    words = model.get_params()
    assert (words["max_bin"], words["focal_gamma"], words["min_data_per_group"]) == (
        *(31, 1.0, 5),
    )
    assert clone(model).get_params() == words


def test_set_params_leaves_a_clone_alone():
    model = classifier(max_bin=15)
    copy.copy(model).set_params(max_bin=63)
    assert model.get_params()["max_bin"] == 15


def test_further_words_reach_the_engine():
    X, y = table()
    model = classifier(max_bin=15, num_leaves=4, seed=3).fit(X, y)
    assert model.booster_.params["max_bin"] == 15
    assert max(t["num_leaves"] for t in model.booster_.dump_model()["tree_info"]) == 4


@pytest.mark.parametrize("alias", ["num_iterations", "num_boost_round", "max_iter"])
def test_aliases_of_the_number_of_rounds(alias):
    assert classifier(**{alias: 4}).fit(*table()).n_iter_ == 4


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_labels_count_the_classes(n_classes):
    X, y = table(n_classes)
    expected = classifier().fit(X, y).decision_function(X)
    for name in ("num_class", "num_classes"):
        got = classifier(**{name: 7}).fit(X, y).decision_function(X)
        assert_array_equal(got, expected)


def test_gamma_zero_trains_like_the_built_in_loss():
    X, y = table()
    proba = classifier(focal_gamma=0.0, n_estimators=50).fit(X, y).predict_proba(X)
    expected = plain(n_estimators=50, max_delta_step=2).fit(X, y).predict_proba(X)
    assert abs(log_loss(y, proba) / log_loss(y, expected) - 1) < 0.15


@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_training_by_hand(n_classes):
    X, y = table(n_classes)
    # Where a class is rare, bounded and absolute Newton weights differ.
    rare = (y == 1) & (np.arange(len(y)) % 20 > 0)
    X, y = X[~rare], y[~rare]
    objective = FocalObjective(2.0)
    start = objective.loss.fit_intercept_only(y)
    init = np.full((len(y), *np.shape(start)), start)
    words = {"verbosity": -1, "num_threads": 1, "objective": objective}
    words |= {} if n_classes == 2 else {"num_class": n_classes}
    booster = lgb.train(words, lgb.Dataset(X, y, init_score=init), 15)
    expected = booster.predict(X) + start
    got = classifier().fit(X, y).decision_function(X)
    assert_allclose(got, expected, rtol=0, atol=1e-12)


def test_a_word_given_by_its_alias_beats_the_default_of_the_other():
    X, y = table()
    expected = classifier(min_child_samples=90).fit(X, y).decision_function(X)
    got = classifier(min_data=90).fit(X, y).decision_function(X)
    assert_array_equal(got, expected)
    assert not np.array_equal(classifier().fit(X, y).decision_function(X), expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"n_jobs": 2}, 2),
        ({"n_jobs": -1}, joblib.cpu_count()),
        ({"n_jobs": None}, joblib.cpu_count(only_physical_cores=True)),
        ({"num_threads": 3}, 3),
        ({"nthread": 3}, 3),
    ],
)
def test_number_of_threads(monkeypatch, words, expected):
    seen = {}
    train = lgb.train

    def spy(params, *args, **kwargs):
        seen.update(params)
        return train(params, *args, **kwargs)

    monkeypatch.setattr(lgb, "train", spy)
    FocalLGBMClassifier(n_estimators=2, verbosity=-1, **words).fit(*table())
    names = {"num_threads", "nthread"} & seen.keys()
    assert [seen[name] for name in names] == [expected]


def test_random_state_decides_the_subsamples():
    X, y = table()
    words = {"subsample": 0.5, "subsample_freq": 1}

    def predict(random_state):
        return classifier(random_state=random_state, **words).fit(X, y).predict_proba(X)

    assert_array_equal(predict(1), predict(1))
    assert not np.array_equal(predict(1), predict(2))
    for kind in (np.random.RandomState, np.random.default_rng):
        assert_array_equal(predict(kind(3)), predict(kind(3)))


# -- labels, weights and alpha ---------------------------------------------------------


@pytest.mark.parametrize(
    "labels", [["no", "yes"], [1, 2], [-1.0, 3.0], [False, True], ["a", "b", "c"]]
)
def test_labels_of_any_kind(labels):
    X, y = table(len(labels))
    model = classifier().fit(X, np.array(labels)[y])
    assert_array_equal(model.classes_, labels)
    expected = classifier().fit(X, y)
    assert_array_equal(model.predict(X), np.array(labels)[expected.predict(X)])
    assert model.score(X, np.array(labels)[y]) > 0.7


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_of_weight_zero_do_not_count(n_classes):
    X, y = table(n_classes)
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    kept = weight > 0
    got = classifier().fit(X, y, sample_weight=weight).decision_function(X)
    expected = classifier().fit(X[kept], y[kept], np.ones(kept.sum()))
    assert_array_equal(got, expected.decision_function(X))


def test_a_class_of_weight_zero_is_no_class():
    X, y = table(3)
    model = classifier().fit(X, y, sample_weight=(y != 1).astype(float))
    assert_array_equal(model.classes_, [0, 2])


def test_class_weight_multiplies_the_sample_weight():
    X, y = table()
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    got = classifier(class_weight={0: 1.0, 1: 3.0}).fit(X, y, weight)
    expected = classifier().fit(X, y, weight * np.where(y == 1, 3.0, 1.0))
    assert_array_equal(got.decision_function(X), expected.decision_function(X))
    balanced = classifier(class_weight="balanced").fit(X[100:], y[100:])
    prior = balanced.loss_.predict_proba([balanced.initial_score_])[0]
    assert_allclose(prior, [0.5, 0.5])


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
def test_alpha_by_label(alpha, expected):
    X = np.arange(20.0)[:, None]
    y = np.array(["a"] * 16 + ["b"] * 4)
    loss = classifier(focal_alpha=alpha).fit(X, y).loss_
    assert loss == FocalLoss(2.0, expected)


def test_balanced_alpha_counts_sample_weights():
    X, y = np.arange(20.0)[:, None], np.array([0] * 16 + [1] * 4)
    weight = np.where(y == 1, 4.0, 1.0)
    model = classifier(focal_alpha="balanced").fit(X, y, weight)
    assert model.loss_.alpha == (1.0, 1.0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_alpha_moves_decisions_and_not_probabilities(n_classes):
    X, y = table(n_classes, n=4000)
    train, test = slice(2000), slice(2000, None)
    alpha = np.r_[np.ones(n_classes - 1), 5.0]
    costly = classifier(focal_alpha=alpha, n_estimators=40).fit(X[train], y[train])
    neutral = classifier(n_estimators=40).fit(X[train], y[train])
    last = n_classes - 1
    assert (costly.predict(X[test]) == last).mean() > 1.1 * (y[test] == last).mean()
    losses = [log_loss(y[test], m.predict_proba(X[test])) for m in (costly, neutral)]
    assert losses[0] < 1.1 * losses[1]
    cost = costly.predict_proba(X[test]) * alpha
    assert_array_equal(costly.predict(X[test]), cost.argmax(axis=1))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_gamma_per_class_does_not_move_decisions(n_classes):
    X, y = table(n_classes)
    gamma = [0.5, 4.0, 1.0][:n_classes]
    model = classifier(focal_gamma=gamma, n_estimators=5).fit(X, y)
    probable = model.predict_proba(X).argmax(axis=1)
    assert_array_equal(model.predict(X), probable)
    raw = model.decision_function(X)
    largest = (raw > 0) if n_classes == 2 else raw.argmax(axis=1)
    assert (largest != probable).any()
    cost = [1.0, 7.0, 3.0][:n_classes]
    costly = classifier(focal_gamma=gamma, focal_alpha=cost, n_estimators=5).fit(X, y)
    cheapest = (costly.predict_proba(X) * cost).argmax(axis=1)
    assert_array_equal(costly.predict(X), cheapest)
    assert (cheapest != costly.predict_proba(X).argmax(axis=1)).any()


# -- the model -------------------------------------------------------------------------

MODES = [
    {},
    {"boosting_type": "dart"},
    {"data_sample_strategy": "goss"},
    {"subsample": 0.5, "subsample_freq": 1},
    {"use_quantized_grad": True},
    {"max_depth": 2, "reg_lambda": 1.0},
]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("words", MODES, ids=str)
def test_saved_model_holds_start_and_link(tmp_path, words, n_classes):
    X, y = table(n_classes)
    model = classifier(**words).fit(X, y)
    raw = model.decision_function(X)
    model.booster_.save_model(tmp_path / "model.txt")
    loaded = lgb.Booster(model_file=tmp_path / "model.txt")
    assert_allclose(loaded.predict(X, raw_score=True), raw, rtol=0, atol=1e-12)
    assert_allclose(loaded.predict(X), link(raw), rtol=0, atol=1e-12)
    contributions = loaded.predict(X, pred_contrib=True)
    if n_classes > 2:
        contributions = contributions.reshape(len(y), n_classes, -1)
    assert_allclose(contributions.sum(axis=-1), raw, rtol=0, atol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_starts_at_the_focal_optimum(n_classes):
    X, y = table(n_classes)
    model = classifier(learning_rate=1e-12, n_estimators=1).fit(X, y)
    raw = model.decision_function(X)
    expected = np.broadcast_to(FocalLoss(2.0).fit_intercept_only(y), raw.shape)
    assert_allclose(raw, expected, atol=1e-10)
    assert_allclose(model.initial_score_, expected[0], atol=1e-12)
    prior = np.bincount(y) / len(y)
    assert_allclose(model.predict_proba(X), np.tile(prior, (len(y), 1)), atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_pickle_and_joblib_are_exact(tmp_path, n_classes):
    X, y = table(n_classes)
    model = classifier(max_bin=31).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    for copied in [*copies, joblib.load(tmp_path / "model")]:
        assert_array_equal(copied.predict_proba(X), model.predict_proba(X))
        assert copied.get_params() == model.get_params()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_goes_on_from_a_model(tmp_path, n_classes):
    X, y = table(n_classes)
    first = classifier(n_estimators=10).fit(X, y)
    first.booster_.save_model(tmp_path / "model.txt")
    expected = classifier(n_estimators=20).fit(X, y).decision_function(X)
    for start in (first, first.booster_, tmp_path / "model.txt"):
        model = classifier(n_estimators=10).fit(X, y, init_model=start)
        assert_allclose(model.decision_function(X), expected, atol=1e-10)
        assert model.n_iter_ == 20
    assert_allclose(
        model.decision_function(X, num_iteration=10), first.decision_function(X)
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_going_on_with_too_few_rows_keeps_the_model(n_classes):
    X, y = table(n_classes)
    first = classifier().fit(X, y)
    model = classifier().fit(X[:12] * 0, np.arange(12) % n_classes, init_model=first)
    assert_array_equal(model.decision_function(X), first.decision_function(X))


@pytest.mark.parametrize(
    "labels",
    [["no", "yes"], [1, 2], [-1.0, 3.0], [False, True], ["a]: b", "c", "\n\u00e9"]],
)
def test_a_saved_model_alone_makes_a_classifier(tmp_path, labels):
    X, y = table(len(labels))
    model = classifier(focal_gamma=1.5, focal_alpha="balanced")
    model.fit(X, np.array(labels)[y])
    path = tmp_path / "model.txt"
    model.booster_.save_model(path)
    lgb.Booster(model_file=path).save_model(path)
    for booster in (model.booster_, path, str(path)):
        restored = FocalLGBMClassifier.from_booster(booster)
        assert_array_equal(restored.predict(X), model.predict(X))
        assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
        assert restored.classes_.dtype == model.classes_.dtype
        assert (restored.loss_, restored.n_iter_) == (model.loss_, model.n_iter_)
        assert_allclose(restored.initial_score_, model.initial_score_)
        assert clone(restored).get_params()["focal_gamma"] == 1.5
    more = classifier(n_estimators=5, focal_gamma=0.5)
    more.fit(X, np.array(labels)[y], init_model=path)
    assert FocalLGBMClassifier.from_booster(more.booster_).loss_ == FocalLoss(0.5)


def test_a_restored_classifier_knows_the_names_of_the_features():
    X, y = frame()
    model = classifier().fit(X, y)
    restored = FocalLGBMClassifier.from_booster(model.booster_)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert_array_equal(restored.feature_names_in_, X.columns)
    with pytest.raises(ValueError, match="feature names"):
        restored.predict(X[["colour", "size", "age"]])


def test_a_model_of_another_kind_makes_no_classifier():
    X, y = table()
    message = "booster must come from a FocalLGBMClassifier"
    with pytest.raises(ValueError, match=message):
        FocalLGBMClassifier.from_booster(plain().fit(X, y).booster_)
    labels = np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]")[y]
    dated = classifier().fit(X, labels)
    assert set(dated.predict(X)) == set(labels)
    with pytest.raises(ValueError, match="numbers, booleans or strings"):
        FocalLGBMClassifier.from_booster(dated.booster_)
    with pytest.raises(TypeError, match="booster must be a path, a Booster or"):
        FocalLGBMClassifier.from_booster(3)


def test_going_on_from_a_model_of_other_classes():
    X, y = table()
    first = classifier().fit(X, y)
    message = r"init_model must have the classes \['a', 'b'\] of y, got \[0, 1\]"
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, np.array(["a", "b"])[y], init_model=first)


def test_init_model_of_another_kind():
    X, y = table()
    with pytest.raises(TypeError, match="init_model must be a path, a Booster or a"):
        classifier().fit(X, y, init_model=3)
    with pytest.raises(NotFittedError):
        classifier().fit(X, y, init_model=classifier())


def test_iterations_can_be_chosen():
    X, y = table()
    model = classifier().fit(X, y)
    head = model.decision_function(X, num_iteration=1)
    tail = model.decision_function(X, start_iteration=1)
    assert_allclose(head + tail, model.decision_function(X), atol=1e-12)
    for rounds, raw in [({"num_iteration": 1}, head), ({"start_iteration": 1}, tail)]:
        proba = model.predict_proba(X, **rounds)
        assert_array_equal(proba, model.loss_.predict_proba(raw))
        assert_allclose(model.predict_log_proba(X, **rounds), np.log(proba))
        labels = model.predict(X, **rounds)
        assert_array_equal(labels, (raw > 0).astype(int))
        assert (labels != model.predict(X)).any()
    assert model.best_iteration_ == 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_init_score_is_a_start_that_the_model_does_not_hold(n_classes):
    X, y = table(n_classes)
    offset = classifier(n_estimators=5).fit(X, y).decision_function(X)
    model = classifier(n_estimators=10).fit(X, y, init_score=offset)
    assert np.all(model.initial_score_ == 0.0)
    expected = classifier(n_estimators=15).fit(X, y).decision_function(X)
    assert_allclose(model.decision_function(X) + offset, expected, atol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n", [4, 30])
@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_constant_missing_and_tiny_data_train(n_classes, n, fill):
    y = np.arange(n) % n_classes
    X = np.full((n, 2), fill)
    model = classifier().fit(X, y)
    prior = np.bincount(y) / n
    assert_allclose(model.predict_proba(X), np.tile(prior, (n, 1)), atol=1e-9)
    assert_allclose(model.booster_.predict(X), link(model.decision_function(X)))
    X = np.arange(2.0 * n).reshape(n, 2)
    assert np.isfinite(classifier().fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_nothing_is_printed_at_verbosity_minus_one(capfd, n_classes):
    X, y = table(n_classes)
    classifier().fit(X, y, X_val=X, y_val=y)
    classifier().fit(X * 0, y)
    assert capfd.readouterr() == ("", "")


def test_importances():
    X, y = table()
    model = classifier(importance_type="gain").fit(X, y)
    assert model.feature_importances_.shape == (6,)
    assert_array_equal(
        model.feature_importances_, model.booster_.feature_importance("gain")
    )


# -- containers ------------------------------------------------------------------------


def frame(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], n)),
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )
    y = (X["size"] + (X["colour"] == "red") + rng.normal(size=n) / 4 > 0.5).to_numpy()
    return X, y


def test_pandas_categories_and_missing_values():
    X, y = frame()
    model = classifier().fit(X, y)
    assert_array_equal(model.feature_names_in_, ["size", "colour", "age"])
    assert model.booster_.feature_name() == ["size", "colour", "age"]
    assert model.score(X, y) > 0.9
    recoded = X.assign(
        colour=X["colour"].cat.reorder_categories(["red", "green", "blue"])
    )
    assert_array_equal(model.predict_proba(recoded), model.predict_proba(X))
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_proba(recoded), model.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["colour", "size", "age"]])


def test_rows_of_weight_zero_leave_a_table_too():
    X, y = frame()
    weight = (np.arange(len(y)) % 2).astype(float)
    got = classifier().fit(X, y, weight)
    expected = classifier().fit(X[1::2], y[1::2], np.ones(len(y) // 2))
    assert_array_equal(got.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_tables(library):
    module = pytest.importorskip(library)
    X, y = frame()
    numbers = X[["size", "age"]]
    if library == "polars":
        other = module.DataFrame({name: numbers[name].to_numpy() for name in numbers})
    else:
        other = module.Table.from_pandas(numbers)
    expected = classifier().fit(numbers, y)
    model = classifier().fit(other, y)
    assert_allclose(model.predict_proba(other), expected.predict_proba(numbers))
    assert_array_equal(model.feature_names_in_, ["size", "age"])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_text_columns_of_other_tables_are_refused(library):
    module = pytest.importorskip(library)
    columns = {"size": [1.0, 2.0], "colour": ["red", "blue"]}
    other = module.DataFrame(columns) if library == "polars" else module.table(columns)
    message = r"X must have numeric or boolean columns .* got \['colour'\]"
    with pytest.raises(ValueError, match=message):
        classifier().fit(other, [0, 1])


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_sparse(kind):
    X, y = table()
    X = np.where(abs(X) < 0.5, 0.0, X)
    sparse = getattr(scipy.sparse, kind)(X)
    with warnings.catch_warnings():
        # LightGBM's sparse SHAP and csc predictions say that they convert.
        warnings.filterwarnings("ignore", "Converting data to scipy sparse matrix")
        got = classifier().fit(sparse, y).predict_proba(sparse)
    assert_allclose(got, classifier().fit(X, y).predict_proba(X), atol=1e-12)


def test_categorical_feature_and_feature_name():
    X, y = frame()
    codes = X.assign(colour=X["colour"].cat.codes).to_numpy()
    words = {"feature_name": ["a", "b", "c"], "categorical_feature": ["b"]}
    model = classifier(min_child_samples=5).fit(codes, y, **words)
    assert model.booster_.feature_name() == ["a", "b", "c"]
    trees = model.booster_.trees_to_dataframe()
    assert (trees["decision_type"] == "==").any()


# -- validation data -------------------------------------------------------------------


def split(n_classes=2):
    X, y = table(n_classes, n=1200)
    return train_test_split(X, y, random_state=0)


def watched(model):
    return {name: list(scores) for name, scores in model.evals_result_.items()}


@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_watches_the_focal_loss(n_classes):
    X, X_val, y, y_val = split(n_classes)
    words = {"n_estimators": 300, "learning_rate": 0.3, "early_stopping_round": 5}
    model = classifier(**words).fit(X, y, X_val=X_val, y_val=y_val)
    assert watched(model) == {"valid_0": ["focal_loss"]}
    scores = model.evals_result_["valid_0"]["focal_loss"]
    assert 0 < model.best_iteration_ == np.argmin(scores) + 1 < 300
    assert model.n_iter_ == model.best_iteration_
    assert model.best_score_["valid_0"]["focal_loss"] == min(scores)
    assert min(scores) == pytest.approx(
        model.loss_(y_val, model.decision_function(X_val)), rel=1e-9
    )
    same = classifier(**(words | {"n_estimators": model.best_iteration_}))
    same.set_params(early_stopping_round=None).fit(X, y)
    assert_allclose(same.predict_proba(X_val), model.predict_proba(X_val))


def test_callback_stops_early_too():
    X, X_val, y, y_val = split()
    words = {"n_estimators": 300, "learning_rate": 0.3}
    expected = classifier(early_stopping_round=5, **words).fit(
        X, y, X_val=X_val, y_val=y_val
    )
    stop = lgb.early_stopping(5, verbose=False)
    model = classifier(**words).fit(X, y, eval_set=[(X_val, y_val)], callbacks=[stop])
    assert model.best_iteration_ == expected.best_iteration_


def test_all_ways_of_giving_validation_data_agree():
    X, X_val, y, y_val = split()
    weight = np.random.default_rng(0).uniform(size=len(y_val))
    names = np.array(["no", "yes"])
    y, y_val = names[y], names[y_val]
    words = [
        {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight},
        {"eval_set": [(X_val, y_val)], "eval_sample_weight": [weight]},
        {"eval_set": (X_val, y_val), "eval_sample_weight": [weight]},
        {"eval_X": X_val, "eval_y": y_val, "eval_sample_weight": [weight]},
        {"eval_X": (X_val,), "eval_y": (y_val,), "eval_sample_weight": [weight]},
    ]
    results = [classifier().fit(X, y, **given).evals_result_ for given in words]
    assert all(result == results[0] for result in results)
    unweighted = classifier().fit(X, y, X_val=X_val, y_val=y_val).evals_result_
    assert unweighted != results[0]


def test_several_validation_sets():
    X, X_val, y, y_val = split()
    sets = [(X, y), (X_val, y_val)]
    model = classifier().fit(X, y, X_val=X_val, y_val=y_val, eval_set=sets)
    assert sorted(model.evals_result_) == ["training", "valid_0", "valid_2"]
    assert model.evals_result_["valid_0"] == model.evals_result_["valid_2"]
    model.fit(X, y, eval_set=sets, eval_names=["seen", "unseen"])
    assert sorted(model.evals_result_) == ["seen", "unseen"]
    model.fit(X, y, X_val=X_val, y_val=y_val, eval_set=sets[1], eval_names="other")
    assert sorted(model.evals_result_) == ["other", "valid_0"]
    model.fit(X, y, eval_set=sets)
    model.fit(X, y, eval_set=sets, eval_class_weight=[None, {0: 1.0, 1: 9.0}])
    weighted = model.evals_result_["valid_1"]["focal_loss"][-1]
    weight = np.where(y_val == 1, 9.0, 1.0)
    expected = model.loss_(y_val, model.decision_function(X_val), weight)
    assert weighted == pytest.approx(expected)


def test_validation_starts_where_its_own_init_score_says():
    X, X_val, y, y_val = split()
    offset = np.linspace(-1, 1, len(y_val))
    model = classifier().fit(X, y, eval_set=(X_val, y_val), eval_init_score=[offset])
    got = model.evals_result_["valid_0"]["focal_loss"][-1]
    raw = model.decision_function(X_val) - model.initial_score_ + offset
    assert got == pytest.approx(model.loss_(y_val, raw))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_metrics_by_name_are_those_of_the_probabilities(n_classes):
    X, X_val, y, y_val = split(n_classes)
    prefix = "binary" if n_classes == 2 else "multi"
    rank = "auc" if n_classes == 2 else "auc_mu"
    metrics = ["logloss", rank, "error", "focal_loss"]
    model = classifier().fit(X, y, X_val=X_val, y_val=y_val, eval_metric=metrics)
    scores = {name: v[-1] for name, v in model.evals_result_["valid_0"].items()}
    expected_names = {f"{prefix}_logloss", f"{prefix}_error", rank, "focal_loss"}
    assert set(scores) == expected_names
    proba = model.predict_proba(X_val)
    assert scores[f"{prefix}_logloss"] == pytest.approx(log_loss(y_val, proba))
    assert scores[f"{prefix}_error"] == pytest.approx(1 - model.score(X_val, y_val))
    assert classifier(metric=metrics).fit(
        X, y, X_val=X_val, y_val=y_val
    ).evals_result_ == (model.evals_result_)
    silent = classifier(metric="None").fit(X, y, X_val=X_val, y_val=y_val)
    assert silent.evals_result_ == {}


def test_metric_of_the_users_own_gets_probabilities():
    X, X_val, y, y_val = split()
    seen = []

    def brier(y_true, y_proba, weight):
        seen.append(weight)
        return "brier", float(np.mean((y_true - y_proba) ** 2)), False

    model = classifier().fit(
        X, y, X_val=X_val, y_val=y_val, eval_metric=[brier, FocalMetric(0.0)]
    )
    scores = model.evals_result_["valid_0"]
    proba = model.predict_proba(X_val)[:, 1]
    assert scores["brier"][-1] == pytest.approx(np.mean((y_val - proba) ** 2))
    raw = model.decision_function(X_val)
    assert scores["focal_loss"][-1] == pytest.approx(FocalLoss(0.0)(y_val, raw))
    assert set(seen) == {None}


# -- scikit-learn's tools --------------------------------------------------------------


def test_grid_search_over_gamma_compares_probabilities():
    X, y = table()
    grid = {"focal_gamma": [0.0, 1.0, 3.0], "max_bin": [15, 255]}
    search = GridSearchCV(classifier(), grid, scoring="neg_log_loss", cv=3).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert scores.min() > 1.5 * scores.max()
    assert search.best_estimator_.get_params()["max_bin"] in (15, 255)


def test_cross_val_predict_calibration_threshold_and_bagging():
    X, y = table()
    model = classifier()
    proba = cross_val_predict(model, X, y, method="predict_proba")
    assert log_loss(y, proba) < 0.5
    assert CalibratedClassifierCV(model).fit(X, y).score(X, y) > 0.85
    tuned = TunedThresholdClassifierCV(model, scoring=make_scorer(recall_score)).fit(
        X, y
    )
    assert (tuned.predict(X) == 1).mean() >= (y == 1).mean()
    bagged = BaggingClassifier(model, n_estimators=3, random_state=0).fit(X, y)
    assert bagged.score(X, y) > 0.85


def test_metadata_routing_in_a_pipeline():
    X, X_val, y, y_val = split()
    weight = np.random.default_rng(0).uniform(size=len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier(early_stopping_round=3, n_estimators=50)
        model.set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model, transform_input=["X_val"])
        shifted = 100 + 7 * X, 100 + 7 * X_val
        pipeline.fit(shifted[0], y, sample_weight=weight, X_val=shifted[1], y_val=y_val)
        fitted = pipeline[-1]
        # Had X_val not been scaled, each of its values would be far to one side.
        assert fitted.best_score_["valid_0"]["focal_loss"] == pytest.approx(
            fitted.loss_(y_val, pipeline.decision_function(shifted[1]))
        )
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        search = GridSearchCV(
            classifier().set_fit_request(sample_weight=True),
            {"focal_gamma": [1.0, 2.0]},
            scoring=scorer,
            cv=2,
        )
        weighted = search.fit(X, y, sample_weight=weight).best_score_
        assert weighted != search.fit(X, y, sample_weight=np.ones(len(y))).best_score_


def test_set_output_in_a_pipeline():
    X, y = frame()
    pipeline = make_pipeline(StandardScaler(), classifier()).set_output(
        transform="pandas"
    )
    pipeline.fit(X[["size", "age"]], y)
    assert_array_equal(pipeline[-1].feature_names_in_, ["size", "age"])


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_gamma": -1.0}, "focal_gamma must be >= 0 and finite, got -1.0"),
        ({"focal_gamma": (1, 2, 3)}, "focal_gamma must have one entry per class (2)"),
        (
            {"focal_alpha": 1.5},
            "focal_alpha must be in (0, 1) if it is a float, got 1.5",
        ),
        ({"focal_alpha": [1, 2, 3]}, "focal_alpha must have one entry per class (2)"),
        ({"focal_alpha": "best"}, "focal_alpha must be None, a number, 'balanced', a"),
        (
            {"focal_alpha": {7: 2.0}},
            "focal_alpha must have labels from [0, 1] as keys, got [7]",
        ),
        (
            {"objective": "binary"},
            "objective must be None, for it is the focal loss, got 'binary'",
        ),
        ({"application": "binary"}, "application must not be given"),
        ({"gamma": 2.0}, "gamma must be given as focal_gamma, got gamma=2.0"),
        ({"alpha": 0.25}, "alpha must be given as focal_alpha, got alpha=0.25"),
        ({"boosting_type": "rf"}, "boosting_type must not be a random forest"),
        (
            {"boosting": "RF"},
            "boosting must not be a random forest, for",
        ),
        ({"pos_bagging_fraction": 0.5}, "pos_bagging_fraction must not be given"),
        ({"sigmoid": 2.0}, "sigmoid must not be given"),
        (
            {"focal_gama": 1.0},
            "focal_gamma and focal_alpha must be the only",
        ),
        ({"class_weight": {0: -1.0}}, "class_weight must be >= 0 and finite, got -1.0"),
        (
            {"first_metric_only": True, "metric": ["logloss", "auc"]},
            "first_metric_only needs LightGBM's own metrics first",
        ),
        ({"linear_tree": True}, "linear_tree must be False"),
        ({"scale_pos_weight": 9.0}, "scale_pos_weight must not be given"),
        ({"is_unbalance": True}, "is_unbalance must not be given"),
        ({"metric": "l2"}, "eval_metric must be one of ['auc', 'auc_mu', 'average"),
    ],
)
def test_parameters(words, message):
    X, y = table()
    model = classifier().fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        model.set_params(**words).fit(X[:, :3], y)
    for name in ("booster_", "n_features_in_", "loss_", "classes_"):
        assert vars(model)[name] is before[name]
    assert model.n_features_in_ == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"sample_weight": np.zeros(600)},
            "sample_weight must not be all zero, got a sum of 0.0",
        ),
        (
            {"sample_weight": -np.ones(600)},
            "sample_weight must be >= 0 and finite, got -1.0",
        ),
        (
            {"eval_set": [(np.zeros((2, 6)), [0, 5])]},
            "eval_set must hold only labels from [0, 1], got [5]",
        ),
        (
            {"X_val": np.zeros((2, 6)), "y_val": [0, 5]},
            "y_val must hold only labels from [0, 1], got [5]",
        ),
        (
            {"X_val": np.zeros((2, 6)), "y_val": [0, 1, 1]},
            "y_val must have one entry per sample (2), got 3",
        ),
        (
            {"eval_set": [(np.zeros((2, 6)), [0, 1])], "eval_sample_weight": []},
            "eval_sample_weight must have one entry per validation set (1), got 0",
        ),
        ({"eval_set": [(1, 2, 3)]}, "eval_set must hold pairs (X, y), got an entry of"),
        (
            {"eval_X": np.zeros((2, 6))},
            "eval_X and eval_y must be given together, got no eval_y",
        ),
        (
            {"init_score": np.zeros(5)},
            "init_score must have one entry per sample (600)",
        ),
        ({"eval_metric": "l1"}, "eval_metric must be one of"),
    ],
)
def test_arrays(words, message):
    X, y = table()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        classifier().fit(X, y, **words)


def test_one_class():
    with pytest.raises(ValueError, match=r"two classes .* got only the class \['a'\]"):
        classifier().fit(np.zeros((3, 1)), ["a"] * 3)


def test_validation_data_with_other_columns():
    X, y = table()
    with pytest.raises(ValueError, match="X has 3 features"):
        classifier().fit(X, y, X_val=X[:, :3], y_val=y)


def test_not_fitted():
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(classifier(), method)(np.zeros((1, 2)))


def test_a_failed_fit_leaves_an_unfitted_estimator_unfitted():
    X, y = table()

    def fail(env):
        raise RuntimeError("in a callback")

    model = classifier()
    with pytest.raises(RuntimeError, match="in a callback"):
        model.fit(X, y, callbacks=[fail])
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not [name for name in vars(model) if name.endswith("_")]
