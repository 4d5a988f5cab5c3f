"""Tools that read XGBoost's models give the class probabilities of ``booster_``.

What they can't read of ours they can't read of XGBoost's own classifier either:
onnxmltools no dart and no linear models, and it mixes the classes of several parallel
trees; treelite no linear models.
"""

import numpy as np
import pytest
import xgboost as xgb
from numpy.testing import assert_allclose
from packaging.version import Version

from tests._boosting.data import split
from tests._boosting.engines import XGBOOST

# The converters' own deprecated calls.
pytestmark = pytest.mark.filterwarnings("ignore")
MODES = [
    {},
    {"focal_alpha": "balanced", "focal_gamma": 1.0},
    {"n_estimators": 200, "learning_rate": 0.5, "early_stopping_rounds": 3},
]
modes = pytest.mark.parametrize("words", MODES, ids=str)
classes = pytest.mark.parametrize("n_classes", [2, 3])


def _fitted(n_classes, words):
    # Their inputs are of float32.
    X, X_val, y, y_val = split(n_classes)
    X, X_val = X.astype(np.float32), X_val.astype(np.float32)
    model = XGBOOST.classifier(**words)
    model.fit(X, y, X_val=X_val, y_val=y_val, verbose=False)
    return model, X_val


@classes
@modes
def test_onnx(n_classes, words):
    onnxmltools = pytest.importorskip("onnxmltools")
    runtime = pytest.importorskip("onnxruntime")
    from onnxmltools.convert.common.data_types import FloatTensorType

    model, X = _fitted(n_classes, words)
    types = [("X", FloatTensorType([None, X.shape[1]]))]
    converted = onnxmltools.convert_xgboost(model.booster_, initial_types=types)
    session = runtime.InferenceSession(converted.SerializeToString())
    _, proba = session.run(None, {"X": X})
    assert_allclose(proba, model.predict_proba(X), rtol=0, atol=1e-6)


@classes
@pytest.mark.parametrize(
    "words",
    [
        *MODES,
        {"booster": "dart", "rate_drop": 0.3},
        {"num_parallel_tree": 2, "subsample": 0.5},
        pytest.param(
            {"multi_strategy": "multi_output_tree"},
            marks=pytest.mark.skipif(
                Version(xgb.__version__) < Version("3.2"),
                reason="treelite 4.8 can't read such a model of XGBoost 3.1",
            ),
        ),
    ],
    ids=str,
)
def test_treelite(n_classes, words):
    treelite = pytest.importorskip("treelite")
    model, X = _fitted(n_classes, words)
    read = treelite.frontend.from_xgboost(model.booster_)
    proba = treelite.gtil.predict(read, X)[:, 0]
    expected = model.predict_proba(X)
    expected = expected if n_classes > 2 else expected[:, 1:]
    assert_allclose(proba, expected, rtol=0, atol=1e-6)
