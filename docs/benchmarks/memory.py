"""Memory that a training with the focal loss takes on top of the engine's own log loss.

Run ``python docs/benchmarks/memory.py``, with ``--quick`` only to see that it runs.
Each training has a process of its own, on the same rows. What is printed are bytes per
row and class: the peak of resident memory of the one less that of the other. Both fits
go through the scikit-learn classes, two rounds of trees of 31 leaves, one thread.
"""

import argparse
import resource
import subprocess
import sys

N_FEATURES = 5
CLASSES = (2, 3, 5)
# Kilobytes on Linux, bytes on macOS.
UNIT = 1 if sys.platform == "darwin" else 1024


def rows(n, n_classes):
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    y = rng.integers(0, n_classes, n)
    return X, y


def classifier(engine, focal):
    small = {"n_estimators": 2, "n_jobs": 1}
    if engine == "LightGBM":
        import lightgbm

        from skfocal import FocalLGBMClassifier as Focal

        host, small = lightgbm.LGBMClassifier, small | {"verbosity": -1}
    else:
        import xgboost

        from skfocal import FocalXGBClassifier as Focal

        host, small = xgboost.XGBClassifier, small | {"max_leaves": 31}
    return (Focal if focal else host)(**small)


def train(engine, focal, n, n_classes):
    """Print the peak of this process, in bytes."""
    # Code, compiled kernels and pools come first, for either.
    for kind in (False, True):
        classifier(engine, kind).fit(*rows(2_000, n_classes))
    X, y = rows(n, n_classes)
    classifier(engine, focal).fit(X, y)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT)


def peak(*arguments):
    command = [sys.executable, __file__, "--train", *map(str, arguments)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return int(output.split()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows: a trial")
    parser.add_argument("--train", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        engine, focal, n, n_classes = arguments.train
        train(engine, focal == "True", int(n), int(n_classes))
        return
    # Each process takes seconds to start.
    n, classes = (20_000, CLASSES[:1]) if arguments.quick else (1_000_000, CLASSES)
    print(f"bytes per row and class on top of the log loss, {n:,} rows")
    print(f"{'':12}" + "".join(f"{f'{k} classes':>12}" for k in classes))
    for engine in ("LightGBM", "XGBoost"):
        added = [
            (peak(engine, True, n, k) - peak(engine, False, n, k)) / (n * k)
            for k in classes
        ]
        print(f"{engine:12}" + "".join(f"{value:12.1f}" for value in added))


if __name__ == "__main__":
    main()
