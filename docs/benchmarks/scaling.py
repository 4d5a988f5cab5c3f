"""What training costs with the number of rows, on one machine and on two Dask workers.

Run ``python docs/benchmarks/scaling.py``, with ``--quick`` only to see that it runs.
Times that are compared come from interleaved runs; medians are taken. The workers are
processes of the same machine with one thread each, so that both have its two cores: it
shows what a cluster costs, not what more machines would gain.
"""

import argparse
import logging

import dask.array as da
import lightgbm as lgb
import numpy as np
import xgboost as xgb
from _timing import medians
from distributed import Client, LocalCluster, wait
from lightgbm.dask import DaskLGBMClassifier
from xgboost import dask as dxgb

from skfocal import FocalLGBMClassifier, FocalLogisticRegression, FocalXGBClassifier
from skfocal.dask import (
    DaskFocalLGBMClassifier,
    DaskFocalLogisticRegression,
    DaskFocalXGBClassifier,
)

N_FEATURES = 20
THREADS = 2
# Ten million rows take their time.
ROUNDS_BY_SIZE = 20
ROUNDS_OF_WORKERS = 100


def make_data(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    score = X[:, 0] + X[:, 1] * X[:, 2] + np.abs(X[:, 3]) + rng.logistic(size=n)
    return X, (score > 4.5).astype(np.int32)


def on_one_machine(n):
    """Return the fits of the focal loss and of the engines' log loss."""
    X, y = make_data(n)
    words = {"n_estimators": ROUNDS_BY_SIZE, "n_jobs": THREADS}
    models = {
        "LightGBM, log loss": lgb.LGBMClassifier(verbosity=-1, **words),
        "LightGBM, focal loss": FocalLGBMClassifier(verbosity=-1, **words),
        "XGBoost, log loss": xgb.XGBClassifier(**words),
        "XGBoost, focal loss": FocalXGBClassifier(**words),
        "linear, focal loss": FocalLogisticRegression(),
    }
    return {name: lambda m=model: m.fit(X, y) for name, model in models.items()}


def print_rows(sizes, repeats):
    print("One machine: time over that of a tenth as many rows; focal over log loss")
    print(f"{'rows':>10}  {'LightGBM':>16}  {'XGBoost':>16}  {'linear':>8}")
    before = None
    for n in sizes:
        # Ten million rows take long enough to be measured once.
        seconds = medians(on_one_machine(n), repeats if n < 10**7 else 1)
        cells = []
        for engine in ("LightGBM", "XGBoost", "linear"):
            focal, log_loss = (
                seconds.get(f"{engine}, {loss} loss") for loss in ("focal", "log")
            )
            grown = "-" if before is None else f"{focal / before[engine]:.2f}"
            ratio = "" if log_loss is None else f"{focal / log_loss:9.3f}"
            cells.append(f"{grown:>7}{ratio}")
        before = {
            e: seconds[f"{e}, focal loss"] for e in ("LightGBM", "XGBoost", "linear")
        }
        print(f"{n:>10}  " + "  ".join(f"{cell:>16}" for cell in cells), flush=True)


def built_in_xgboost(client, rounds, X, y):
    """XGBoost's own log loss on Dask, from the best constant as the focal loss is."""
    data = dxgb.DaskQuantileDMatrix(client, X, y)
    words = {"objective": "binary:logistic", "base_score": 0.1}
    dxgb.train(client, words, data, rounds, verbose_eval=False)


def on_workers(client, n, rounds):
    X, y = make_data(n)
    blocks = client.persist(
        [da.from_array(a, chunks=(n // 4, *a.shape[1:])) for a in (X, y)]
    )
    wait(blocks)
    words = {"n_estimators": rounds}
    silent, local = words | {"verbosity": -1}, words | {"n_jobs": THREADS}
    return {
        "LightGBM, log loss": lambda: DaskLGBMClassifier(**silent).fit(*blocks),
        "LightGBM, focal loss": lambda: DaskFocalLGBMClassifier(**silent).fit(*blocks),
        "LightGBM, one machine": lambda: FocalLGBMClassifier(**silent | local).fit(
            X, y
        ),
        "XGBoost, log loss": lambda: built_in_xgboost(client, rounds, *blocks),
        "XGBoost, focal loss": lambda: DaskFocalXGBClassifier(**words).fit(
            *blocks, verbose=False
        ),
        "XGBoost, one machine": lambda: FocalXGBClassifier(**local).fit(X, y),
        "linear, focal loss": lambda: DaskFocalLogisticRegression().fit(*blocks),
        "linear, one machine": lambda: FocalLogisticRegression().fit(X, y),
    }


def print_workers(sizes, repeats, rounds):
    print("\nTwo workers: focal loss over log loss there; and over one machine")
    print(f"{'rows':>10}  {'LightGBM':>16}  {'XGBoost':>16}  {'linear':>8}")
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster) as client,
    ):
        for n in sizes:
            seconds = medians(on_workers(client, n, rounds), repeats)
            cells = []
            for engine in ("LightGBM", "XGBoost", "linear"):
                focal = seconds[f"{engine}, focal loss"]
                log_loss = seconds.get(f"{engine}, log loss")
                ratio = "" if log_loss is None else f"{focal / log_loss:7.3f}"
                cells.append(f"{ratio}{focal / seconds[f'{engine}, one machine']:9.2f}")
            print(f"{n:>10}  " + "  ".join(f"{c:>16}" for c in cells), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    repeats = 1 if args.quick else args.repeats
    print_rows([2_000] if args.quick else [10**5, 10**6, 10**7], repeats)
    if args.quick:
        print_workers([2_000], repeats, rounds=2)
    else:
        print_workers([10**5, 10**6], repeats, ROUNDS_OF_WORKERS)


if __name__ == "__main__":
    main()
