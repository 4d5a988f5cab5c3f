"""Time of a round next to the engine's own loss, as ``boosting.py`` printed it."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

# Sphinx runs this in its folder.
printed = Path("../benchmarks/boosting.txt").read_text(encoding="utf-8")
OBJECTIVES = {
    "naive NumPy objective": "naive NumPy objective",
    "FocalObjective(2.0)": "FocalObjective, gamma 2",
    "FocalObjective(0.0, 'expected')": "the same trees as the engine's own",
}

groups, ratios = [], []
for table in printed.strip().split("\n\n"):
    title, _, *rows = table.splitlines()
    if title.endswith(", train"):
        engine, n_rows, *_ = title.split(", ")
        classes = "5 classes" if "5 classes" in title else "2 classes"
        groups.append(f"{engine}, {classes}, {int(n_rows.split()[0]):,} rows")
        found = {row[:40].strip(): float(row.split()[-2]) for row in rows}
        ratios.append([found[name] for name in OBJECTIVES])

figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
places = np.arange(len(groups))[::-1]
for i, label in enumerate(OBJECTIVES.values()):
    values = [ratio[i] for ratio in ratios]
    bars = ax.barh(places + 0.26 * (1 - i), values, 0.24, color=f"C{i}", label=label)
    ax.bar_label(bars, fmt="%.2f", label_type="center", color="w", fontsize=8)
ax.axvline(1.0, color="black", linewidth=1)
ax.set_yticks(places, groups)
ax.set(xlim=(0.0, 1.7), xlabel="time of a round / that with the engine's own log loss")
figure.legend(loc="outside upper center", ncols=3, fontsize=9)
