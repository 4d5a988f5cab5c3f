"""Model files and pickles of all releases are read and predict as they did then."""

import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skfocal
from skfocal import FocalLGBMClassifier, FocalXGBClassifier
from tests._boosting.models.write import HERE, WORDS, labels, rows

RELEASES = sorted(
    path.name for path in HERE.iterdir() if (path / "expected.json").exists()
)
CLASSES = {"txt": FocalLGBMClassifier, "json": FocalXGBClassifier}


def test_this_version_has_its_files():
    assert skfocal.__version__ in RELEASES


@pytest.mark.parametrize("ending", CLASSES)
@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("release", RELEASES)
def test_a_released_model_predicts_as_it_did(release, name, ending):
    file = HERE / release / f"{name}.{ending}"
    expected = json.loads((HERE / release / "expected.json").read_text())[file.name]
    model = CLASSES[ending].from_booster(file)
    got = model.predict_proba(rows())
    # Another processor may add float32 in another order.
    tolerance = {"txt": 1e-12, "json": 1e-6}[ending]
    assert_allclose(got, expected, rtol=0, atol=tolerance)
    assert_array_equal(model.classes_, np.unique(labels(name)))
    assert model.loss_.link == WORDS[name].get("focal_link", "posterior")
    gamma = WORDS[name].get("focal_gamma", 2.0)
    assert model.loss_.gamma == (tuple(gamma) if isinstance(gamma, list) else gamma)


@pytest.mark.parametrize(("kind", "like"), [("lightgbm", "txt"), ("linear", "linear")])
@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("release", RELEASES)
def test_a_released_pickle_predicts_as_it_did(release, name, kind, like):
    folder = HERE / release
    expected = json.loads((folder / "expected.json").read_text())[f"{name}.{like}"]
    model = pickle.loads((folder / f"{name}-{kind}.pickle").read_bytes())
    assert_allclose(model.predict_proba(rows()), expected, rtol=0, atol=1e-12)
    assert_array_equal(model.classes_, np.unique(labels(name)))
    link = model.get_params()["focal_link"]
    assert link == WORDS[name].get("focal_link", "posterior")
