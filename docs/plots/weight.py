import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skfocal import FocalLoss

u = np.linspace(-14.0, 14.0, 561)
eta = expit(u)


def weight(loss):
    """W, the expected Hessian over that of the log loss."""
    return loss.expected_hessian(u) / FocalLoss(0.0).expected_hessian(u)


figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
    loss = FocalLoss(gamma, link="posterior")
    axes[0].plot(eta, weight(loss), label=f"$\\gamma$ = {gamma:g}")
for cost in (1.0, 4.0, 19.0):
    loss = FocalLoss(2.0, alpha=(1.0, cost), link="posterior")
    axes[1].plot(eta, weight(loss), label=f"$\\alpha_1 / \\alpha_0$ = {cost:g}")
axes[0].set(title=r"without $\alpha$", ylim=(0.0, 1.3))
axes[1].set(title=r"$\gamma$ = 2, $\alpha_0$ = 1", yscale="log", ylim=(0.15, 10.0))
axes[1].set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
axes[1].yaxis.set_minor_locator(plt.NullLocator())
for ax in axes:
    ax.set_xscale("logit")
    # The logit scale labels its minor ticks too, one over the other.
    ax.set_xticks([1e-6, 1e-4, 1e-2, 0.5, 1 - 1e-2, 1 - 1e-4, 1 - 1e-6])
    ax.tick_params(axis="x", labelsize=7)
    ax.xaxis.set_minor_locator(plt.NullLocator())
    ax.set(xlabel=r"class probability $\eta$ of class 1", ylabel="$W$")
axes[0].legend(loc="upper center", ncols=3)
axes[1].legend()
