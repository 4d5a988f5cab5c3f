"""What training with the focal loss costs next to the engines' built-in losses.

Run ``python docs/benchmarks/boosting.py``, with ``--quick`` only to see that it runs.
All times of a table come from interleaved runs in one process; medians are compared.
"""

import argparse
from functools import partial

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from _timing import medians
from scipy.special import expit

from skfocal import FocalLGBMClassifier, FocalLoss, FocalXGBClassifier, xgboost
from skfocal.lightgbm import FocalObjective

N_FEATURES = 30
PARAMS = {"num_threads": 2, "verbosity": -1, "num_leaves": 31}


def naive_objective(preds, train_set):
    """The focal loss as its users write it today, for gamma 2 and no alpha."""
    y, gamma = train_set.get_label(), 2.0
    p = expit(preds)
    pt = np.where(y == 1, p, 1 - p)
    sign, q = 2 * y - 1, 1 - pt
    L = -np.log(pt)
    gradient = -sign * q**gamma * (gamma * pt * L + q)
    hessian = q**gamma * pt * ((1 + 2 * gamma) * q + gamma * (gamma * pt - q) * L)
    return gradient, np.maximum(hessian, 1e-16)


def naive_multiclass_objective(preds, train_set):
    y, gamma = train_set.get_label().astype(int), 2.0
    e = np.exp(preds - preds.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    pt = np.clip(p[np.arange(len(y)), y], 1e-15, 1 - 1e-15)
    q, L = 1 - pt, -np.log(pt)
    d = p - np.eye(preds.shape[1])[y]
    A = q ** (gamma - 1) * (gamma * pt * L + q)
    B = gamma * pt * q ** (gamma - 2) * (2 * q + (gamma * pt - 1) * L)
    hessian = A[:, None] * p * (1 - p) + B[:, None] * d**2
    return A[:, None] * d, np.maximum(hessian, 1e-16)


def make_data(n, n_classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    weights = rng.normal(size=(N_FEATURES, n_classes))
    score = X @ weights + np.abs(X[:, :n_classes]) + 2 * rng.gumbel(size=(n, n_classes))
    score[:, 0] += 8.0  # the other classes are rare
    return X, score.argmax(axis=1)


def print_table(title, tasks, rounds, repeats):
    seconds = medians(tasks, repeats)
    first = next(iter(seconds.values()))
    print(f"\n{title}")
    print(f"{'':38}{'ratio':>8}{'ms a round':>12}")
    for name, value in seconds.items():
        print(f"{name:38}{value / first:8.3f}{1e3 * value / rounds:12.1f}")


def objectives(Objective):
    """The default, another gamma, the other link, and the built-in's very trees."""
    return {
        "FocalObjective(2.0)": Objective(2.0),
        "FocalObjective(1.7)": Objective(1.7),
        "FocalObjective(2.0, link='focal')": Objective(2.0, link="focal"),
        "FocalObjective(0.0, 'expected')": Objective(0.0, hessian="expected"),
    }


def training_tasks(n, n_classes, rounds):
    X, y = make_data(n, n_classes)
    data = lgb.Dataset(X, y, params={"verbosity": -1}).construct()
    classes = {} if n_classes == 2 else {"num_class": n_classes}
    built_in = "binary" if n_classes == 2 else "multiclass"
    naive = naive_objective if n_classes == 2 else naive_multiclass_objective

    def train(objective):
        params = PARAMS | classes | {"objective": objective}
        return lambda: lgb.train(params, data, rounds)

    tasks = {f"built-in {built_in}": train(built_in)}
    tasks |= {name: train(each) for name, each in objectives(FocalObjective).items()}
    return tasks | {"naive NumPy objective": train(naive)}


def xgboost_tasks(n, n_classes, rounds):
    X, y = make_data(n, n_classes)
    data = xgb.QuantileDMatrix(X, y, nthread=2)
    words = {"nthread": 2, "objective": "binary:logistic", "base_score": 0.5}
    if n_classes > 2:
        words |= {"objective": "multi:softprob", "num_class": n_classes}
        words["base_score"] = [0.0] * n_classes
    naive = naive_objective if n_classes == 2 else naive_multiclass_objective

    def train(objective, loss=None):
        start = {} if loss is None else {"base_score": start_of(loss, y)}
        return lambda: xgb.train(words | start, data, rounds, obj=objective)

    tasks = {f"built-in {words['objective']}": train(None)}
    for name, each in objectives(xgboost.FocalObjective).items():
        tasks[name] = train(each, each.loss if each.loss.gamma else None)
    focal = FocalLoss(2.0)
    return tasks | {"naive NumPy objective": train(naive, focal)}


def start_of(loss, y):
    start = loss.fit_intercept_only(y)
    return float(expit(start)) if np.ndim(start) == 0 else start.tolist()


def peer_tasks(n, rounds):
    """The built-in loss, this package, and imlightgbm 0.1.2 from PyPI."""
    from imlightgbm.objective import binary_focal_lgb_objective

    tasks = training_tasks(n, 2, rounds)
    X, y = make_data(n, 2)
    data = lgb.Dataset(X, y, params={"verbosity": -1}).construct()
    objective = partial(binary_focal_lgb_objective, gamma=2.0)
    words = PARAMS | {"objective": objective}
    return {
        "built-in binary": tasks["built-in binary"],
        "FocalObjective(2.0)": tasks["FocalObjective(2.0)"],
        "imlightgbm": lambda: lgb.train(words, data, rounds),
    }


def fit_tasks(n, rounds, engine):
    X, y = make_data(n, 2)
    words = {"n_estimators": rounds, "n_jobs": 2}
    if engine == "XGBoost":
        return {
            "XGBClassifier.fit": lambda: xgb.XGBClassifier(**words).fit(X, y),
            "FocalXGBClassifier.fit": lambda: FocalXGBClassifier(**words).fit(X, y),
        }
    words["verbosity"] = -1
    return {
        "LGBMClassifier.fit": lambda: lgb.LGBMClassifier(**words).fit(X, y),
        "FocalLGBMClassifier.fit": lambda: FocalLGBMClassifier(**words).fit(X, y),
    }


def callback_tasks(n):
    """One call of an objective, as lgb.train makes it."""
    X, y = make_data(n, 2)
    data = lgb.Dataset(X, y, params={"verbosity": -1}).construct()
    raw = np.random.default_rng(0).normal(scale=2, size=n)
    objective = FocalObjective(2.0)
    return {
        "naive NumPy objective": lambda: naive_objective(raw, data),
        "FocalObjective(2.0)": lambda: objective(raw, data),
    }


def print_engine(engine, n, rounds, repeats):
    tasks = training_tasks if engine == "LightGBM" else xgboost_tasks
    title = f"{engine}, {n} rows, {N_FEATURES} features, 2 threads"
    print_table(f"{title}, train", tasks(n, 2, rounds), rounds, repeats)
    few = f"{engine}, {n // 5} rows, {N_FEATURES} features, 5 classes, 2 threads, train"
    print_table(few, tasks(n // 5, 5, rounds), rounds, repeats)
    fit_rounds = 3 * rounds
    fits = fit_tasks(n, fit_rounds, engine)
    print_table(f"{title}, fit, a round", fits, fit_rounds, repeats)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and few: a trial")
    parser.add_argument("--peers", action="store_true", help="only imlightgbm's")
    parser.add_argument("--engine", choices=["LightGBM", "XGBoost"], help="only its")
    parser.add_argument("--repeats", type=int, default=11)
    options = parser.parse_args()
    n, rounds, repeats = 1_000_000, 20, options.repeats
    if options.quick:
        n, rounds, repeats = 20_000, 3, 1
    title = f"LightGBM, {n} rows, {N_FEATURES} features, 2 threads"
    if options.peers:
        print_table(f"{title}, train", peer_tasks(n, rounds), rounds, repeats)
        return
    for engine in ["LightGBM", "XGBoost"] if not options.engine else [options.engine]:
        print_engine(engine, n, rounds, repeats)
    if options.engine is None:
        print_table(f"{title}, the callback alone", callback_tasks(n), 1, repeats)


if __name__ == "__main__":
    main()
