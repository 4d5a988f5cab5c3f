import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from skfocal import FocalLoss

eta = expit(np.linspace(-14.0, 14.0, 561))
ones = np.ones(eta.size, dtype=int)

figure, ax = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
    loss = FocalLoss(gamma)
    raw_prediction = loss.raw_from_proba(eta)
    g_plus, h_plus = loss.gradient_hessian(ones, raw_prediction)
    g_minus, h_minus = loss.gradient_hessian(0 * ones, raw_prediction)
    weight = -g_plus * g_minus / (eta * h_plus + (1.0 - eta) * h_minus)
    ax.plot(eta, weight, label=f"$\\gamma$ = {gamma:g}")
ax.set_xscale("logit")
# The logit scale labels its minor ticks too, one over the other.
ax.set_xticks([1e-6, 1e-4, 1e-2, 0.5, 1 - 1e-2, 1 - 1e-4, 1 - 1e-6])
ax.xaxis.set_minor_locator(plt.NullLocator())
ax.set(xlabel=r"posterior $\eta$", ylabel=r"$W(\eta)$", ylim=(0.0, 1.05))
ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
