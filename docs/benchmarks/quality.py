"""Does the focal loss predict better? Real imbalanced data, the same folds for all.

Run ``python docs/benchmarks/quality.py``, with ``--quick`` only to see that it runs. It
writes ``quality.csv``, the scores of each fold, and prints what they say;
``--summary`` only prints. The data are those of ``_tables.py`` (20,000 rows of
flights_cancelled, 4,000 of storms, drawn by class). Five folds.

Contestants: the engine's own classifier (host); the same with bounded steps,
max_delta_step=1; with the rare class weighted up (scale_pos_weight, or
class_weight="balanced" with more than two classes); the focal classifier at five
gammas, and with that of 0, 1, 2 and 3 which has the least log loss in three inner folds
(γ chosen).

Settings: "default" has the engine's parameters as they come. "tuned" chooses among
three sizes of tree (7, 15, 31 leaves; depth 2, 4, 6), at a learning rate of .1 and up
to 500 rounds, by the log loss of an inner fifth of the training rows that also stops
the training, and trains again on all of them; gamma, where it is chosen, along with
the size. Linear models have numbers with medians filled in and standardised, categories
one-hot, and, tuned, the C of least log loss in three inner folds.

CatBoost has 300 rounds at a learning rate of .1, and else its defaults: its log loss;
its Focal (gamma 2, alpha .25), whose sigmoid it calls a probability; and the raw
predictions of the same model through ``FocalLoss.predict_proba``.

Average precision (AP), ROC AUC and F1 are of the positive class, or means over classes.
The threshold of F1 is the best one on the held-out rows of the other folds. Calibration
error (ten bins of equal count) and the mean predicted probability of the rarest class
over its share are of all held-out rows of a data set.
"""

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from _scores import (
    bounded,
    calibration,
    folds,
    geometric_mean,
    losses,
    one_hot_features,
    ranking,
    sample,
)
from _tables import BINARY, MULTICLASS
from joblib import Parallel, delayed
from lightgbm import LGBMClassifier
from scipy import special
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss, precision_recall_curve
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier

from skfocal import (
    FocalLGBMClassifier,
    FocalLogisticRegression,
    FocalLoss,
    FocalXGBClassifier,
)

CSV = Path(__file__).with_name("quality.csv")
MOST_ROWS = {"flights_cancelled": 20_000, "storms": 4_000}
GAMMAS = (0.0, 0.5, 1.0, 2.0, 3.0)
CHOICE = (0.0, 1.0, 2.0, 3.0)
COSTS = np.logspace(-3, 2, 6)
MOST_ROUNDS, PATIENCE = 500, 30
HOST, STEP, WEIGHTED, CHOSEN = "host", "max_delta_step=1", "weighted", "γ chosen"
RAW, RECOVERED = "Focal, its sigmoid", "Focal, recovered"
METRICS = ("AP", "AUC", "log loss", "Brier", "F1", "ECE", "share")


@dataclass(frozen=True)
class Contestant:
    """A classifier by its parameters; ``gammas`` are chosen from by log loss."""

    name: str
    focal: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    gammas: tuple[float, ...] = ()


HOSTS = [
    Contestant(HOST),
    Contestant(STEP, parameters={"max_delta_step": 1.0}),
    Contestant(WEIGHTED),
]
FIXED = [Contestant(f"γ={g:g}", True, {"focal_gamma": g}) for g in GAMMAS]
BY_LOSS = Contestant(CHOSEN, True, gammas=CHOICE)


@dataclass(frozen=True)
class Engine:
    """A host, its focal classifier, and the parameters that both get."""

    host: type
    focal: type
    parameters: dict[str, Any]
    trees: tuple[dict[str, int], ...] = ()

    def make(self, contestant, **parameters):
        cls = self.focal if contestant.focal else self.host
        return cls(**self.parameters, **contestant.parameters, **parameters)


ENGINES = {
    "LightGBM": Engine(
        LGBMClassifier,
        FocalLGBMClassifier,
        {"n_jobs": 1, "verbosity": -1, "random_state": 0},
        tuple({"num_leaves": leaves} for leaves in (7, 15, 31)),
    ),
    "XGBoost": Engine(
        XGBClassifier,
        FocalXGBClassifier,
        {"n_jobs": 1, "verbosity": 0, "enable_categorical": True, "random_state": 0},
        tuple({"max_depth": depth} for depth in (2, 4, 6)),
    ),
    "linear": Engine(LogisticRegression, FocalLogisticRegression, {"max_iter": 1000}),
}


def contestants(name, settings, quick):
    hosts = [each for each in HOSTS if name != "linear" or each.name != STEP]
    few = [each for each in FIXED if each.name == "γ=2"]
    if quick:
        return [*hosts, *few]
    return [*hosts, *(FIXED if settings == "default" else few), BY_LOSS]


def weights(engine, contestant, y):
    """Parameters and fit's parameters that weigh the rare classes up, if asked to."""
    if contestant.name != WEIGHTED:
        return {}, {}
    if y.max() == 1 and engine.trees:
        return {"scale_pos_weight": np.sum(y == 0) / np.sum(y == 1)}, {}
    if engine.host is XGBClassifier:
        return {}, {"sample_weight": compute_sample_weight("balanced", y)}
    return {"class_weight": "balanced"}, {}


def fit_default(engine, contestant, X, y, grid=None):
    """Fit, after a search by inner log loss if there is something to choose."""
    parameters, fit_parameters = weights(engine, contestant, y)
    model = engine.make(contestant, **parameters)
    grid = dict(grid or {})
    if contestant.gammas:
        grid["focal_gamma"] = list(contestant.gammas)
    if not grid:
        return model.fit(X, y, **fit_parameters)
    inner = StratifiedKFold(3, shuffle=True, random_state=1)
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=inner)
    return search.fit(X, y, **fit_parameters).best_estimator_


def fit_tuned(engine, contestant, X, y):
    """Choose trees, rounds and gamma on an inner fifth of the rows, then fit on all."""
    if not engine.trees:
        return fit_default(engine, contestant, X, y, grid={"C": COSTS})
    parts = train_test_split(X, y, test_size=0.2, stratify=y, random_state=1)
    gammas = [{"focal_gamma": gamma} for gamma in contestant.gammas] or [{}]
    tried = []
    for trees, gamma in product(engine.trees, gammas):
        point = {"learning_rate": 0.1} | trees | gamma
        loss, rounds = try_point(engine, contestant, point, *parts)
        tried.append((loss, len(tried), point | {"n_estimators": rounds}))
    own, fit_parameters = weights(engine, contestant, y)
    model = engine.make(contestant, **own, **min(tried)[-1])
    return model.fit(X, y, **fit_parameters)


def try_point(engine, contestant, point, X, X_val, y, y_val):
    """Log loss of held-out rows and the rounds taken, with early stopping."""
    own, fit_parameters = weights(engine, contestant, y)
    # Who weighs the rare class up watches the loss that is weighed so.
    balance = "balanced" if contestant.name == WEIGHTED else None
    w_val = compute_sample_weight(balance, y_val)
    point = point | own | {"n_estimators": MOST_ROUNDS}
    fit_parameters = fit_parameters | {"eval_set": [(X_val, y_val)]}
    if engine.host is LGBMClassifier:
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        fit_parameters |= {"callbacks": [stop], "eval_sample_weight": [w_val]}
    else:
        point["early_stopping_rounds"] = PATIENCE
        fit_parameters |= {"verbose": False, "sample_weight_eval_set": [w_val]}
    model = engine.make(contestant, **point).fit(X, y, **fit_parameters)
    proba = bounded(model.predict_proba(X_val).astype(float))
    loss = log_loss(y_val, proba, sample_weight=w_val, labels=range(y.max() + 1))
    return loss, rounds_of(model)


def rounds_of(model):
    """Return the rounds up to the best one, at least one."""
    if isinstance(model, LGBMClassifier):
        return max(model.best_iteration_, 1)
    return model.best_iteration + 1


def of_engine(name, settings, X, y, X_test, quick=False):
    """Held-out probabilities of each contestant."""
    engine = ENGINES[name]
    if name == "linear":
        features = one_hot_features().fit(X)
        X, X_test = features.transform(X), features.transform(X_test)
    fit = fit_default if settings == "default" else fit_tuned
    for contestant in contestants(name, settings, quick):
        model = fit(engine, contestant, X, y)
        yield contestant.name, model.predict_proba(X_test).astype(float)


def of_catboost(_, settings, X, y, X_test):
    """CatBoost's log loss and its Focal, as it comes and with one call more."""
    from catboost import CatBoostClassifier

    text = list(X.select_dtypes("category"))
    X, X_test = (with_texts(data, text) for data in (X, X_test))
    common = {"iterations": 300, "learning_rate": 0.1, "cat_features": text}
    common |= {"verbose": False, "thread_count": 1, "allow_writing_files": False}
    host = CatBoostClassifier(loss_function="Logloss", **common).fit(X, y)
    yield HOST, host.predict_proba(X_test)
    focal = "Focal:focal_alpha=0.25;focal_gamma=2.0"
    model = CatBoostClassifier(loss_function=focal, **common).fit(X, y)
    raw = model.predict(X_test, prediction_type="RawFormulaVal")
    yield RAW, special.expit(np.column_stack([-raw, raw]))
    yield RECOVERED, FocalLoss(2.0, 0.25).predict_proba(raw)


def with_texts(X, text):
    # CatBoost takes categories as strings, and none that is missing.
    filled = X[text].astype(object).fillna("missing").astype(str)
    return X.assign(**filled)


@dataclass(frozen=True)
class Task:
    """One data set for one engine at one setting, as a row of the table names it."""

    kind: str
    engine: str
    settings: str
    data: str

    def scores(self, predictions, X, y, splits):
        """Return a row of scores for each contestant and fold."""
        held_out = {}
        for train, test in splits:
            arguments = X.iloc[train], y[train], X.iloc[test]
            for name, p in predictions(self.engine, self.settings, *arguments):
                held_out.setdefault(name, []).append(p)
        tests = [test for _, test in splits]
        head = [self.kind, self.engine, self.settings, self.data]
        for name, probas in held_out.items():
            for fold, values in enumerate(by_fold(y, tests, probas)):
                yield [*head, name, fold, *values]


COLUMNS = ["kind", "engine", "settings", "data", "contestant", "fold", *METRICS]


def by_fold(y, tests, probas):
    """Scores of each fold; those of the calibration are of all folds together."""
    together = calibration(y[np.concatenate(tests)], np.concatenate(probas))
    for fold, (test, p) in enumerate(zip(tests, probas, strict=True)):
        others = [i for i in range(len(tests)) if i != fold]
        rest = y[np.concatenate([tests[i] for i in others])]
        thresholds = best_thresholds(rest, np.concatenate([probas[i] for i in others]))
        own = *ranking(y[test], p), *losses(y[test], p), f1(y[test], p, thresholds)
        yield *own, *together


def classes_of(proba):
    return [1] if proba.shape[1] == 2 else range(proba.shape[1])


def best_thresholds(y, proba):
    """Return the threshold of largest F1 of each class that is scored."""
    found = {}
    for k in classes_of(proba):
        precision, recall, thresholds = precision_recall_curve(y == k, proba[:, k])
        both, sums = precision * recall, precision + recall
        halves = np.divide(both, sums, np.zeros_like(sums), where=sums > 0)
        found[k] = thresholds[np.argmax(halves[:-1])]
    return found


def f1(y, proba, thresholds):
    return np.mean([f1_score(y == k, proba[:, k] >= t) for k, t in thresholds.items()])


def load(kind, quick):
    """Yield the name, the data and the folds of each data set of a kind."""
    loaders = BINARY if kind == "binary" else MULTICLASS
    few = {"binary": "hmda", "multiclass": "hpc"}[kind]
    for name, loader in loaders.items():
        if quick and name != few:
            continue
        X, y = loader()
        if quick or name in MOST_ROWS:
            X, y = sample(X, y, 500 if quick else MOST_ROWS[name])
        yield name, X, y, folds(X, y)[: 2 if quick else 5]


def tasks(kind, name, quick):
    settings_of_trial = ("tuned",) if quick else ("default", "tuned")
    for settings, engine in product(settings_of_trial, ENGINES):
        yield Task(kind, engine, settings, name), partial(of_engine, quick=quick)
    # A trial does without CatBoost, which is slow.
    if kind == "binary" and not quick:
        yield Task(kind, "CatBoost", "default", name), of_catboost


def run_task(task, predictions: Callable, X, y, splits):
    # LightGBM will rename eval_set.
    warnings.simplefilter("ignore", FutureWarning)
    return list(task.scores(predictions, X, y, splits))


def measure(kinds, quick):
    """Yield the scores of a task as soon as it is done."""
    calls = [
        delayed(run_task)(task, predictions, X, y, splits)
        for kind in kinds
        for name, X, y, splits in load(kind, quick)
        for task, predictions in tasks(kind, name, quick)
    ]
    yield from Parallel(n_jobs=1 if quick else 2, return_as="generator")(calls)


def paired(block, name, metric):
    """Difference to the host by data set: mean and standard error over the folds."""
    wide = block.pivot(index=["data", "fold"], columns="contestant", values=metric)
    by_data = (wide[name] - wide[HOST]).groupby("data", sort=False)
    return by_data.mean(), by_data.sem().fillna(0.0)


def outcomes(block, name, metric, sign=1.0):
    """Wins, ties and losses: a difference counts from two standard errors on."""
    mean, error = paired(block, name, metric)
    better, worse = sign * mean > 2 * error, sign * mean < -2 * error
    return f"{better.sum()}/{len(mean) - better.sum() - worse.sum()}/{worse.sum()}"


def difference(block, name, metric):
    """Difference to the host: mean and standard error over the data sets."""
    mean, _ = paired(block, name, metric)
    return f"{mean.mean():+.3f} ±{mean.sem() if len(mean) > 1 else 0.0:.3f}"


def by_data_set(block, name, metric):
    return block[block.contestant == name].groupby("data", sort=False)[metric].mean()


def ratio(block, name, metric):
    """Geometric mean, worst value and its data set, of what is over the host's."""
    ratios = by_data_set(block, name, metric) / by_data_set(block, HOST, metric)
    return geometric_mean(ratios), ratios.max(), ratios.idxmax()


HEAD = (
    f"{'':20}{'AP - host':>14}{'w/t/l':>8}{'AUC - host':>15}{'F1 - host':>15}"
    f"{'w/t/l':>8}{'log loss':>10}{'w/t/l':>8}  {'worst':24}{'Brier':>6}{'ECE':>7}"
    "  pred. / obs."
)
EXPLANATION = """\
AP, AUC, F1: mean difference to the host ± standard error over the data sets. Log loss,
Brier: geometric mean of the ratio to the host's. w/t/l: data sets won, tied, lost; a
difference below two standard errors over the folds is a tie. pred. / obs.: predicted
share of the rarest class over the observed one, mean over the data sets and range."""


def print_block(title, block):
    """Print a line a contestant, next to the host of the same settings."""
    means = block[block.contestant == HOST][list(METRICS)].mean()
    print(f"\n{title}, data sets: {block.data.nunique()}. Means of the host: ", end="")
    print(", ".join(f"{name} {means[name]:.3f}" for name in METRICS[:-2]))
    print(HEAD)
    for name in block.contestant.unique():
        line = f"{name:20}"
        if name == HOST:
            line += " " * 108
        else:
            line += compared(block, name)
        shares = by_data_set(block, name, "share")
        line += f"{by_data_set(block, name, 'ECE').mean():7.4f}{shares.mean():7.2f}"
        print(f"{line} [{shares.min():.2f}, {shares.max():.2f}]")


def compared(block, name):
    loss, worst, where = ratio(block, name, "log loss")
    worst = f"{worst:.3f} {where}"
    return (
        f"{difference(block, name, 'AP'):>14}{outcomes(block, name, 'AP'):>8}"
        f"{difference(block, name, 'AUC'):>15}"
        f"{difference(block, name, 'F1'):>15}{outcomes(block, name, 'F1'):>8}"
        f"{loss:10.3f}{outcomes(block, name, 'log loss', -1.0):>8}  {worst:24}"
        f"{ratio(block, name, 'Brier')[0]:6.3f}"
    )


def print_summary(results):
    print(EXPLANATION)
    names = ["kind", "engine", "settings"]
    for (kind, engine, settings), block in results.groupby(names, sort=False):
        print_block(f"{engine}, {kind}, {settings}", block)


def save(results, kinds):
    """Write the scores, and keep those of the other kind of data sets."""
    before = pd.read_csv(CSV)
    results = pd.concat([results, before[~before["kind"].isin(kinds)]])
    results.to_csv(CSV, index=False, float_format="%.5g")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and few: a trial")
    parser.add_argument("--summary", action="store_true", help="of what is there")
    parser.add_argument("--kind", choices=["binary", "multiclass"], help="only its")
    options = parser.parse_args()
    if options.summary:
        print_summary(pd.read_csv(CSV))
        return
    kinds = [options.kind] if options.kind else ["binary", "multiclass"]
    rows = []
    for part in measure(kinds, options.quick):
        rows += part
        results = pd.DataFrame(rows, columns=COLUMNS)
        if not options.quick:
            save(results, kinds)
    print_summary(results)


if __name__ == "__main__":
    main()
