"""LightGBM's model files that were cut off or damaged, which would abort the process.

What is wrongly let through kills pytest itself, in the engine that reads it.
"""

import re

import lightgbm as lgb
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skfocal import FocalLGBMClassifier
from skfocal.lightgbm._model_file import read_model_text
from skfocal.lightgbm._tree_checks import check_trees
from tests._boosting.data import frame, table
from tests._boosting.engines import LIGHTGBM

DAMAGED = "must be a whole and undamaged model file of LightGBM, got "
classifier = LIGHTGBM.classifier


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.txt"


def assert_all_refused(path, contents):
    """Assert it without LightGBM, which would not survive some of them."""
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"^booster {DAMAGED}"):
            read_model_text(path, "booster")


@pytest.mark.parametrize("own", [True, False])
def test_files_that_end_early(path, own):
    X, y = frame()
    model = (classifier if own else LIGHTGBM.plain)(n_estimators=3).fit(X, y)
    model.booster_.save_model(path)
    content = path.read_bytes()
    # Of a model that another language wrote, this would be the end.
    whole = content.index(b"end of parameters") + 10
    ends = [*np.linspace(0, whole, 50).astype(int), len(content) - 3]
    assert_all_refused(path, [content[:end] for end in ends])


def test_each_flipped_bit_of_header_state_trees_and_categories_is_found(path):
    X, y = frame()
    classifier(n_estimators=2, num_leaves=5).fit(X, y).booster_.save_model(path)
    content = path.read_bytes()
    trees_end = content.index(b"feature_importances")
    sums = content.index(b"[skfocal_checksums ") + len(b"[skfocal_checksums ")
    state_end = content.index(b"\n", content.index(b"[skfocal "))
    tail = content.index(b"pandas_categorical")
    ranges = ((0, trees_end), (sums, state_end), (tail, len(content) - 2))
    places = [place for bounds in ranges for place in range(*bounds)]
    rng = np.random.default_rng(0)
    flipped = []
    for place in rng.choice(places, 400):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        flipped.append(bytes(damaged))
    assert_all_refused(path, flipped)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_lines_that_end_as_on_windows(path, n_classes):
    X, y = table(n_classes)
    model = classifier().fit(X, y)
    model.booster_.save_model(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    restored = FocalLGBMClassifier.from_booster(path)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    more = classifier().fit(X, y, init_model=path)
    expected = classifier().fit(X, y, init_model=model)
    assert_array_equal(more.predict_proba(X), expected.predict_proba(X))


def test_a_part_of_the_rounds_is_a_whole_file(path):
    X, y = table(3)
    model = classifier().fit(X, y)
    for rounds in ({"num_iteration": 4}, {"start_iteration": 3, "num_iteration": 2}):
        model.booster_.save_model(path, **rounds)
        restored = FocalLGBMClassifier.from_booster(path)
        expected = model.decision_function(X, **rounds)
        assert_array_equal(restored.decision_function(X), expected)


@pytest.mark.parametrize(
    "words", [*LIGHTGBM.modes, {"num_leaves": 2}, {"min_child_samples": 1000}]
)
def test_a_file_that_lightgbm_wrote_again_is_undamaged(path, words):
    X, y = table(3)
    model = classifier(**words).fit(X, y)
    for _ in range(2):
        model.booster_.save_model(path)
        check_trees(path.read_text())
        lgb.Booster(model_file=path).save_model(path)
        restored = FocalLGBMClassifier.from_booster(path)
        assert_array_equal(restored.predict_proba(X), model.predict_proba(X))


def test_a_changed_leaf_is_found(path):
    """An edit that LightGBM itself would read without a word."""
    model = classifier().fit(*table())
    leaf = model.booster_.get_leaf_output(3, 1)
    model.booster_.set_leaf_output(3, 1, leaf + 0.5)
    model.booster_.save_model(path)
    with pytest.raises(ValueError, match="its trees aren't those that were written"):
        FocalLGBMClassifier.from_booster(path)
    FocalLGBMClassifier.from_booster(lgb.Booster(model_file=path))


@pytest.mark.parametrize(
    ("pattern", "by", "message"),
    [
        (r"num_leaves=\d+", "num_leaves=99", "no split_feature of 98 numbers"),
        (r"num_leaves=\d+", "num_leaves=0", "no number of leaves"),
        (r"left_child=\S+", "left_child=77", "children that make no tree"),
        (r"right_child=\S+", "right_child=0", "children that make no tree"),
        (r"split_feature=\d+", "split_feature=9", r"a split_feature outside of 0 \.\."),
        (r"leaf_value=\S+", "leaf_value=1.x", "no leaf_value of"),
        (r"leaf_value=\S+", "leaf_value=nan", "no leaf_value of"),
        (r"cat_boundaries=0 1", "cat_boundaries=0 9", "cat_boundaries that don't fit"),
        (r"num_cat=1", "num_cat=2", "no cat_boundaries of 3 numbers"),
        (r"decision_type=2 1", "decision_type=2 2", "categorical splits other than"),
    ],
)
def test_trees_of_other_models_are_what_they_say(path, pattern, by, message):
    X, y = frame()
    LIGHTGBM.plain(n_estimators=3).fit(X, y).booster_.save_model(path)
    text = path.read_text()
    head, tree, rest = re.split(r"(?s)(Tree=0.*?\n\n\n)", text, maxsplit=1)
    damaged = re.sub(pattern, by, tree, count=1)
    assert damaged != tree
    sizes = re.search(r"tree_sizes=(\d+)", head)[1]
    assert int(sizes) == len(tree)
    head = head.replace(f"tree_sizes={sizes}", f"tree_sizes={len(damaged)}")
    path.write_text(head + damaged + rest)
    with pytest.raises(ValueError, match=f"^init_model {DAMAGED}.*{message}"):
        classifier().fit(X, y, init_model=path)


def test_a_file_that_is_none_of_lightgbms(path):
    path.write_text('{"learner": {}}')
    with pytest.raises(ValueError, match=f"^booster {DAMAGED}.*it begins with"):
        FocalLGBMClassifier.from_booster(path)
    with pytest.raises(FileNotFoundError):
        FocalLGBMClassifier.from_booster(path.with_name("none.txt"))
