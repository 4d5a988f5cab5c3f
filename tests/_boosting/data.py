"""The data that the tests of the boosting engines train on."""

import numpy as np
import pandas as pd
from scipy.special import expit, softmax
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split


def table(n_classes=2, n=600, seed=0):
    return make_classification(
        n, 6, n_informative=4, n_classes=n_classes, flip_y=0.1, random_state=seed
    )


def weighted_table(n_classes, n=1500):
    X, y = make_classification(
        n, 8, n_informative=5, n_classes=n_classes, flip_y=0.1, random_state=0
    )
    return X, y, np.random.default_rng(0).uniform(0.2, 3.0, n)


def rare_table(n_classes):
    """Where a class is rare, bounded and absolute Newton weights differ."""
    X, y = table(n_classes)
    rare = (y == 1) & (np.arange(len(y)) % 20 > 0)
    return X[~rare], y[~rare]


def split(n_classes=2):
    """Return X, X_val, y, y_val."""
    X, y = table(n_classes, n=1200)
    return train_test_split(X, y, random_state=0)


def frame(n=400, seed=0):
    """Numbers, categories and missing values."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], n)),
            "age": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        }
    )
    y = (X["size"] + (X["colour"] == "red") + rng.normal(size=n) / 4 > 0.5).to_numpy()
    return X, y


def recoded(X):
    """Return the same table with other codes of its categories."""
    colour = X["colour"].cat.reorder_categories(["red", "green", "blue"])
    return X.assign(colour=colour)


def link(raw):
    return expit(raw) if raw.ndim == 1 else softmax(raw, axis=1)
