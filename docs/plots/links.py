"""Log loss over the host's, data set by data set, as ``links.py`` printed it."""

from pathlib import Path

import matplotlib.pyplot as plt

# Sphinx runs this in its folder.
printed = Path("../benchmarks/links.txt").read_text(encoding="utf-8").splitlines()
GAMMA_2 = 1  # its column behind the bar


def ratios(engine, settings):
    """Return the ratio of each data set at gamma 2."""
    title = f"{engine}, binary, {settings}, table by table"
    first = next(i for i, line in enumerate(printed) if line.startswith(title)) + 2
    found = {}
    for line in printed[first:]:
        if "|" not in line:
            break
        name, behind = line.split()[0], line.split("|")[1].split()
        found[name] = float(behind[GAMMA_2])
    return found


figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, engine in zip(axes, ("LightGBM", "XGBoost"), strict=True):
    for settings, style in [("default settings", "oC4"), ("early-stopped", "DC2")]:
        found = ratios(engine, settings)
        ax.plot(list(found.values()), list(found), style, label=settings, markersize=5)
    ax.axvline(1.0, color="black", linewidth=1)
    ax.set(title=engine, xlabel=f"log loss / that of {engine}'s own classifier")
axes[0].invert_yaxis()
figure.legend(*ax.get_legend_handles_labels(), loc="outside right upper")
