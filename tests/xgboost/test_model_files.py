"""XGBoost's model files that were cut off or damaged.

XGBoost ends the process over some of them, is busy for ever with others, and reads
many without a word. What is wrongly let through may kill pytest itself.
"""

import json

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_array_equal

from skfocal import FocalXGBClassifier
from skfocal.xgboost import _model_file
from skfocal.xgboost._model_file import read_model
from skfocal.xgboost._ubjson import parse_ubjson
from tests._boosting.data import frame, table
from tests._boosting.engines import XGBOOST

DAMAGED = "must be a whole and undamaged model file of XGBoost, got "
KINDS = pytest.mark.parametrize(
    "words",
    [
        {},
        {"booster": "dart", "rate_drop": 0.5},
        {"booster": "gblinear"},
        {"multi_strategy": "multi_output_tree", "num_parallel_tree": 2},
    ],
    ids=str,
)
ENDINGS = pytest.mark.parametrize("ending", ["json", "ubj"])
classifier = XGBOOST.classifier
pytestmark = XGBOOST.marks


def saved(model, path):
    model.save_model(path)
    return path.read_bytes()


def fitted(n_classes=2, **words):
    return classifier(n_estimators=3, **words).fit(*table(n_classes))


def with_categories():
    X, y = frame()
    return classifier(n_estimators=3, enable_categorical=True).fit(X, y)


def assert_all_refused(path, contents):
    """Assert it without XGBoost, which would not survive some of them."""
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"^booster {DAMAGED}'{path}': ."):
            read_model(str(path), "booster")


def flipped(content, places, n, seed=0):
    """Return copies with one bit flipped at random places."""
    rng = np.random.default_rng(seed)
    for place in rng.choice(places, n):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        yield bytes(damaged)


@ENDINGS
def test_files_that_end_early(tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    for model in (with_categories(), XGBOOST.plain(n_estimators=3).fit(*table())):
        content = saved(model, path)
        ends = np.linspace(0, len(content) - 1, 30).astype(int)
        assert_all_refused(path, [content[:end] for end in ends])


@ENDINGS
def test_each_flipped_bit_of_state_header_and_trees_is_found(tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    content = saved(with_categories(), path)
    # The name of the checksums and those of both files can change without harm.
    name = content.index(b"skfocal_checksums")
    sums = content.index(b"0", name - 12), content.index(b" ", name) + 30
    places = [i for i in range(len(content)) if not sums[0] - 60 <= i <= sums[1]]
    assert len(places) > 0.95 * len(content)
    refused = 0
    for damaged in flipped(content, places, 200):
        if sums_of(damaged) == sums_of(content):
            continue
        assert_all_refused(path, [damaged])
        refused += 1
    assert refused > 180


def sums_of(content):
    """Return the sums of all that predictions come from, or None of what is no file."""
    try:
        is_json = content[1:2] == b'"'
        model = json.loads(content) if is_json else parse_ubjson(content)
        return _model_file._sums_of_parts(model)
    except (ValueError, KeyError, TypeError):
        return None


@ENDINGS
@KINDS
def test_an_undamaged_file_is_known_at_a_glance(tmp_path, monkeypatch, words, ending):
    """What takes XGBoost several times its own time is for other files."""
    X, y = table(3)
    model = classifier(n_estimators=3, **words).fit(X, y)
    monkeypatch.setattr(_model_file, "_check_content", None)
    path = tmp_path / f"model.{ending}"
    for write in (model.save_model, model.booster_.save_model):
        write(path)
        restored = FocalXGBClassifier.from_booster(path)
        restored.set_params(n_jobs=2).save_model(path)
        again = classifier()
        again.load_model(bytearray(path.read_bytes()))
        for other in (restored, again):
            assert_array_equal(other.predict_proba(X), model.predict_proba(X))


@ENDINGS
@KINDS
def test_a_file_with_further_attributes_is_undamaged(tmp_path, words, ending):
    X, _ = table(3)
    model = classifier(n_estimators=3, **words).fit(*table(3))
    path = tmp_path / f"model.{ending}"
    model.booster_.set_attr(owner="me", skfocal_of_users="x")
    model.booster_.save_model(path)
    restored = FocalXGBClassifier.from_booster(path)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    assert restored.booster_.attr("owner") == "me"
    host = XGBOOST.plain()
    host.load_model(path)
    host.save_model(path)
    restored = FocalXGBClassifier.from_booster(path)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


@ENDINGS
@pytest.mark.parametrize("rounds", [slice(2), slice(1, 3), slice(0, 4, 2)])
@pytest.mark.parametrize("words", [{}, {"booster": "dart", "rate_drop": 0.5}], ids=str)
def test_a_part_of_the_rounds_is_a_whole_file(tmp_path, rounds, words, ending):
    X, y = frame()
    codes = X.assign(colour=X["colour"].cat.codes)
    for data, more in ((X, {"enable_categorical": True}), (codes, {})):
        model = classifier(n_estimators=5, **words, **more).fit(data, y)
        part = model.booster_[rounds]
        path = tmp_path / f"model.{ending}"
        part.save_model(path)
        restored = FocalXGBClassifier.from_booster(path)
        expected = part.predict(
            xgb.DMatrix(data, enable_categorical=True), output_margin=True
        )
        assert_array_equal(restored.decision_function(data), expected)


def edited(model, path, edit):
    content = json.loads(saved(model, path))
    edit(content["learner"])
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m: m["learner_model_param"].update(base_score="[6E-1]"), "its header"),
        (lambda m: m.update(feature_names=list("bacdef")), "its header"),
        (lambda m: m["attributes"].update(skfocal="{}"), "its state"),
        (lambda m: m["attributes"].pop("skfocal"), "its state"),
        (lambda m: m["gradient_booster"]["model"]["cats"].update(enc=[1]), "its categ"),
        (lambda m: tree_of(m)["split_conditions"].__setitem__(0, 7.0), "its trees"),
        (lambda m: tree_of(m)["sum_hessian"].__setitem__(0, 7.0), "its trees"),
        (lambda m: m["gradient_booster"]["model"]["trees"].reverse(), "its trees"),
        (lambda m: m["gradient_booster"]["model"].pop("trees"), "it lacks 'trees'"),
        (lambda m: tree_of(m).pop("left_children"), "it lacks 'left_children'"),
    ],
)
def test_what_was_changed_is_named(tmp_path, edit, message):
    X, y = table()
    names = [f"f{i}" for i in range(X.shape[1])]
    model = classifier(n_estimators=3).fit(X, y)
    model.booster_.feature_names = names
    _model_file.write_checksums(model.booster_)
    path = tmp_path / "model.json"
    edited(model, path, edit)
    for read in (model.load_model, FocalXGBClassifier.from_booster):
        with pytest.raises(ValueError, match=f"^booster {DAMAGED}.*: {message}"):
            read(path)
    with pytest.raises(ValueError, match=f"^xgb_model {DAMAGED}.*: {message}"):
        model.fit(X, y, xgb_model=path)


def tree_of(learner):
    return learner["gradient_booster"]["model"]["trees"][1]


@pytest.mark.parametrize("name", ["weights", "boosted_rounds"])
def test_a_linear_model_that_was_changed(tmp_path, name):
    def edit(learner):
        model = learner["gradient_booster"]["model"]
        model.update(boosted_rounds=2) if name != "weights" else model[name].reverse()

    path = tmp_path / "model.json"
    edited(fitted(booster="gblinear"), path, edit)
    with pytest.raises(ValueError, match=f"^booster {DAMAGED}.*: its trees aren't"):
        FocalXGBClassifier.from_booster(path)


def test_what_was_changed_on_purpose(tmp_path):
    """A Booster is taken as it is, and its files are undamaged."""
    X, y = table()
    path = tmp_path / "model.json"
    model = fitted()
    more = XGBOOST.Objective()
    words = XGBOOST.params(y)
    del words["base_score"]
    longer = xgb.train(words, xgb.DMatrix(X, y), 2, obj=more, xgb_model=model.booster_)
    longer.save_model(path)
    with pytest.raises(ValueError, match="changed on purpose, give the Booster"):
        FocalXGBClassifier.from_booster(path)
    restored = FocalXGBClassifier.from_booster(xgb.Booster(model_file=path))
    assert restored.n_iter_ == 5
    restored.save_model(path)
    again = FocalXGBClassifier.from_booster(path)
    assert_array_equal(again.predict_proba(X), restored.predict_proba(X))


def test_a_model_that_went_on_is_sealed_anew(tmp_path):
    X, y = table()
    model = fitted().fit(X, y, xgb_model=fitted())
    saved(model, tmp_path / "model.ubj")
    restored = FocalXGBClassifier.from_booster(tmp_path / "model.ubj")
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("make", [fitted, with_categories, lambda: fitted(3)])
def test_trees_of_other_models_that_would_end_the_process(tmp_path, make):
    """Of models without checksums, which no flipped bit may make a danger."""
    model = make()
    model.booster_.set_attr(skfocal_checksums=None)
    path = tmp_path / "model.json"
    model.booster_.save_model(path)
    content = json.loads(path.read_bytes())
    trees = content["learner"]["gradient_booster"]["model"]["trees"]
    names = {
        *("left_children", "right_children", "parents", "split_indices"),
        *("categories_nodes", "categories_segments", "categories_sizes"),
    }
    for name in names & {n for n, values in trees[0].items() if values}:
        for value in (-2, 2**31 - 2, len(trees[0]["parents"]) + 3):
            before, trees[0][name][0] = trees[0][name][0], value
            path.write_text(json.dumps(content))
            with pytest.raises(ValueError, match=f"^booster {DAMAGED}.*: its tree 0"):
                read_model(str(path), "booster")
            trees[0][name][0] = before
        after = trees[0][name].pop()
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=f"^booster {DAMAGED}.*: its tree 0 isn't"):
            read_model(str(path), "booster")
        trees[0][name].append(after)


def weights_of(trees, ensemble):
    """Return dart's weights, which stand in the trees' part from XGBoost 3.4 on."""
    return trees.get("weight_drop") or ensemble["weight_drop"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda m, _: m["tree_info"].__setitem__(0, 3), "trees for other outputs"),
        (lambda m, _: m["tree_info"].pop(), "trees for other outputs"),
        (lambda m, _: m["iteration_indptr"].__setitem__(1, 99), "rounds that don't"),
        (lambda m, _: m["trees"].pop(), "another number of trees than"),
        (lambda m, e: weights_of(m, e).pop(), "no weight of each tree"),
    ],
)
def test_ensembles_of_other_models(tmp_path, edit, message):
    model = fitted(3, booster="dart", rate_drop=0.5)
    model.booster_.set_attr(skfocal_checksums=None)
    path = tmp_path / "model.json"

    def edit_ensemble(learner):
        ensemble = learner["gradient_booster"]
        edit(ensemble.get("gbtree", ensemble)["model"], ensemble)

    edited(model, path, edit_ensemble)
    with pytest.raises(ValueError, match=f"^booster {DAMAGED}.*: it has {message}"):
        FocalXGBClassifier.from_booster(path)


def test_the_weights_of_the_trees_of_dart(tmp_path):
    path = tmp_path / "model.json"

    def halve(learner):
        ensemble = learner["gradient_booster"]
        trees = ensemble.get("gbtree", ensemble)["model"]
        weights_of(trees, ensemble)[0] *= 0.5

    edited(fitted(3, booster="dart", rate_drop=0.5), path, halve)
    with pytest.raises(ValueError, match=f"^booster {DAMAGED}.*: its trees aren't"):
        FocalXGBClassifier.from_booster(path)


def test_a_file_of_dart_in_the_form_of_another_version(tmp_path):
    """XGBoost 3.4 reads the older form; before, it takes no weights from the newer."""
    X, y = table()
    words = {"n_estimators": 20, "booster": "dart", "rate_drop": 0.5}
    model, path = classifier(**words).fit(X, y), tmp_path / "model.json"

    def turn(learner):
        ensemble = learner["gradient_booster"]
        if "gbtree" in ensemble:
            trees = ensemble["gbtree"]["model"]
            trees["weight_drop"] = ensemble["weight_drop"]
            learner["gradient_booster"] = {"name": "gbtree", "model": trees}
        else:
            weights = ensemble["model"].pop("weight_drop")
            older = {"name": "dart", "gbtree": ensemble, "weight_drop": weights}
            learner["gradient_booster"] = older

    edited(model, path, turn)
    if "gbtree" in json.loads(path.read_text())["learner"]["gradient_booster"]:
        got = FocalXGBClassifier.from_booster(path).predict_proba(X)
        assert_array_equal(got, model.predict_proba(X))
    else:
        with pytest.raises(
            ValueError, match=f"^booster {DAMAGED}.*: XGBoost .* weights"
        ):
            FocalXGBClassifier.from_booster(path)


def test_a_linear_model_of_too_few_coefficients(tmp_path):
    model = fitted(booster="gblinear")
    model.booster_.set_attr(skfocal_checksums=None)
    path = tmp_path / "model.json"
    edited(model, path, lambda m: m["gradient_booster"]["model"]["weights"].pop())
    with pytest.raises(ValueError, match="it has no coefficient of each feature"):
        FocalXGBClassifier.from_booster(path)


def test_a_file_that_is_none_of_xgboosts(tmp_path):
    path = tmp_path / "model.json"
    for content in (b"", b"tree\nversion=v4", b'{"learner": {}}', b"{}", b"[1, 2]"):
        assert_all_refused(path, [content])
        with pytest.raises(ValueError, match=f"^booster {DAMAGED}a bytearray: "):
            classifier().load_model(bytearray(content))
    with pytest.raises(FileNotFoundError):
        FocalXGBClassifier.from_booster(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"{i\x01aS i\x00}", "no length is of the type at 5"),
        (b"{i\x01aSi\x02hi}", {"a": "hi"}),
        (b"[i\x05Zd\x3f\x80\x00\x00T]", [5, None, 1.0, True]),
        (b"[#i\x02[]F", [[], False]),
        (b"[$I#i\x02\x00\x01\xff\xff", [1, -1]),
        (b"[$I#i\x02\x00\x01\xff", "it ends early"),
        (b"[$S#i\x02\x00\x01\xff", "no numbers are of the type at 2"),
        (b"[#i\xff", "it has no length at 3"),
        (b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff", "it ends early"),
        (b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff", "it ends early"),
        (b"Sd\x00\x00\x00\x01a", "no length is of the type at 1"),
        (b"Si\x02a", "it ends early"),
        (b"i\x01i", "it goes on after its end at byte 2"),
        (b"X", "no value begins with byte 88 at 0"),
        (b"", "it ends early"),
    ],
)
def test_ubjson(content, value):
    if isinstance(value, str):
        with pytest.raises(ValueError, match=f"^{value}"):
            parse_ubjson(content)
    else:
        got = parse_ubjson(content)
        assert (got.tolist() if isinstance(got, np.ndarray) else got) == value


@ENDINGS
def test_a_file_that_says_which_class_wrote_it_is_checked_at_once(tmp_path, ending):
    path = tmp_path / f"model.{ending}"
    content = saved(fitted(), path)
    assert b"scikit_learn" in content
    assert _model_file._is_as_written(content)
    changed = next(flipped(content, len(content), 1))
    assert not _model_file._is_as_written(changed)
