"""LightGBM's own tools, and other libraries', take the classifier and its model."""

import json

import lightgbm as lgb
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax

from skfocal import FocalLGBMClassifier
from tests._boosting.data import frame, recoded, table
from tests._boosting.engines import LIGHTGBM
from tests._boosting.refusals import assert_refused

pytestmark = LIGHTGBM.marks
classifier = LIGHTGBM.classifier
LINKED = [2, 3]


def model_of(n_classes, **words):
    X, y = table(n_classes)
    return classifier(**words).fit(X, y), X, y


def test_plots_take_the_classifier():
    pytest.importorskip("matplotlib").use("agg")
    X, y = table()
    model = classifier().fit(X, y, X_val=X, y_val=y)
    assert lgb.plot_importance(model).get_title() == "Feature importance"
    assert lgb.plot_metric(model, metric="focal_loss").get_ylabel() == "focal_loss"
    assert lgb.plot_split_value_histogram(model, feature=0) is not None


def test_tree_digraphs_take_the_classifier():
    pytest.importorskip("graphviz")
    model, _, _ = model_of(2)
    root = model.booster_.trees_to_dataframe()["value"][0]
    source = lgb.create_tree_digraph(model, show_info=["internal_value"]).source
    assert f"{root:.3f}" in source


@pytest.mark.parametrize("n_classes", LINKED)
def test_inner_nodes_of_the_first_trees_hold_the_start(n_classes):
    model, _, _ = model_of(n_classes)
    trees = model.booster_.trees_to_dataframe()
    start = np.atleast_1d(model.initial_score_ + model.calibration_shift_)
    roots = trees[trees["node_depth"] == 1]["value"].to_numpy()
    assert_allclose(roots[: len(start)], start, rtol=0, atol=1e-8)
    assert np.abs(roots[len(start) :]).max() < 1e-2
    # A root's value is the mean of its leaves, by their weights.
    first = trees[trees["tree_index"] == 0]
    leaves = first[first["left_child"].isna()]
    low, high = leaves["value"].min(), leaves["value"].max()
    assert low < start[0] < high


@pytest.mark.parametrize("n_classes", LINKED)
def test_all_metadata_names_the_link(n_classes, tmp_path):
    model, _X, _y = model_of(n_classes, num_leaves=5, max_bin=31)
    name = "binary" if n_classes == 2 else "multiclass"
    assert model.objective_ == name
    model.booster_.save_model(tmp_path / "model.txt")
    for booster in (model.booster_, lgb.Booster(model_file=tmp_path / "model.txt")):
        assert booster.params["objective"] == name
        assert booster.params["num_leaves"] == 5
        assert booster.params["max_bin"] == 31
        assert booster.dump_model()["objective"].startswith(name)
        assert f"[objective: {name}]" in booster.model_to_string()


@pytest.mark.parametrize("n_classes", LINKED)
def test_refit_fits_the_leaves_of_a_model_of_log_odds(n_classes):
    model, _X, _y = model_of(n_classes, n_estimators=40)
    X_new, y_new = table(n_classes, seed=5)
    refitted = model.booster_.refit(X_new, y_new, decay_rate=0.5)
    before, after = (
        model.loss_(y_new, booster.predict(X_new, raw_score=True))
        for booster in (model.booster_, refitted)
    )
    assert after < before


def test_refit_of_focal_raw_predictions_is_refused():
    model, X, y = model_of(2, focal_link="focal")
    with pytest.raises(lgb.basic.LightGBMError, match="objective function"):
        model.booster_.refit(X, y)


@pytest.mark.parametrize("name", ["a\\b", "tab\there", "naïve", 'q"uote'])
def test_any_feature_name_that_lightgbm_takes(name):
    X, y = table()
    names = [name, *"bcdef"]
    data = lgb.Dataset(X, y, feature_name=names)
    try:
        lgb.train({"verbosity": -1}, data, 2)
    except lgb.basic.LightGBMError:
        pytest.skip("LightGBM doesn't take it")
    model = classifier().fit(X, y, feature_name=names)
    expected = classifier().fit(X, y).decision_function(X)
    assert_array_equal(model.booster_.predict(X, raw_score=True), expected)


def test_given_names_of_features_are_known():
    X, y = table()
    names = list("abcdef")
    model = classifier().fit(X, y, feature_name=names)
    assert model.feature_names_in_.tolist() == names == model.feature_name_
    assert FocalLGBMClassifier.from_booster(
        model.booster_
    ).feature_names_in_.tolist() == (names)
    assert not hasattr(classifier().fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("n_classes", LINKED)
def test_onnx_gives_the_probabilities(n_classes):
    convert = pytest.importorskip("onnxmltools").convert_lightgbm
    types = pytest.importorskip("onnxmltools.convert.common.data_types")
    runtime = pytest.importorskip("onnxruntime")
    model, X, _y = model_of(n_classes)
    X = X.astype(np.float32)
    inputs = [("X", types.FloatTensorType([None, 6]))]
    converted = convert(model.booster_, initial_types=inputs, zipmap=False)
    session = runtime.InferenceSession(
        converted.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    _, proba = session.run(None, {"X": X})
    assert_allclose(proba, model.predict_proba(X), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_classes", LINKED)
def test_treelite_gives_the_probabilities(n_classes):
    treelite = pytest.importorskip("treelite")
    model, X, _y = model_of(n_classes)
    proba = treelite.gtil.predict(treelite.frontend.from_lightgbm(model.booster_), X)
    proba = proba.reshape(len(X), -1)
    expected = model.predict_proba(X)
    expected = expected[:, 1:] if n_classes == 2 else expected
    assert_allclose(proba, expected, rtol=0, atol=1e-6)


# SHAP tells of a change of its own.
@pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer")
@pytest.mark.parametrize("n_classes", LINKED)
def test_shap_explains_the_log_odds(n_classes):
    shap = pytest.importorskip("shap")
    model, X, _y = model_of(n_classes)
    explainer = shap.TreeExplainer(model)
    values = explainer.shap_values(X[:50])
    total = values.sum(axis=1) + explainer.expected_value
    assert_allclose(total, model.decision_function(X[:50]), atol=1e-6)


def test_shap_explains_the_probability():
    shap = pytest.importorskip("shap")
    model, X, _y = model_of(2)
    explainer = shap.TreeExplainer(model, X[:40], model_output="probability")
    total = explainer.shap_values(X[:20]).sum(axis=1) + explainer.expected_value
    assert_allclose(total, model.predict_proba(X[:20])[:, 1], atol=1e-6)


GAMMA_ZERO = {"focal_gamma": 0.0, "focal_hessian": "expected"}


@pytest.mark.parametrize("n_classes", LINKED)
@pytest.mark.parametrize(
    "words",
    [
        {},
        {"subsample": 0.5, "subsample_freq": 1},
        {"colsample_bytree": 0.5, "feature_fraction_bynode": 0.7},
        {"reg_alpha": 0.1, "reg_lambda": 2.0, "max_depth": 3},
    ],
)
def test_gamma_zero_grows_the_very_trees_of_the_host(n_classes, words):
    X, y = table(n_classes)
    model = classifier(**GAMMA_ZERO, **words).fit(X, y)
    host = LIGHTGBM.plain(**words).fit(X, y)
    assert model.calibration_shift_ == 0.0
    # Of several classes the host starts at the logarithms of the shares, ours at
    # their differences from the mean.
    mean = 0.0 if n_classes == 2 else np.log(np.bincount(y) / len(y)).mean()
    raw = host.predict(X, raw_score=True) - mean
    assert_allclose(model.decision_function(X), raw, atol=1e-4)
    assert splits_of(model) == splits_of(host)


@pytest.mark.parametrize("n_classes", LINKED)
def test_gamma_zero_with_dart_is_the_log_loss_by_hand(n_classes):
    """LightGBM's own drops the first trees with the start that is in them."""
    X, y = table(n_classes)
    # All trees at each round: with an objective of one's own, plain LightGBM drops
    # others from one training to the next.
    words = {"boosting_type": "dart", "drop_rate": 1.0, "uniform_drop": True}
    words["skip_drop"] = 0.0
    model = classifier(**GAMMA_ZERO, **words).fit(X, y)

    def log_loss_by_hand(raw, data):
        labels = data.get_label().astype(int)
        if n_classes == 2:
            p = expit(raw)
            return p - labels, p * (1 - p)
        p = softmax(raw, axis=1)
        factor = n_classes / (n_classes - 1)
        return p - np.eye(n_classes)[labels], factor * p * (1 - p)

    start = model.initial_score_
    raw = LIGHTGBM.train(log_loss_by_hand, X, y, rounds=15, start=start, **words)
    assert_allclose(model.decision_function(X), raw + start, atol=1e-4)


def splits_of(model):
    trees = model.booster_.trees_to_dataframe()
    return trees["split_feature"].fillna("").tolist()


@pytest.mark.parametrize("how", ["predict", "predict_proba"])
def test_other_predictions(how):
    model, X, _y = model_of(3)
    predict = getattr(model, how)
    raw = model.decision_function(X, num_iteration=4)
    words = {"num_iteration": 4}
    assert_array_equal(predict(X, raw_score=True, **words), raw)
    assert_array_equal(predict(X, True, 0, 4), raw)
    leaves = predict(X, pred_leaf=True, **words)
    assert leaves.shape == (600, 12)
    contributions = predict(X, pred_contrib=True, **words).reshape(600, 3, 7)
    assert_allclose(contributions.sum(axis=2), raw, atol=1e-9)


def test_parameters_of_prediction_act_wherever_they_are_given():
    X, y = table()
    words = {"pred_early_stop": True, "pred_early_stop_freq": 1}
    words |= {"pred_early_stop_margin": 0.5}
    model = classifier(n_estimators=50).fit(X, y)
    exact = model.predict_proba(X)
    stopped = model.predict_proba(X, **words)
    assert np.abs(exact - stopped).max() > 0.1
    same = classifier(n_estimators=50, **words).fit(X, y)
    assert_array_equal(same.predict_proba(X), stopped)
    assert_array_equal(same.predict_proba(X, pred_early_stop=False), exact)


@pytest.mark.parametrize("name", ["predict_raw_score", "pred_leaf", "leaf_index"])
def test_what_a_prediction_is_to_be_is_not_for_the_constructor(name):
    message = f"{name} must be a parameter of predict or predict_proba"
    assert_refused(classifier(**{name: True}), message, *table())


@pytest.mark.parametrize("n_classes", LINKED)
def test_init_score_at_prediction(n_classes):
    X, y = table(n_classes)
    start = np.linspace(-1, 1, y.size * (1 if n_classes == 2 else 3))
    score = start if n_classes == 2 else start.reshape(-1, 3)
    model = classifier().fit(X, y, init_score=score)
    raw = model.decision_function(X)
    for given in (score, start if n_classes == 2 else score.ravel(order="F")):
        assert_array_equal(model.decision_function(X, init_score=given), raw + score)
    proba = model.loss_.predict_proba(raw + score)
    assert_array_equal(model.predict_proba(X, init_score=score), proba)
    assert_array_equal(model.predict(X, init_score=score), proba.argmax(axis=1))
    again = classifier().fit(X, y, init_score=score.ravel(order="F"))
    assert_array_equal(again.decision_function(X), raw)


def test_going_on_with_recoded_categories():
    X, y = frame(800)
    first = classifier().fit(X[:400], y[:400])
    more, expected = (
        classifier().fit(data[400:], y[400:], init_model=first)
        for data in (recoded(X), X)
    )
    assert_allclose(more.predict_proba(X), expected.predict_proba(X), atol=1e-12)
    old = more.decision_function(X, num_iteration=15) - more.calibration_shift_
    assert_allclose(old, first.decision_function(X))
    known = X[400:].assign(colour=X["colour"][400:].cat.add_categories("pink"))
    more = classifier().fit(known, y[400:], init_model=first)
    old = more.decision_function(X, num_iteration=15) - more.calibration_shift_
    assert_allclose(old, first.decision_function(X))
    words = {"init_model": first}
    plain = X.assign(colour=X["colour"].cat.codes)
    message = "X must have the 1 categorical columns of init_model, got []"
    assert_refused(classifier(), message, plain, y, **words)


def test_forced_bins(tmp_path):
    X, y = table()
    bounds = [{"feature": 0, "bin_upper_bound": [0.123, 0.456]}]
    (tmp_path / "bins.json").write_text(json.dumps(bounds))
    words = {"forcedbins_filename": str(tmp_path / "bins.json"), "max_bin": 4}
    model = classifier(**words, num_leaves=4).fit(X[:, :1], y)
    thresholds = model.booster_.trees_to_dataframe()["threshold"].dropna().unique()
    assert set(np.round(thresholds, 3)) <= {0.123, 0.456}


@pytest.mark.parametrize(
    ("words", "factors"),
    [
        ({"scale_pos_weight": 3.0}, [1.0, 3.0]),
        ({"is_unbalance": True}, None),
        ({"scale_pos_weight": 1.0, "is_unbalance": False}, [1.0, 1.0]),
    ],
)
def test_class_weights_of_lightgbm(words, factors):
    X, y = table()
    X, y = X[(y == 0) | (X[:, 0] > 1.0)], y[(y == 0) | (X[:, 0] > 1.0)]
    counts = np.bincount(y)
    factors = np.array(factors or [1.0, counts[0] / counts[1]])
    model = classifier(**words).fit(X, y)
    expected = classifier().fit(X, y, sample_weight=factors[y])
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    # The population that LightGBM's own speaks of.
    host = LIGHTGBM.plain(n_estimators=300, **words).fit(X, y)
    share = np.average(host.predict_proba(X)[:, 1], weights=factors[y])
    got = np.average(model.predict_proba(X)[:, 1], weights=factors[y])
    assert got == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("words", "n_classes", "message"),
    [
        ({"scale_pos_weight": 2.0}, 3, "scale_pos_weight must be the only one of its"),
        ({"scale_pos_weight": -2.0}, 2, "scale_pos_weight must be > 0 and finite, got"),
        (
            {"scale_pos_weight": 2.0, "is_unbalance": True},
            2,
            "scale_pos_weight must be the only one of its kind and for two classes",
        ),
    ],
)
def test_refused_class_weights_of_lightgbm(words, n_classes, message):
    assert_refused(classifier(**words), message, *table(n_classes))


def test_parameters_reach_lightgbm_as_from_its_own_class(capfd):
    X, y = table()
    words = {"max_depth": 6, "eta": 0.5, "n_estimators": 2, "verbosity": 1}
    output = []
    for kind in (FocalLGBMClassifier, lgb.LGBMClassifier):
        model = kind(**words).fit(X, y)
        assert model.booster_.params["learning_rate"] == 0.1
        lgb.Booster(model_str=model.booster_.model_to_string())
        output.append(capfd.readouterr().out)
    for text in output:
        assert "constrain tree depth" not in text
        assert "unrecognized" not in text
    assert [("eta=0.5 will be ignored" in text) for text in output] == [True, True]


def test_further_parameters_are_attributes():
    model = classifier(max_bin=31)
    assert model.max_bin == LIGHTGBM.plain(max_bin=31).max_bin == 31
    assert not hasattr(model, "feature_fraction")


# Where the host's attribute can't mean the same.
EXCEPTIONS = {
    "set_callbacks": "scikit-learn's, of classes that support them",
}
if not hasattr(lgb.LGBMClassifier, "decision_function"):
    # Before 4.7 it names the columns of an array as well.
    EXCEPTIONS["feature_names_in_"] = "scikit-learn's: there if X has names"


@pytest.mark.parametrize("n_classes", LINKED)
def test_public_names_are_there_and_mean_the_same(n_classes):
    X, y = table(n_classes)
    model, host = (make().fit(X, y) for make in (classifier, LIGHTGBM.plain))
    names = {n for n in dir(host) if not n.startswith("_")} - EXCEPTIONS.keys()
    for name in sorted(names):
        expected = readable(host, name)
        got = readable(model, name)
        assert type(got) is type(expected), name
        if isinstance(expected, (bool, int, str, list)) and name != "objective":
            assert got == expected, name
        elif isinstance(expected, np.ndarray):
            assert got.shape == expected.shape
            assert got.dtype == expected.dtype, name


def readable(model, name):
    try:
        return getattr(model, name)
    except AttributeError as error:
        return type(error)


def test_nothing_that_fit_sets_is_there_before():
    X, y = table()
    unfitted, host = classifier(), LIGHTGBM.plain()
    for name in dir(classifier().fit(X, y)):
        if name.endswith("_") and not name.startswith("_"):
            assert not hasattr(unfitted, name), name
    names = [name for name in dir(host) if not name.startswith("_")]
    assert not [n for n in names if hasattr(unfitted, n) < hasattr(host, n)]
