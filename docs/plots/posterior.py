import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skfocal import FocalLoss

z = np.linspace(-7.0, 7.0, 401)

figure, (odds, ax) = plt.subplots(1, 2, figsize=(9.5, 4.6), layout="constrained")
for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
    log_proba = FocalLoss(gamma).predict_log_proba(z)
    label = f"$\\gamma$ = {gamma:g}" + (" (the diagonal)" if gamma == 0 else "")
    odds.plot(z, log_proba[:, 1] - log_proba[:, 0], label=label)
    ax.plot(expit(z), np.exp(log_proba[:, 1]), label=label)
odds.set(
    title="raw predictions of the two links",
    xlabel="focal link: $z$",
    ylabel="posterior link: $u$",
    xlim=(-7.0, 7.0),
    ylim=(-14.0, 14.0),
)
ax.set(
    title="what their sigmoids are",
    xlabel="focal link: expit($z$)",
    ylabel=r"posterior link: expit($u$), the class probability $\eta$",
    xlim=(0.0, 1.0),
    ylim=(0.0, 1.0),
    aspect="equal",
)
ax.legend()
