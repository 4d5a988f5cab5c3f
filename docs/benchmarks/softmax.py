"""By what a softmax focal loss is to be multiplied, for engines of absolute penalties.

Run ``python docs/benchmarks/softmax.py``, with ``--quick`` only to see that it runs.
The data sets are those of ``_tables.py`` with several classes and smaller ones, among
them some without noise (car, nursery), where confident rows matter most. Host defaults,
three folds, at most 6,000 rows; log losses of held-out predictions over the host's.

``own`` is what the objective does: (1 + γ)^3 with LightGBM, and with XGBoost
(E0 / E)^(γ / (γ + 3)) of each round's mean expected Hessian E. ``k`` is (1 + γ)^k.
"""

import argparse

import numpy as np
import pandas as pd
from _scores import print_ratios
from _tables import MULTICLASS, SMALLER
from links import ENGINES, focal, host, trial
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split

MOST_ROWS = 6000
# Rarer classes are left out: a fold would lack them.
LEAST = 10
VARIANTS = {"γ=1 own": focal(1.0), "γ=2 own": focal(2.0)}
VARIANTS |= {f"γ=2 k={k}": focal(2.0, power=k) for k in range(4)}


def data_sets():
    for name, loader in (MULTICLASS | SMALLER).items():
        yield name, loader()
    yield "digits", load_digits(return_X_y=True, as_frame=True)


def prepared(X, y):
    """Drop rare classes and what is above the most rows."""
    y = np.unique(y, return_inverse=True)[1]
    kept = np.isin(y, np.flatnonzero(np.bincount(y) >= LEAST))
    X, y = pd.DataFrame(X)[kept], np.unique(y[kept], return_inverse=True)[1]
    if len(y) > MOST_ROWS:
        words = {"train_size": MOST_ROWS, "stratify": y, "random_state": 0}
        X, _, y, _ = train_test_split(X, y, **words)
    return X.reset_index(drop=True), y


def held_out_loss(engine, variant, X, y):
    proba = np.empty((len(y), y.max() + 1))
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    for train, test in folds.split(X, y):
        with trial(engine, variant, y.max() + 1):
            model = engine.make(variant).fit(X.iloc[train], y[train])
        proba[test] = model.predict_proba(X.iloc[test])
    return log_loss(y, proba)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one data set: a trial")
    quick = parser.parse_args().quick
    sets = {name: prepared(X, y) for name, (X, y) in data_sets()}
    if quick:
        X, y = sets["newthyroid"]
        sets = {"newthyroid": (X, y)}
    for title, engine in ENGINES.items():
        results = {}
        for name, (X, y) in sets.items():
            loss = held_out_loss(engine, host(), X, y)
            ratios = (held_out_loss(engine, v, X, y) / loss for v in VARIANTS.values())
            results[name] = list(ratios)
        print_ratios(title, VARIANTS, results, width=16)


if __name__ == "__main__":
    main()
