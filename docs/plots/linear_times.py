"""Time of a linear fit next to scikit-learn's, as ``linear.py`` printed it."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

# Sphinx runs this in its folder.
printed = Path("../benchmarks/linear.txt").read_text(encoding="utf-8")
one_thread = printed.partition("threads: 2")[0].strip()

data_sets, times = [], []
for table in one_thread.split("\n\n"):
    title, *rows = table.strip().splitlines()
    if rows and "objective" in rows.pop(0):
        data_sets.append(title)
        times.append({row[:30].strip(): float(row.split()[-4]) for row in rows})

SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky"]
CONTESTANTS = {f"scikit-learn {name}": f"scikit-learn, {name}" for name in SOLVERS}
CONTESTANTS |= {
    f"focal_gamma={g}": f"FocalLogisticRegression, gamma {g}" for g in (0, 2)
}

figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
places = np.arange(len(data_sets))[::-1]
for i, (name, label) in enumerate(CONTESTANTS.items()):
    marker, color = ("o", f"C{i}") if name.startswith("focal") else ("|", f"C{i}")
    there = [name in found for found in times]
    values = [found[name] for found in times if name in found]
    words = {"markersize": 7 if marker == "o" else 12, "markeredgewidth": 2}
    ax.plot(values, places[there], marker, color=color, label=label, **words)
ax.axvline(1.0, color="black", linewidth=1)
ax.set_yticks(places, data_sets)
ax.set(xscale="log", xlabel="time of a fit / that of scikit-learn's fastest solver")
ax.set_xticks([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
ax.xaxis.set_major_formatter("{x:g}")
ax.minorticks_off()
figure.legend(loc="outside upper center", ncols=3, fontsize=9)
