"""Interleaved timing, shared by the benchmarks."""

from time import perf_counter

import numpy as np


def medians(tasks, repeats):
    """Median seconds of each task, run in turn so that all see the same machine."""
    seconds = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(repeats):
        for name, task in tasks.items():
            start = perf_counter()
            task()
            seconds[name].append(perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}
