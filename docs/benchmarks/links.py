"""Focal classifiers on real tables next to their hosts, by link and gamma.

Run ``python docs/benchmarks/links.py``, with ``--quick`` only to see that it runs. The
tables are those of ``_tables.py``. All variants get the same folds: five, or three of
the tables above 9,000 rows. They have the host's default settings, or stop early: 20 %
of the training folds to watch, patience 30, at most 500 rounds. Linear models get
numbers with medians filled in and standardised, and categories one-hot.

Average precision and ROC AUC are means over the folds, macro over one-vs-rest with
more than two classes. The rest comes from all held-out predictions of a table: log
loss, Brier score, calibration error (10 bins of equal count, mean over classes), and
the mean predicted share of the rarest class over the observed one.
"""

import argparse
import warnings
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import lightgbm as lgb
import numpy as np
from _scores import (
    calibration,
    folds,
    geometric_mean,
    losses,
    one_hot_features,
    ranking,
    sample,
)
from _tables import BINARY, MULTICLASS
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

import skfocal.lightgbm
import skfocal.xgboost
from skfocal import FocalLGBMClassifier, FocalLogisticRegression, FocalXGBClassifier
from skfocal._boosting import objective as boosting_objective

LARGE = 9000
MOST_ROWS = {"flights_cancelled": 30_000, "storms": 6000}
MOST_ROUNDS, PATIENCE = 500, 30
GAMMAS = (0.0, 0.5, 1.0, 2.0, 3.0)
BOUNDS = (0.5, 0.7, 1.0, 2.0, np.inf)
POWERS = range(4)
HOST = "host"


@dataclass(frozen=True)
class Variant:
    """A classifier: a name, its constructor's words, and what isn't a word there.

    ``bound`` replaces b of the Newton weight max(E[h], |g| / b); ``power`` that of
    1 + gamma by which the softmax loss is multiplied.
    """

    name: str
    words: dict[str, Any] = field(default_factory=dict)
    focal: bool = True
    bound: float | None = None
    power: int | None = None


def host(name=HOST, **words):
    return Variant(name, words, focal=False)


def focal(gamma, link="posterior", alpha=None, bound=None, power=None):
    name = f"{link} γ={gamma:g}"
    name += "" if alpha is None else f" {alpha}"
    name += "" if bound is None else f" b={bound:g}"
    name += "" if power is None else f" ×(1+γ)^{power}"
    words = {"focal_gamma": gamma, "focal_alpha": alpha, "focal_link": link}
    return Variant(name, words, bound=bound, power=power)


STEP = host("host max_delta_step=1", max_delta_step=1.0)
LINKS = [focal(gamma, link) for link in ("focal", "posterior") for gamma in GAMMAS]
BALANCED = [focal(2.0, link, "balanced") for link in ("focal", "posterior")]
# One gamma: each compiles kernels of its own.
QUICK = (HOST, BALANCED[1].name, focal(2.0, bound=0.5).name)
EARLY = [focal(2.0, "focal"), *map(focal, (0.0, 1.0, 2.0)), BALANCED[1]]


@dataclass(frozen=True)
class Engine:
    """A host, its focal classifier and the words that both get."""

    host: type
    focal: type
    words: dict[str, Any]
    objective: type | None = None

    def make(self, variant, **words):
        cls = self.focal if variant.focal else self.host
        return cls(**self.words, **variant.words, **words)


ENGINES = {
    "LightGBM": Engine(
        LGBMClassifier,
        FocalLGBMClassifier,
        {"n_jobs": 1, "verbosity": -1},
        skfocal.lightgbm.FocalObjective,
    ),
    "XGBoost": Engine(
        XGBClassifier,
        FocalXGBClassifier,
        {"n_jobs": 1, "verbosity": 0, "enable_categorical": True},
        skfocal.xgboost.FocalObjective,
    ),
}
LINEAR = Engine(LogisticRegression, FocalLogisticRegression, {"max_iter": 1000})


def variants_of(engine, early, n_classes):
    if engine is LINEAR:
        return [host(), *LINKS, *BALANCED]
    if early:
        return [host(), STEP, *EARLY]
    return [host(), STEP, *LINKS, *BALANCED, *trials(engine.objective, n_classes)]


def trials(objective, n_classes):
    """Other bounds and softmax scales than the objective's own."""
    if n_classes == 2:
        yield from (focal(2.0, bound=b) for b in BOUNDS if b != 1.0)
        yield from (focal(gamma, bound=b) for gamma in (0.0, 1.0) for b in (0.7, 2.0))
        return
    bounds = (bound for bound in BOUNDS if bound != objective._softmax_bound)
    yield from (focal(2.0, bound=bound) for bound in bounds)
    yield from (focal(2.0, power=power) for power in POWERS)


def trial(engine, variant, n_classes):
    """Try what users can't choose: private constants of the package are replaced."""
    stack = ExitStack()
    if variant.bound is not None and n_classes == 2:
        floors = boosting_objective._FLOORS["posterior"]
        stack.enter_context(patch.dict(floors, bounded=1.0 / variant.bound))
    elif variant.bound is not None:
        own = patch.object(engine.objective, "_softmax_bound", variant.bound)
        stack.enter_context(own)
    if variant.power is not None:
        scale = (1.0 + variant.words["focal_gamma"]) ** variant.power
        own = patch.object(engine.objective, "_softmax_scale", lambda *_: scale)
        stack.enter_context(own)
    return stack


def fit(engine, variant, train, valid):
    """Fit a classifier; on ``valid``, if given, it stops early."""
    if valid is None:
        return engine.make(variant).fit(*train)
    if engine.host is LGBMClassifier:
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        model = engine.make(variant, n_estimators=MOST_ROUNDS)
        return model.fit(*train, eval_set=[valid], callbacks=[stop])
    words = {"n_estimators": MOST_ROUNDS, "early_stopping_rounds": PATIENCE}
    return engine.make(variant, **words).fit(*train, eval_set=[valid], verbose=False)


def predictions(model, variant, X):
    """Held-out probabilities by name, also those without the shift at the end."""
    yield variant.name, model.predict_proba(X)
    shifted = np.any(getattr(model, "calibration_shift_", 0.0))
    if shifted and variant.bound is None and variant.power is None:
        raw = model.decision_function(X) - model.calibration_shift_
        yield f"{variant.name}, no shift", model.loss_.predict_proba(raw)


def fold_data(engine, early, X, y, train, test):
    """Training, validation and test data of a fold as the engine takes them."""
    X_train, X_test, y_train = X.iloc[train], X.iloc[test], y[train]
    if engine is LINEAR:
        features = one_hot_features().fit(X_train)
        X_train, X_test = features.transform(X_train), features.transform(X_test)
    if not early:
        return (X_train, y_train), None, X_test
    words = {"test_size": 0.2, "stratify": y_train, "random_state": 0}
    X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, **words)
    return (X_train, y_train), (X_val, y_val), X_test


def measure(engine, early, variants, X, y, splits):
    """Scores of each variant on one table."""
    n_classes = len(np.unique(y))
    held_out = {}
    for train, test in splits:
        data, valid, X_test = fold_data(engine, early, X, y, train, test)
        for variant in variants:
            with trial(engine, variant, n_classes):
                model = fit(engine, variant, data, valid)
            for name, proba in predictions(model, variant, X_test):
                held_out.setdefault(name, []).append(proba.astype(float))
    tests = [test for _, test in splits]
    return {name: scores(y, tests, probas) for name, probas in held_out.items()}


def scores(y, tests, probas):
    rankings = [ranking(y[test], p) for test, p in zip(tests, probas, strict=True)]
    y, proba = y[np.concatenate(tests)], np.concatenate(probas)
    names = ("AP", "AUC", "log loss", "Brier", "ECE", "share")
    values = (*np.mean(rankings, axis=0), *losses(y, proba), *calibration(y, proba))
    return dict(zip(names, values, strict=True))


def print_block(title, results):
    """Print a row a variant; ``results`` has its scores by table and variant."""
    print(f"\n{title}, tables: {len(results)}")
    head = f"{'':34}{'AP - host':>15}{'AUC':>7}{'log loss':>10}  {'worst':24}"
    print(head + f"{'better':>6}{'Brier':>7}{'ECE':>8}  pred. / obs. [from, to]")
    for name in next(iter(results.values())):
        if name == HOST:
            print_host(results)
        else:
            print_variant(name, results)


def column(results, name, score):
    return np.array([table[name][score] for table in results.values()])


def share(results, name):
    values = column(results, name, "share")
    return f"{values.mean():8.3f} [{values.min():.2f}, {values.max():.2f}]"


def print_host(results):
    own = {key: column(results, HOST, key).mean() for key in ("AP", "AUC", "Brier")}
    loss = column(results, HOST, "log loss").mean()
    error = column(results, HOST, "ECE").mean()
    line = f"{'host: means':34}{own['AP']:15.4f}{own['AUC']:7.3f}{loss:10.4f}"
    line += f"  {'':30}{own['Brier']:7.3f}{error:8.4f}"
    print(line + share(results, HOST), flush=True)


def print_variant(name, results):
    pairs = {
        key: (column(results, name, key), column(results, HOST, key))
        for key in ("AP", "AUC", "log loss", "Brier", "ECE")
    }
    gain = pairs["AP"][0] - pairs["AP"][1]
    spread = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else 0.0
    area = np.mean(pairs["AUC"][0] - pairs["AUC"][1])
    ratio = pairs["log loss"][0] / pairs["log loss"][1]
    brier = geometric_mean(pairs["Brier"][0] / pairs["Brier"][1])
    error = np.mean(pairs["ECE"][0] - pairs["ECE"][1])
    worst = f"{ratio.max():.3f} {list(results)[ratio.argmax()]}"
    line = f"{name:34}{gain.mean():+8.4f} ±{spread:6.4f}{area:+7.3f}"
    line += f"{geometric_mean(ratio):10.3f}  {worst:24}{np.sum(ratio < 1.0):6}"
    print(line + f"{brier:7.3f}{error:+8.4f}" + share(results, name), flush=True)


TABLE_COLUMNS = {
    "γ=0": "posterior γ=0",
    "γ=2": "posterior γ=2",
    "balanced": "posterior γ=2 balanced",
    "no shift": "posterior γ=2, no shift",
    "bal., no sh.": "posterior γ=2 balanced, no shift",
}


def print_tables(title, results):
    """Print what the means hide: each table, in the posterior link."""
    names = {"host": HOST} | TABLE_COLUMNS
    first = next(iter(results.values()))
    names = {head: name for head, name in names.items() if name in first}
    print(f"\n{title}, table by table: predicted / observed | log loss / host's")
    heads = "".join(f"{head:>13}" for head in names)
    print(f"{'':20}{heads}  |{heads[13:]}")
    for table, rows in results.items():
        shares = "".join(f"{rows[name]['share']:13.3f}" for name in names.values())
        losses = [rows[name]["log loss"] for name in names.values()]
        ratios = "".join(f"{loss / losses[0]:13.3f}" for loss in losses[1:])
        print(f"{table:20}{shares}  |{ratios}", flush=True)


def load(loaders):
    """Tables and their folds, the largest ones sampled."""
    tables = {}
    for name, loader in loaders.items():
        X, y = loader()
        n_folds = 3 if len(y) > LARGE else 5
        if name in MOST_ROWS:
            X, y = sample(X, y, MOST_ROWS[name])
        tables[name] = X, y, folds(X, y, n_folds)
    return tables


def quick_tables():
    """A few rows of a binary and of a multiclass table, one fold each."""
    for loaders, name in ((BINARY, "hmda"), (MULTICLASS, "hpc")):
        X, y = sample(*loaders[name](), 600)
        yield {name: (X, y, folds(X, y)[:1])}


def run(kind, tables, quick):
    n_classes = 2 if kind == "binary" else 3
    settings = [(*pair, early) for early in (False, True) for pair in ENGINES.items()]
    for name, engine, early in [*settings, ("Linear model", LINEAR, False)]:
        variants = variants_of(engine, early, n_classes)
        if quick:
            variants = [variant for variant in variants if variant.name in QUICK]
        results = {
            table: measure(engine, early, variants, *data)
            for table, data in tables.items()
        }
        title = f"{name}, {kind}, {'early-stopped' if early else 'default settings'}"
        print_block(title, results)
        if not quick:
            print_tables(title, results)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and few: a trial")
    quick = parser.parse_args().quick
    # LightGBM will rename eval_set.
    warnings.simplefilter("ignore", FutureWarning)
    print("Against the host: mean differences, geometric means of ratios over tables.")
    print("Better: tables of less log loss. After ±: standard error over tables.")
    binary, multiclass = quick_tables() if quick else map(load, (BINARY, MULTICLASS))
    run("binary", binary, quick)
    run("multiclass", multiclass, quick)


if __name__ == "__main__":
    main()
