"""FocalXGBClassifier. What scikit-learn asks of every classifier: test_common.py."""

import copy
import json
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
import xgboost as xgb
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit, softmax
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

from skfocal import FocalLoss, FocalXGBClassifier
from skfocal.xgboost import FocalMetric, FocalObjective


def table(n_classes=2, n=600, seed=0):
    return make_classification(
        n, 6, n_informative=4, n_classes=n_classes, flip_y=0.1, random_state=seed
    )


def classifier(**words):
    return FocalXGBClassifier(**{"n_estimators": 15, "n_jobs": 1} | words)


def plain(**words):
    return xgb.XGBClassifier(**{"n_estimators": 15, "n_jobs": 1} | words)


def link(raw):
    return expit(raw) if raw.ndim == 1 else softmax(raw, axis=1)


# -- the constructor -------------------------------------------------------------------


def test_every_word_of_xgboosts_classifier_has_its_name_and_default():
    own, theirs = FocalXGBClassifier().get_params(), xgb.XGBClassifier().get_params()
    assert theirs.pop("objective") == "binary:logistic"
    assert own.pop("objective") is None
    nan = own.pop("missing"), theirs.pop("missing")
    assert np.isnan(nan).all()
    assert {name: own[name] for name in theirs} == theirs
    assert set(own) - set(theirs) == {"focal_gamma", "focal_alpha"}


def test_every_word_of_fit():
    own = FocalXGBClassifier.fit.__code__.co_varnames
    for name in (
        *("X", "y", "sample_weight", "base_margin", "eval_set", "verbose"),
        *("xgb_model", "sample_weight_eval_set", "base_margin_eval_set"),
        *("feature_weights", "X_val", "y_val", "sample_weight_val"),
    ):
        assert name in own


def test_further_words_are_parameters():
    model = classifier(max_cached_hist_node=100, eta=0.5)
    assert model.get_params()["eta"] == 0.5
    assert clone(model).get_params(deep=False).keys() == model.get_params().keys()
    model.set_params(eta=0.1, focal_gamma=1.0, max_depth=2, seed_per_iteration=True)
    words = model.get_params()
    assert [words[n] for n in ("eta", "focal_gamma", "max_depth")] == [0.1, 1.0, 2]


def test_set_params_leaves_a_clone_alone():
    model = classifier(eta=0.1)
    copy.copy(model).set_params(eta=0.7)
    assert model.get_params()["eta"] == 0.1


@pytest.mark.parametrize(
    ("words", "path", "expected"),
    [
        ({"max_depth": 3}, "tree_train_param/max_depth", "3"),
        ({"gamma": 0.25}, "tree_train_param/gamma", "0.25"),
        ({"reg_alpha": 0.5}, "tree_train_param/alpha", "0.5"),
        ({"eta": 0.5}, "tree_train_param/learning_rate", "0.5"),
    ],
)
def test_words_reach_the_engine(words, path, expected):
    model = classifier(**words).fit(*table())
    found = re.findall(
        f'"{path.split("/")[1]}":"([^"]*)"', model.booster_.save_config()
    )
    assert expected in found


def test_gamma_zero_trains_like_the_built_in_loss():
    X, y = table()
    proba = classifier(focal_gamma=0.0, n_estimators=50).fit(X, y).predict_proba(X)
    expected = plain(n_estimators=50, max_delta_step=2).fit(X, y).predict_proba(X)
    assert abs(log_loss(y, proba) / log_loss(y, expected) - 1) < 0.15


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_training_by_hand(n_classes, weighted):
    X, y = table(n_classes)
    # Where a class is rare, bounded and absolute Newton weights differ.
    rare = (y == 1) & (np.arange(len(y)) % 20 > 0)
    X, y = X[~rare], y[~rare]
    weight = np.random.default_rng(0).uniform(0.2, 5.0, len(y)) if weighted else None
    objective = FocalObjective(2.0)
    start = objective.loss.fit_intercept_only(y, weight)
    words = {"nthread": 1, "objective": "binary:logistic"}
    if n_classes > 2:
        words |= {"objective": "multi:softprob", "num_class": n_classes}
    words["base_score"] = float(expit(start)) if n_classes == 2 else start.tolist()
    data = xgb.QuantileDMatrix(X, y, weight=weight)
    booster = xgb.train(words, data, 15, obj=objective)
    expected = booster.predict(data, output_margin=True)
    got = classifier().fit(X, y, weight).decision_function(X)
    assert got.dtype == np.float64
    assert_allclose(got, expected, rtol=0, atol=1e-4)


def test_number_of_rounds():
    assert FocalXGBClassifier(max_depth=1).fit(*table()).n_iter_ == 100
    assert classifier(num_parallel_tree=3, subsample=0.5).fit(*table()).n_iter_ == 15


def test_number_of_threads():
    for words, expected in [
        ({"n_jobs": 2}, "2"),
        ({"n_jobs": None, "nthread": 1}, "1"),
    ]:
        model = classifier(**words).fit(*table())
        config = json.loads(model.booster_.save_config())
        assert config["learner"]["generic_param"]["nthread"] == expected


def test_random_state_decides_the_subsamples():
    X, y = table()

    def predict(state):
        return classifier(random_state=state, subsample=0.5).fit(X, y).predict_proba(X)

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
    restored = FocalXGBClassifier.from_booster(model.booster_)
    assert_array_equal(restored.predict(X), model.predict(X))
    assert restored.classes_.dtype == model.classes_.dtype


@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_of_weight_zero_do_not_count(n_classes):
    X, y = table(n_classes)
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    kept = weight > 0
    got = classifier().fit(X, y, sample_weight=weight).decision_function(X)
    expected = classifier().fit(X[kept], y[kept], np.ones(kept.sum()))
    assert_array_equal(got, expected.decision_function(X))


@pytest.mark.parametrize("tree_method", ["hist", "exact"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_weight_of_three_is_a_row_three_times(n_classes, tree_method):
    X, y = table(n_classes, n=300)
    times = np.arange(len(y)) % 4 + 1
    words = {"tree_method": tree_method, "max_bin": 1000, "min_child_weight": 0}
    weighted = classifier(**words).fit(X, y, times)
    repeated = classifier(**words).fit(np.repeat(X, times, 0), np.repeat(y, times))
    # scikit-learn's own check of this has fifteen rows.
    assert_allclose(
        weighted.decision_function(X), repeated.decision_function(X), rtol=1e-7
    )


def test_scale_pos_weight_multiplies_the_weights_of_the_second_class():
    X, y = table()
    labels = np.array(["no", "yes"])[y]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for own in (None, weight):
        got = classifier(scale_pos_weight=3.0).fit(X, labels, own)
        ones = np.ones(len(y)) if own is None else own
        expected = classifier().fit(X, y, ones * np.where(y == 1, 3.0, 1.0))
        assert_array_equal(got.decision_function(X), expected.decision_function(X))


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (None, None),
        (0.25, 0.25),
        ({"b": 3.0}, (1.0, 3.0)),
        ([2.0, 5.0], (2.0, 5.0)),
        ("balanced", (0.625, 2.5)),
    ],
)
def test_alpha_by_label(alpha, expected):
    X = np.arange(20.0)[:, None]
    y = np.array(["a"] * 16 + ["b"] * 4)
    model = classifier(focal_alpha=alpha).fit(X, y)
    assert model.loss_ == FocalLoss(2.0, expected)
    assert FocalXGBClassifier.from_booster(model.booster_).loss_ == model.loss_


@pytest.mark.parametrize("n_classes", [2, 3])
def test_alpha_moves_decisions_and_not_probabilities(n_classes):
    X, y = table(n_classes, n=4000)
    train, test = slice(2000), slice(2000, None)
    alpha = np.r_[np.ones(n_classes - 1), 5.0]
    costly = classifier(focal_alpha=alpha, max_depth=4).fit(X[train], y[train])
    neutral = classifier(max_depth=4).fit(X[train], y[train])
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
    model = classifier(focal_gamma=gamma, n_estimators=5, max_depth=3).fit(X, y)
    probable = model.predict_proba(X).argmax(axis=1)
    assert_array_equal(model.predict(X), probable)
    raw = model.decision_function(X)
    largest = (raw > 0) if n_classes == 2 else raw.argmax(axis=1)
    assert (largest != probable).any()


# -- the model -------------------------------------------------------------------------

MODES = [
    {},
    {"tree_method": "approx"},
    {"tree_method": "exact"},
    {"booster": "dart", "rate_drop": 0.3},
    {"subsample": 0.5, "num_parallel_tree": 2},
    {"grow_policy": "lossguide", "max_leaves": 5},
    {"booster": "gblinear"},
    {"multi_strategy": "multi_output_tree"},
]


@pytest.mark.parametrize("ending", ["json", "ubj"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("words", MODES, ids=str)
def test_saved_model_holds_start_link_and_loss(tmp_path, words, n_classes, ending):
    X, y = table(n_classes)
    model = classifier(focal_alpha="balanced", **words).fit(X, y)
    raw = model.decision_function(X)
    path = tmp_path / f"model.{ending}"
    model.booster_.save_model(path)
    loaded, data = xgb.Booster(model_file=path), xgb.DMatrix(X)
    assert_array_equal(loaded.predict(data, output_margin=True), raw)
    assert_allclose(loaded.predict(data), link(raw), rtol=1e-5, atol=1e-7)
    wrapper = plain()
    wrapper.load_model(path)
    proba = wrapper.predict_proba(X)
    assert_allclose(proba[:, 1:], np.c_[link(raw)][:, -(n_classes - 1) :], atol=1e-6)
    if "multi_strategy" not in words or n_classes == 2:
        contributions = loaded.predict(data, pred_contribs=True)
        assert_allclose(contributions.sum(axis=-1), raw, rtol=1e-4, atol=1e-4)
    restored = FocalXGBClassifier.from_booster(path)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert_array_equal(restored.predict(X), model.predict(X))
    assert_allclose(restored.initial_score_, model.initial_score_)
    assert (restored.loss_, restored.n_iter_) == (model.loss_, model.n_iter_)
    assert clone(restored).get_params()["focal_gamma"] == 2.0


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("tree_method", ["hist", "exact"])
def test_training_starts_at_the_focal_optimum(n_classes, tree_method):
    X, y = table(n_classes)
    rare = (y == 1) & (np.arange(len(y)) % 20 > 0)
    X, y = X[~rare], y[~rare]
    words = {"learning_rate": 1e-9, "n_estimators": 1, "tree_method": tree_method}
    model = classifier(**words).fit(X, y)
    raw = model.decision_function(X)
    expected = np.broadcast_to(FocalLoss(2.0).fit_intercept_only(y), raw.shape)
    assert_allclose(raw, expected, atol=1e-6)
    assert_allclose(model.initial_score_, expected[0], atol=1e-12)
    prior = np.bincount(y) / len(y)
    assert_allclose(model.predict_proba(X), np.tile(prior, (len(y), 1)), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_pickle_and_joblib_are_exact(tmp_path, n_classes):
    X, y = table(n_classes)
    model = classifier(max_bin=31, eta=0.5).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    copies = [pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    for copied in [*copies, joblib.load(tmp_path / "model")]:
        assert_array_equal(copied.predict_proba(X), model.predict_proba(X))
        assert repr(copied.get_params()) == repr(model.get_params())


def test_a_restored_classifier_knows_what_is_missing_and_named():
    X, y = frame()
    model = classifier(enable_categorical=True, missing=-1.0)
    X = X.assign(age=X["age"].fillna(-1.0))
    model.fit(X, y)
    restored = FocalXGBClassifier.from_booster(model.booster_)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert_array_equal(restored.feature_names_in_, X.columns)
    assert (restored.missing, restored.enable_categorical) == (-1.0, True)
    with pytest.raises(ValueError, match="feature names"):
        restored.predict(X[["colour", "size", "age"]])
    with pytest.raises(ValueError, match="X has 2 features"):
        FocalXGBClassifier.from_booster(classifier().fit(*table()).booster_).predict(
            X[["size", "age"]].to_numpy()
        )


def test_save_and_load_under_xgboosts_names(tmp_path):
    X, y = table(3)
    labels = np.array(["a", "b", "c"])[y]
    model = classifier(focal_gamma=1.0, focal_alpha=[1, 2, 3]).fit(X, labels)
    model.save_model(tmp_path / "model.json")
    other = classifier(max_depth=2)
    other.load_model(tmp_path / "model.json")
    assert_array_equal(other.predict(X), model.predict(X))
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert (other.max_depth, other.focal_gamma) == (2, 1.0)
    assert other.get_booster() is other.booster_
    assert_array_equal(other.apply(X), model.apply(X))
    assert model.apply(X, iteration_range=(0, 2)).shape == (len(y), 6)


def test_a_model_of_another_kind_makes_no_classifier():
    X, y = table()
    message = "booster must come from a FocalXGBClassifier"
    with pytest.raises(ValueError, match=message):
        FocalXGBClassifier.from_booster(plain().fit(X, y).get_booster())
    with pytest.raises(TypeError, match="booster must be a path, a Booster or"):
        FocalXGBClassifier.from_booster(3)


def test_labels_that_no_file_can_hold_leave_the_rest_of_the_model():
    X, y = table()
    labels = np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]")[y]
    model = classifier().fit(X, labels)
    assert_array_equal(model.predict(X), labels[0] + (model.predict(X) - labels[0]))
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    with pytest.raises(ValueError, match="numbers, booleans or strings"):
        FocalXGBClassifier.from_booster(model.booster_)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_goes_on_from_a_model(tmp_path, n_classes):
    X, y = table(n_classes)
    first = classifier(n_estimators=10).fit(X, y)
    first.booster_.save_model(tmp_path / "model.ubj")
    before = first.decision_function(X)
    expected = classifier(n_estimators=20).fit(X, y).decision_function(X)
    for start in (first, first.booster_, tmp_path / "model.ubj"):
        model = classifier(n_estimators=10).fit(X, y, xgb_model=start)
        assert_allclose(model.decision_function(X), expected, atol=1e-4)
        assert model.n_iter_ == 20
        assert np.all(model.initial_score_ == 0.0)
        head = model.decision_function(X, iteration_range=(0, 10))
        assert_array_equal(head, before)
    assert_array_equal(first.decision_function(X), before)


@pytest.mark.parametrize("base_score", [None, 0.9])
def test_going_on_starts_at_the_best_round_and_does_not_move_the_old_model(base_score):
    X, X_val, y, y_val = split()
    words = {"n_estimators": 200, "learning_rate": 0.5, "early_stopping_rounds": 3}
    first = plain(**words, eval_metric="logloss")
    first.fit(X, y, eval_set=[(X_val, y_val)], verbose=False)
    best = first.best_iteration + 1
    assert best < first.get_booster().num_boosted_rounds()
    model = classifier(n_estimators=4, base_score=base_score)
    model.fit(X, y, xgb_model=first)
    assert model.n_iter_ == best + 4
    assert_array_equal(
        model.decision_function(X, iteration_range=(0, best)),
        first.predict(X, output_margin=True),
    )


def test_xgb_model_of_another_kind():
    X, y = table()
    with pytest.raises(TypeError, match="xgb_model must be a path, a Booster or a"):
        classifier().fit(X, y, xgb_model=3)
    with pytest.raises(NotFittedError):
        classifier().fit(X, y, xgb_model=classifier())
    message = r"xgb_model must have the classes \['a', 'b'\] of y, got \[0, 1\]"
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, np.array(["a", "b"])[y], xgb_model=classifier().fit(X, y))


def test_iterations_can_be_chosen():
    X, y = table()
    model = classifier().fit(X, y)
    rounds = {"iteration_range": (0, 1)}
    raw = model.decision_function(X, **rounds)
    assert not np.allclose(raw, model.decision_function(X))
    proba = model.predict_proba(X, **rounds)
    assert_array_equal(proba, model.loss_.predict_proba(raw))
    assert_allclose(model.predict_log_proba(X, **rounds), np.log(proba))
    assert_array_equal(model.predict(X, **rounds), (raw > 0).astype(int))
    assert_array_equal(model.predict(X, output_margin=True, **rounds), raw)
    assert model.best_iteration_ is None
    assert model.best_score_ is None


@pytest.mark.parametrize("n_classes", [2, 3])
def test_base_margin_is_a_start_that_the_model_does_not_hold(n_classes):
    X, y = table(n_classes)
    offset = classifier(n_estimators=5).fit(X, y).decision_function(X)
    model = classifier(n_estimators=10).fit(X, y, base_margin=offset)
    assert np.all(model.initial_score_ == 0.0)
    expected = classifier(n_estimators=15).fit(X, y).decision_function(X)
    assert_allclose(model.decision_function(X) + offset, expected, atol=1e-4)
    given = model.decision_function(X, base_margin=offset)
    assert_allclose(given, expected, atol=1e-4)
    proba = model.predict_proba(X, base_margin=offset)
    assert_array_equal(proba, model.loss_.predict_proba(given))
    assert_array_equal(
        model.predict(X, base_margin=offset), model.classes_[np.argmax(proba, axis=1)]
    )


@pytest.mark.parametrize(
    ("n_classes", "base_score", "start"),
    [
        (2, 0.9, logit(0.9)),
        (3, 0.5, [0.5] * 3),
        (3, [0.1, 0.2, -0.3], [0.1, 0.2, -0.3]),
    ],
)
def test_base_score_is_the_start_that_the_user_chose(n_classes, base_score, start):
    X, y = table(n_classes)
    words = {"learning_rate": 1e-9, "n_estimators": 1}
    model = classifier(base_score=base_score, **words).fit(X, y)
    raw = model.decision_function(X)
    assert_allclose(raw, np.broadcast_to(start, raw.shape), atol=1e-6)
    assert_allclose(model.initial_score_, start)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n", [4, 30])
@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_constant_missing_and_tiny_data_train(n_classes, n, fill):
    y = np.arange(n) % n_classes
    X = np.full((n, 2), fill)
    model = classifier().fit(X, y)
    prior = np.bincount(y) / n
    assert_allclose(model.predict_proba(X), np.tile(prior, (n, 1)), atol=1e-5)
    X = np.arange(2.0 * n).reshape(n, 2)
    assert np.isfinite(classifier().fit(X, y).predict_proba(X)).all()


def test_metrics_are_printed_only_if_asked_for(capfd):
    X, X_val, y, y_val = split()
    words = {"X_val": X_val, "y_val": y_val}
    classifier().fit(X, y, verbose=False, **words)
    assert capfd.readouterr() == ("", "")
    classifier().fit(X, y, verbose=5, **words)
    assert capfd.readouterr().out.count("validation_0-focal_loss") == 4


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("booster", ["gbtree", "gblinear"])
def test_importances(n_classes, booster):
    X, y = table(n_classes)
    for kind in (None, "weight"):
        words = {"booster": booster, "importance_type": kind}
        got = classifier(**words).fit(X, y).feature_importances_
        expected = plain(**words).fit(X, y).feature_importances_
        assert got.shape == expected.shape
        assert got.sum() == pytest.approx(1.0)
    constant = classifier().fit(X * 0, y)
    assert_array_equal(constant.feature_importances_, np.zeros(6))


def test_device_is_handed_on(capfd):
    X, y = table()
    model = classifier(device="cpu").fit(X, y)
    assert_array_equal(model.predict_proba(X), classifier().fit(X, y).predict_proba(X))


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


@pytest.mark.parametrize("tree_method", ["hist", "approx"])
def test_pandas_categories_and_missing_values(tree_method):
    X, y = frame()
    model = classifier(enable_categorical=True, tree_method=tree_method).fit(X, y)
    assert_array_equal(model.feature_names_in_, ["size", "colour", "age"])
    assert model.booster_.feature_types == ["float", "c", "float"]
    assert model.score(X, y) > 0.9
    recoded = X.assign(
        colour=X["colour"].cat.reorder_categories(["red", "green", "blue"])
    )
    assert_array_equal(model.predict_proba(recoded), model.predict_proba(X))
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict_proba(recoded), model.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["colour", "size", "age"]])
    fitted = model.fit(X, y, eval_set=[(recoded, y)], verbose=False)
    constant = np.full(len(y), fitted.initial_score_)
    expected = fitted.loss_(y, fitted.decision_function(X)) / fitted.loss_(y, constant)
    got = fitted.evals_result_["validation_0"]["focal_loss"][-1]
    assert got == pytest.approx(expected, abs=2e-6)


def test_going_on_codes_categories_as_the_model_did():
    X, y = frame()
    recoded = X.assign(
        colour=X["colour"].cat.reorder_categories(["red", "green", "blue"])
    )
    first = classifier(enable_categorical=True).fit(X, y)
    models = [
        classifier(enable_categorical=True).fit(data, y, xgb_model=first)
        for data in (X, recoded)
    ]
    assert_allclose(*(m.predict_proba(X) for m in models), rtol=1e-6)


def test_categories_need_the_word():
    X, y = frame()
    with pytest.raises(ValueError, match="enable_categorical"):
        classifier().fit(X, y)


def test_feature_types_of_an_array():
    X, y = frame()
    codes = X.assign(colour=X["colour"].cat.codes).to_numpy(dtype=float)
    words = {"enable_categorical": True, "feature_types": ["q", "c", "q"]}
    model = classifier(**words).fit(codes, y)
    expected = classifier(enable_categorical=True).fit(X, y)
    assert_array_equal(model.predict_proba(codes), expected.predict_proba(X))
    restored = FocalXGBClassifier.from_booster(model.booster_)
    assert_array_equal(restored.predict_proba(codes), model.predict_proba(codes))


def test_rows_of_weight_zero_leave_a_table_too():
    X, y = frame()
    weight = (np.arange(len(y)) % 2).astype(float)
    got = classifier(enable_categorical=True).fit(X, y, weight)
    ones = np.ones(len(y) // 2)
    expected = classifier(enable_categorical=True).fit(X[1::2], y[1::2], ones)
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


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
def test_sparse(kind):
    X, y = table()
    X = np.where(abs(X) < 0.5, 0.0, X)
    sparse = getattr(scipy.sparse, kind)(X)
    got = classifier().fit(sparse, y).predict_proba(sparse)
    # XGBoost takes what a sparse matrix doesn't hold as missing.
    holes = np.where(X == 0, np.nan, X)
    assert_allclose(got, classifier().fit(holes, y).predict_proba(holes), atol=1e-6)


def test_a_value_that_means_missing():
    X, y = table()
    holes = np.where(abs(X) < 0.5, np.nan, X)
    filled = np.where(np.isnan(holes), -99.0, holes)
    got = classifier(missing=-99.0).fit(filled, y)
    expected = classifier().fit(holes, y)
    assert_array_equal(got.predict_proba(filled), expected.predict_proba(holes))


@pytest.mark.parametrize("where", ["constructor", "fit"])
def test_feature_weights_decide_what_is_drawn(where):
    X, y = table()
    weights = np.r_[np.zeros(5), 1.0]
    words = {"colsample_bynode": 0.2, "random_state": 0}
    if where == "constructor":
        model = classifier(feature_weights=weights, **words).fit(X, y)
    else:
        model = classifier(**words).fit(X, y, feature_weights=weights)
    assert_allclose(model.feature_importances_, weights)


# -- validation data -------------------------------------------------------------------


def split(n_classes=2):
    X, y = table(n_classes, n=1200)
    return train_test_split(X, y, random_state=0)


def relative_loss(loss, y, raw, weight=None):
    start = loss.fit_intercept_only(y, weight)
    constant = np.full((len(y), *np.shape(start)), start)
    return loss(y, raw, weight) / loss(y, constant, weight)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_watches_the_focal_loss(n_classes):
    X, X_val, y, y_val = split(n_classes)
    words = {"n_estimators": 300, "early_stopping_rounds": 5}
    model = classifier(**words).fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    assert {k: list(v) for k, v in model.evals_result_.items()} == {
        "validation_0": ["focal_loss"]
    }
    scores = model.evals_result()["validation_0"]["focal_loss"]
    assert 0 < model.best_iteration_ == np.argmin(scores) < 299
    assert len(scores) == model.best_iteration_ + 6
    assert model.n_iter_ == model.best_iteration_ + 1
    assert model.best_score_ == pytest.approx(min(scores))
    raw = model.decision_function(X_val)
    assert min(scores) == pytest.approx(
        relative_loss(model.loss_, y_val, raw), abs=2e-6
    )
    same = classifier(n_estimators=model.n_iter_).fit(X, y)
    assert_array_equal(same.predict_proba(X_val), model.predict_proba(X_val))
    # The model itself, in another language, has only these rounds.
    assert model.booster_.num_boosted_rounds() == model.n_iter_


def test_callback_stops_early_too():
    X, X_val, y, y_val = split()
    expected = classifier(n_estimators=300, early_stopping_rounds=5).fit(
        X, y, X_val=X_val, y_val=y_val, verbose=False
    )
    for save_best in (False, True):
        stop = xgb.callback.EarlyStopping(rounds=5, save_best=save_best)
        model = classifier(n_estimators=300, callbacks=[stop])
        model.fit(X, y, eval_set=[(X_val, y_val)], verbose=False)
        assert model.n_iter_ == expected.n_iter_
        assert_array_equal(model.predict_proba(X_val), expected.predict_proba(X_val))


@pytest.mark.parametrize("metrics", [["focal_loss", "auc"], ["auc", "focal_loss"]])
def test_early_stopping_watches_the_last_metric(metrics):
    X, X_val, y, y_val = split()
    words = {"n_estimators": 200, "early_stopping_rounds": 5, "eval_metric": metrics}
    model = classifier(**words).fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    scores = model.evals_result_["validation_0"]
    best = np.argmax(scores["auc"]), np.argmin(scores["focal_loss"])
    assert best[0] != best[1]
    assert model.best_iteration_ == best[metrics[-1] == "focal_loss"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_linear_model_is_what_the_last_round_made_of_it(n_classes):
    X, X_val, y, y_val = split(n_classes)
    words = {"booster": "gblinear", "n_estimators": 200, "learning_rate": 1.0}
    model = classifier(early_stopping_rounds=3, **words)
    model.fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    assert model.best_iteration_ is not None
    assert model.booster_.attr("best_iteration") is None
    assert np.all(model.initial_score_ == 0.0) == (n_classes == 3)
    more = classifier(booster="gblinear", n_estimators=2).fit(X, y, xgb_model=model)
    assert more.best_iteration_ is None


def test_all_ways_of_giving_validation_data_agree():
    X, X_val, y, y_val = split()
    weight = np.random.default_rng(0).uniform(size=len(y_val))
    names = np.array(["no", "yes"])
    y, y_val = names[y], names[y_val]
    words = [
        {"X_val": X_val, "y_val": y_val, "sample_weight_val": weight},
        {"eval_set": [(X_val, y_val)], "sample_weight_eval_set": [weight]},
    ]
    results = [
        classifier().fit(X, y, verbose=False, **given).evals_result_ for given in words
    ]
    assert results[0] == results[1]
    unweighted = classifier().fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    assert unweighted.evals_result_ != results[0]


def test_several_validation_sets():
    X, X_val, y, y_val = split()
    weight = np.where(y == 1, 9.0, 1.0)
    sets = [(X, y), (X_val, y_val), (X, y)]
    model = classifier().fit(
        X,
        y,
        weight,
        X_val=X_val,
        y_val=y_val,
        eval_set=sets,
        sample_weight_eval_set=[weight, None, None],
        verbose=False,
    )
    results = [model.evals_result_[f"validation_{i}"]["focal_loss"] for i in range(4)]
    assert results[1] == results[3]
    for (X_, y_), w, scores in zip(sets, (weight, None, None), results, strict=False):
        expected = relative_loss(model.loss_, y_, model.decision_function(X_), w)
        assert scores[-1] == pytest.approx(expected, abs=2e-6)


def test_validation_starts_where_its_own_base_margin_says():
    X, X_val, y, y_val = split()
    offset = np.linspace(-1, 1, len(y_val))
    model = classifier().fit(
        X, y, eval_set=[(X_val, y_val)], base_margin_eval_set=[offset], verbose=False
    )
    got = model.evals_result_["validation_0"]["focal_loss"][-1]
    raw = model.decision_function(X_val) - model.initial_score_ + offset
    assert got == pytest.approx(relative_loss(model.loss_, y_val, raw), abs=2e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_metrics_by_name_are_those_of_the_probabilities(n_classes):
    X, X_val, y, y_val = split(n_classes)
    m = "" if n_classes == 2 else "m"
    metrics = [f"{m}logloss", "auc", f"{m}error", "focal_loss"]
    weight = np.random.default_rng(0).uniform(size=len(y_val))
    model = classifier(eval_metric=metrics)
    for w in (None, weight):
        words = {"X_val": X_val, "y_val": y_val, "sample_weight_val": w}
        model.fit(X, y, verbose=False, **words)
        scores = {n: v[-1] for n, v in model.evals_result_["validation_0"].items()}
        assert set(scores) == set(metrics)
        proba = model.predict_proba(X_val)
        expected = log_loss(y_val, proba, sample_weight=w)
        assert scores[f"{m}logloss"] == pytest.approx(expected, abs=2e-6)
        expected = 1 - model.score(X_val, y_val, w)
        assert scores[f"{m}error"] == pytest.approx(expected, abs=2e-6)
    if n_classes == 2:
        auc = get_scorer("roc_auc")(model, X_val, y_val, sample_weight=weight)
        assert scores["auc"] == pytest.approx(auc, abs=1e-5)


def test_metric_of_the_users_own_gets_probabilities():
    X, X_val, y, y_val = split()
    words = {"X_val": X_val, "y_val": y_val, "verbose": False}
    seen = []

    def brier(y_true, y_proba, **more):
        seen.append(more)
        return np.average((y_true - y_proba) ** 2, weights=more.get("sample_weight"))

    model = classifier(eval_metric=[brier, FocalMetric(0.0)]).fit(X, y, **words)
    scores = model.evals_result_["validation_0"]
    proba, raw = model.predict_proba(X_val)[:, 1], model.decision_function(X_val)
    assert scores["brier"][-1] == pytest.approx(np.mean((y_val - proba) ** 2), abs=2e-6)
    expected = relative_loss(FocalLoss(0.0), y_val, raw)
    assert scores["focal_loss"][-1] == pytest.approx(expected, abs=2e-6)
    assert all(more == {} for more in seen)
    weight = np.random.default_rng(0).uniform(size=len(y_val))
    model.fit(X, y, sample_weight_val=weight, **words)
    assert_allclose(seen[-1]["sample_weight"], weight, rtol=1e-6)
    model.set_params(eval_metric=log_loss, early_stopping_rounds=3).fit(X, y, **words)
    assert list(model.evals_result_["validation_0"]) == ["log_loss"]


# -- scikit-learn's tools --------------------------------------------------------------


def test_grid_search_over_gamma_compares_probabilities():
    X, y = table()
    grid = {"focal_gamma": [0.0, 1.0, 3.0], "eta": [0.1, 0.3]}
    search = GridSearchCV(classifier(), grid, scoring="neg_log_loss", cv=3).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert scores.min() > 1.8 * scores.max()
    assert search.best_estimator_.get_params()["eta"] in (0.1, 0.3)


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
        model = classifier(early_stopping_rounds=3, n_estimators=50)
        model.set_fit_request(sample_weight=True, X_val=True, y_val=True, verbose=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model, transform_input=["X_val"])
        shifted = 100 + 7 * X, 100 + 7 * X_val
        words = {"X_val": shifted[1], "y_val": y_val, "verbose": False}
        pipeline.fit(shifted[0], y, sample_weight=weight, **words)
        fitted = pipeline[-1]
        # Had X_val not been scaled, each of its values would be far to one side.
        raw = pipeline.decision_function(shifted[1])
        expected = relative_loss(fitted.loss_, y_val, raw)
        assert fitted.best_score_ == pytest.approx(expected, abs=2e-6)
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
        ({"focal_alpha": 1.5}, "focal_alpha must be in (0, 1) if it is a float"),
        ({"focal_alpha": {7: 2.0}}, "focal_alpha must have labels from [0, 1] as keys"),
        (
            {"objective": "binary:logistic"},
            "objective must be None, for it is the focal loss, got 'binary:logistic'",
        ),
        ({"focal_gama": 1.0}, "focal_gamma and focal_alpha must be the only"),
        ({"num_class": 3}, "num_class must not be given"),
        ({"custom_metric": len}, "custom_metric must not be given"),
        ({"base_score": 1.0}, "base_score must be a probability inside (0, 1) for two"),
        ({"base_score": [0.1, 0.2]}, "base_score must be a probability inside (0, 1)"),
        ({"scale_pos_weight": -2.0}, "scale_pos_weight must be > 0 and finite"),
        ({"eval_metric": "rmse"}, "eval_metric must be one of ['auc', 'aucpr', 'error"),
        ({"eval_metric": object()}, "eval_metric must be one of ['auc', 'aucpr', 'err"),
        (
            {"eval_metric": ["auc", "auc"]},
            "eval_metric must have distinct names, got 'auc' twice",
        ),
        (
            {"early_stopping_rounds": 3},
            "early_stopping_rounds must be None without validation data in eval_set or",
        ),
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
        ({"scale_pos_weight": 2.0}, "scale_pos_weight must be None for more than two"),
        (
            {"base_score": [0.1, 0.2]},
            "base_score must be a finite number or one per cl",
        ),
        ({"base_score": np.nan}, "base_score must be a finite number or one per class"),
    ],
)
def test_parameters_of_more_classes(words, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        classifier(**words).fit(*table(3))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"sample_weight": np.zeros(600)}, "sample_weight must not be all zero"),
        ({"sample_weight": -np.ones(600)}, "sample_weight must be >= 0 and finite"),
        (
            {"eval_set": [(np.zeros((2, 6)), [0, 5])]},
            "eval_set must hold only labels from [0, 1], got [5]",
        ),
        (
            {"X_val": np.zeros((2, 6)), "y_val": [0, 5]},
            "y_val must hold only labels from [0, 1], got [5]",
        ),
        (
            {"eval_set": [(np.zeros((2, 6)), [0, 1])], "sample_weight_eval_set": []},
            "sample_weight_eval_set must have one entry per validation set (1), got 0",
        ),
        (
            {"sample_weight_eval_set": [np.ones(2)]},
            "sample_weight_eval_set must come with eval_set, got no eval_set",
        ),
        ({"eval_set": [(1, 2, 3)]}, "eval_set must hold pairs (X, y), got 3 entries"),
        ({"eval_set": [5]}, "eval_set must hold pairs (X, y), got 5"),
        ({"base_margin": np.zeros(5)}, "base_margin must have one entry per sample"),
        (
            {"base_margin": np.zeros((600, 2))},
            "base_margin must have shape (n_samples,) for two classes",
        ),
        ({"y_val": [0, 1]}, "X_val and y_val must be given together, got no X_val"),
    ],
)
def test_arrays(words, message):
    X, y = table()
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        classifier().fit(X, y, **words)


def test_feature_weights_are_given_once():
    X, y = table()
    with pytest.raises(ValueError, match="feature_weights must be given once"):
        classifier(feature_weights=np.ones(6)).fit(X, y, feature_weights=np.ones(6))


def test_one_class():
    with pytest.raises(ValueError, match=r"two classes .* got only the class \['a'\]"):
        classifier().fit(np.zeros((3, 1)), ["a"] * 3)


def test_validation_data_with_other_columns():
    X, y = table()
    with pytest.raises(ValueError, match="X has 3 features"):
        classifier().fit(X, y, X_val=X[:, :3], y_val=y)


def test_not_fitted():
    for method in ("predict", "predict_proba", "decision_function", "apply"):
        with pytest.raises(NotFittedError):
            getattr(classifier(), method)(np.zeros((1, 2)))
    for method in ("get_booster", "evals_result"):
        with pytest.raises(NotFittedError):
            getattr(classifier(), method)()


def test_a_failed_fit_leaves_an_unfitted_estimator_unfitted():
    X, y = table()

    class Fail(xgb.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            raise RuntimeError("in a callback")

    model = classifier(callbacks=[Fail()])
    with pytest.raises(RuntimeError, match="in a callback"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not [name for name in vars(model) if name.endswith("_")]
