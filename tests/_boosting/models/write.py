"""Write the models of a release: run it before one, and never over older ones.

    python -m tests._boosting.models.write

Do it with the oldest versions (.ci/oldest.txt), whose pickles the newer ones read. Of
XGBoost there is no pickle, for it doesn't promise to read those of its other versions.
"""

import json
import pickle
from pathlib import Path

import numpy as np

import skfocal
from skfocal import FocalLGBMClassifier, FocalLogisticRegression, FocalXGBClassifier

HERE = Path(__file__).parent
WORDS = {
    "binary": {"focal_gamma": 1.5, "focal_alpha": [1.0, 3.0]},
    "focal": {"focal_link": "focal"},
    "multiclass": {"focal_gamma": [0.5, 1.0, 2.0]},
}


def rows():
    """Return features that no version of a random generator changes."""
    X = np.column_stack([np.sin(np.arange(60.0) * k) for k in (1, 2, 3)])
    return np.round(X, 6)


def labels(name):
    X = rows()
    y = (X[:, 0] + 0.3 * X[:, 1] > 0.2).astype(int)
    if name == "multiclass":
        return np.array(["a", "b", "c"])[y + (X[:, 2] > 0.5)]
    return np.array(["no", "yes"])[y]


def write(folder):
    """Write the models, and beside them what they predict."""
    folder.mkdir()
    X, expected = rows(), {}
    small = {"n_estimators": 3, "n_jobs": 1}
    for name, words in WORDS.items():
        y = labels(name)
        lightgbm = FocalLGBMClassifier(verbosity=-1, num_leaves=4, **small, **words)
        lightgbm.fit(X, y).booster_.save_model(folder / f"{name}.txt")
        xgboost = FocalXGBClassifier(max_depth=2, **small, **words).fit(X, y)
        xgboost.save_model(folder / f"{name}.json")
        linear = FocalLogisticRegression(**words).fit(X, y)
        for kind, model in (("lightgbm", lightgbm), ("linear", linear)):
            data = pickle.dumps(model, protocol=4)
            (folder / f"{name}-{kind}.pickle").write_bytes(data)
        models = {"txt": lightgbm, "json": xgboost, "linear": linear}
        for ending, model in models.items():
            expected[f"{name}.{ending}"] = model.predict_proba(X).tolist()
    (folder / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    write(HERE / skfocal.__version__)
