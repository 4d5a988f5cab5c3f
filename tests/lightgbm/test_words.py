"""Words that only LightGBM has: what they do, and which are refused."""

import joblib
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from packaging.version import Version

from skfocal import FocalLGBMClassifier
from tests._boosting.data import frame, table
from tests._boosting.engines import LIGHTGBM
from tests._boosting.refusals import assert_refused, assert_refused_unchanged

pytestmark = LIGHTGBM.marks
classifier = LIGHTGBM.classifier


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
        got = classifier(**{name: n_classes}).fit(X, y).decision_function(X)
        assert_array_equal(got, expected)
        message = f"{name} must be the number of classes in y ({n_classes}), got 7"
        assert_refused(classifier(**{name: 7}), message, X, y)


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


def test_importances():
    X, y = table()
    model = classifier(importance_type="gain").fit(X, y)
    assert model.feature_importances_.shape == (6,)
    assert_array_equal(
        model.feature_importances_, model.booster_.feature_importance("gain")
    )


def test_categorical_feature_and_feature_name():
    X, y = frame()
    codes = X.assign(colour=X["colour"].cat.codes).to_numpy()
    words = {"feature_name": ["a", "b", "c"], "categorical_feature": ["b"]}
    model = classifier(min_child_samples=5).fit(codes, y, **words)
    assert model.booster_.feature_name() == ["a", "b", "c"]
    trees = model.booster_.trees_to_dataframe()
    assert (trees["decision_type"] == "==").any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"application": "l2"}, "application must be None or one of ['binary'] for"),
        ({"gamma": 2.0}, "gamma must be given as focal_gamma, got gamma=2.0"),
        ({"alpha": 0.25}, "alpha must be given as focal_alpha, got alpha=0.25"),
        ({"boosting_type": "rf"}, "boosting_type must not be a random forest"),
        ({"boosting": "RF"}, "boosting must not be a random forest, for"),
        ({"pos_bagging_fraction": 0.5}, "pos_bagging_fraction must not be given"),
        ({"sigmoid": 2.0}, "sigmoid must not be given"),
        ({"class_weight": {0: -1.0}}, "class_weight must be >= 0 and finite, got -1.0"),
        (
            {"first_metric_only": True, "metric": ["logloss", "auc"]},
            "first_metric_only needs LightGBM's own metrics first",
        ),
        ({"linear_tree": True}, "linear_tree must be False"),
        ({"metric": "ndcg"}, "eval_metric must be one of ['auc', 'auc_mu', 'aver"),
    ],
)
def test_refused_parameters(words, message):
    assert_refused_unchanged(LIGHTGBM, words, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"eval_set": [(1, 2, 3)]}, "eval_set must hold pairs (X, y), got an entry of"),
        (
            {"eval_X": np.zeros((2, 6))},
            "eval_X and eval_y must be given together, got no eval_y",
        ),
        ({"eval_metric": "gamma"}, "eval_metric must be one of"),
    ],
)
def test_refused_words_of_fit(words, message):
    assert_refused(classifier(), message, *table(), **words)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_text_columns_of_other_tables_are_refused(library):
    module = pytest.importorskip(library)
    columns = {"size": [1.0, 2.0], "colour": ["red", "blue"]}
    other = module.DataFrame(columns) if library == "polars" else module.table(columns)
    message = "X must have columns of integers .* got 'colour' of type [Ss]tring"
    with pytest.raises(ValueError, match=message):
        classifier().fit(other, [0, 1])


def arrow_halves(values):
    arrow = pytest.importorskip("pyarrow")
    return arrow.table({"a": arrow.array(values.astype(np.float16))})


def polars_columns(kind):
    def make(values):
        polars = pytest.importorskip("polars")
        if not hasattr(polars, kind):
            pytest.skip("this version hasn't the type")
        return polars.DataFrame({"a": values}).cast(getattr(polars, kind))

    return make


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (arrow_halves, "'a' of type halffloat"),
        (polars_columns("Float16"), "'a' of type Float16"),
        (polars_columns("Int128"), "'a' of type Int128"),
        (polars_columns("UInt128"), "'a' of type UInt128"),
        (polars_columns("Date"), "'a' of type Date"),
    ],
)
def test_columns_that_would_end_the_process_are_refused(make, found):
    """What is let through kills pytest."""
    X = np.arange(80)
    y = X % 2
    message = f"X must have columns of integers .* got {found}$"
    with pytest.raises(ValueError, match=message):
        classifier().fit(make(X), y)
    model = classifier().fit(X[:, None], y)
    with pytest.raises(ValueError, match=message):
        model.predict(make(X))


@pytest.mark.skipif(
    Version(lgb.__version__) < Version("4.7"), reason="LightGBM 4.6 takes no polars"
)
@pytest.mark.parametrize("kind", ["Int8", "UInt64", "Float32", "Boolean"])
def test_missing_values_of_polars_are_missing(kind):
    polars = pytest.importorskip("polars")
    values = np.arange(200) % 2
    X = polars.DataFrame(
        {"a": [None if i % 5 == 0 else int(v) for i, v in enumerate(values)]}
    )
    X = X.cast(getattr(polars, kind))
    numbers = np.where(np.arange(200) % 5 == 0, np.nan, values)[:, None]
    expected = classifier().fit(numbers, values).predict_proba(numbers)
    got = classifier().fit(X, values).predict_proba(X)
    np.testing.assert_array_equal(got, expected)


PLAIN = "the columns of X must have names without control characters and without "


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a\nb", "b"], PLAIN),
        (["a\rb", "b"], PLAIN),
        (["a\0b", "b"], PLAIN),
        (["", "b"], PLAIN),
        (["a:b", "b"], PLAIN),
        (["a b", "a_b"], "the columns of X must have names that differ by more than"),
    ],
)
def test_names_of_columns_that_no_model_holds(names, message):
    X, y = np.arange(80.0).reshape(40, 2), np.arange(40) % 2
    assert_refused(classifier(), message, pd.DataFrame(X, columns=names), y)
    assert_refused(classifier(), message, X, y, feature_name=names)


def test_names_of_columns_with_letters_of_any_language():
    X, y = np.arange(80.0).reshape(40, 2), np.arange(40) % 2
    X = pd.DataFrame(X, columns=["größe in m", "重量"])
    model = classifier().fit(X, y)
    restored = type(model).from_booster(model.booster_)
    assert restored.feature_names_in_.tolist() == ["größe in m", "重量"]
