import matplotlib.pyplot as plt
import numpy as np

from skfocal import FocalLoss

margin = np.linspace(-6.0, 6.0, 401)
y_true = np.ones(margin.size, dtype=int)  # the raw prediction of class 1 is the margin

figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.3), layout="constrained")
for gamma in (0.0, 0.5, 1.0, 2.0, 5.0):
    loss = FocalLoss(gamma)
    gradient, hessian = loss.gradient_hessian(y_true, margin)
    curves = (loss.loss(y_true, margin), gradient, hessian)
    for ax, curve in zip(axes, curves, strict=True):
        ax.plot(margin, curve, label=f"$\\gamma$ = {gamma:g}")
for ax, title in zip(axes, ("loss", "gradient", "Hessian"), strict=True):
    ax.set(title=title, xlabel="margin $s$")
axes[0].legend()
