"""The focal classifiers next to their hosts, data set by data set."""

import matplotlib.pyplot as plt
import pandas as pd

# Sphinx runs this in its folder.
results = pd.read_csv("../benchmarks/quality.csv")
results = results[results.kind == "binary"]
PANELS = {"log loss": "log loss / the host's", "AP": "average precision - the host's"}
SETTINGS = {"default": "oC4", "tuned": "DC2"}


def differences(engine, settings, metric):
    """Return the differences at gamma 2 by data set: mean, error, and the host."""
    block = results[(results.engine == engine) & (results.settings == settings)]
    wide = block.pivot(index=["data", "fold"], columns="contestant", values=metric)
    paired = (wide["γ=2"] - wide["host"]).groupby("data", sort=False)
    host = wide["host"].groupby("data", sort=False).mean()
    return paired.mean(), 2 * paired.sem(), host


figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), sharey=True, layout="constrained")
for row, engine in zip(axes, ("LightGBM", "XGBoost"), strict=True):
    for ax, metric in zip(row, PANELS, strict=True):
        for shift, (settings, style) in zip(
            (-0.15, 0.15), SETTINGS.items(), strict=True
        ):
            mean, error, host = differences(engine, settings, metric)
            if metric == "log loss":
                mean, error = 1.0 + mean / host, error / host
            places = [i + shift for i in range(len(mean))]
            ax.errorbar(
                mean, places, xerr=error, fmt=style, label=settings, markersize=5, lw=1
            )
        ax.axvline(float(metric == "log loss"), color="black", linewidth=1)
        ax.set(yticks=range(len(mean)), yticklabels=mean.index, title=engine)
for ax, label in zip(axes[1], PANELS.values(), strict=True):
    ax.set_xlabel(label)
axes[0, 0].invert_yaxis()
figure.legend(
    *axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2
)
