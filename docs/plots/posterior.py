import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skfocal import FocalLoss

raw_prediction = np.linspace(-7.0, 7.0, 401)
naive = expit(raw_prediction)

figure, ax = plt.subplots(figsize=(5.0, 4.6), layout="constrained")
for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
    posterior = FocalLoss(gamma).predict_proba(raw_prediction)[:, 1]
    label = f"$\\gamma$ = {gamma:g}" + (" (the diagonal)" if gamma == 0 else "")
    ax.plot(naive, posterior, label=label)
ax.set(
    xlabel="expit of the raw prediction",
    ylabel=r"posterior $\eta$",
    xlim=(0.0, 1.0),
    ylim=(0.0, 1.0),
    aspect="equal",
)
ax.legend()
