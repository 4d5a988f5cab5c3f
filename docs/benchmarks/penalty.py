"""What C is to a linear focal model in the posterior link, next to the log loss.

Run ``python docs/benchmarks/penalty.py``, with ``--quick`` only to see that it runs.
The data sets have few rows or many features, so that the penalty matters: those of
scikit-learn, simulated ones, and 500 rows of those of ``_tables.py``. The focal loss is
multiplied by (1 + γ)^k, which is C multiplied by it. Log losses are those of held-out
predictions in five folds, divided by that of scikit-learn's LogisticRegression at C=1.
"""

import argparse

import numpy as np
import pandas as pd
from _scores import folds, one_hot_features, print_ratios
from _tables import BINARY, MULTICLASS
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline

from skfocal import FocalLogisticRegression
from skfocal.linear_model._objective import scale_of
from skfocal.loss import FocalLoss

GAMMAS, POWERS = (1.0, 2.0), (0, 1, 2)
SEEDS = range(3)
# Rarer classes are left out: a fold would lack them.
LEAST = 10


def simulated(n_classes, seed):
    common = {"n_classes": n_classes, "random_state": seed}
    wide = {"n_samples": 300, "n_features": 100, "n_informative": 20, "flip_y": 0.1}
    noisy = {"n_samples": 500, "n_features": 30, "n_informative": 8, "flip_y": 0.2}
    yield f"100 features, {seed}", make_classification(**wide, **common)
    yield f"noisy labels, {seed}", make_classification(**noisy, **common)


def real(loaders):
    for name, loader in loaders.items():
        X, y = loader()
        X, _, y, _ = train_test_split(X, y, train_size=500, random_state=0)
        kept = np.isin(y, np.flatnonzero(np.bincount(y) >= LEAST))
        X, y = X[kept], np.unique(y[kept], return_inverse=True)[1]
        if len(np.unique(y)) > 1:
            yield name, (X, y)


def two_classes():
    yield "breast cancer", load_breast_cancer(return_X_y=True)
    X, y = load_digits(return_X_y=True)
    yield "digits, 8 or not", (X, (y == 8).astype(int))
    for seed in SEEDS:
        yield from simulated(2, seed)
    yield from real(BINARY)


def several_classes():
    yield "iris", load_iris(return_X_y=True)
    yield "wine", load_wine(return_X_y=True)
    X, y = load_digits(return_X_y=True)
    for n in (200, 600, len(y)):
        yield f"digits, {n} rows", (X[:n], y[:n])
    for seed in SEEDS:
        yield from simulated(4, seed)
    yield from real(MULTICLASS)


def held_out_loss(model, X, y):
    model = make_pipeline(one_hot_features(), model)
    proba = cross_val_predict(model, X, y, cv=folds(X, y), method="predict_proba")
    return log_loss(y, proba)


def ratios(data_sets):
    """Log losses by data set, gamma and power, divided by the host's."""
    for name, (X, y) in data_sets:
        X = pd.DataFrame(X)
        host = held_out_loss(LogisticRegression(max_iter=1000), X, y)
        # What the classifier itself multiplies the loss by.
        own = [scale_of(FocalLoss(g, link="posterior"), y.max() + 1) for g in GAMMAS]
        yield (
            name,
            [
                held_out_loss(FocalLogisticRegression(g, C=(1 + g) ** k / s), X, y)
                / host
                for g, s in zip(GAMMAS, own, strict=True)
                for k in POWERS
            ],
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one data set: a trial")
    quick = parser.parse_args().quick
    kinds = {"Several classes": several_classes()}
    if quick:
        kinds["Several classes"] = [next(kinds["Several classes"])]
    else:
        kinds["Two classes"] = two_classes()
    names = [f"γ={g:g} k={k}" for g in GAMMAS for k in POWERS]
    for title, data_sets in kinds.items():
        print_ratios(title, names, dict(ratios(data_sets)), width=22)


if __name__ == "__main__":
    main()
