"""The two boosted classifiers on Dask, and data for them."""

from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
from sklearn.datasets import make_classification

import skfocal
from skfocal.dask import DaskFocalLGBMClassifier, DaskFocalXGBClassifier


@dataclass
class Engine:
    """One of them, with its words for what the tests do."""

    name: str
    dask_class: type
    local_class: type
    small: dict[str, Any]
    stop_early: dict[str, Any]
    silent: dict[str, Any]
    valid: str
    metric: str
    refused: tuple[str, ...]
    categories: dict[str, Any] = field(default_factory=dict)

    def model(self, **params):
        return self.dask_class(**self.small | params)

    def local(self, **params):
        return self.local_class(**self.small | params)

    def score(self, loss, y, raw, weight=None):
        """Value of the default metric."""
        value = loss(y, raw, weight)
        if self.name == "lightgbm":
            return value
        constant = np.full(raw.shape, loss.fit_intercept_only(y, weight))
        return value / loss(y, constant, weight)


ENGINES = [
    Engine(
        "lightgbm",
        DaskFocalLGBMClassifier,
        skfocal.FocalLGBMClassifier,
        {"n_estimators": 8, "num_leaves": 7, "verbosity": -1},
        {"early_stopping_round": 3, "n_estimators": 200, "learning_rate": 0.5},
        {},
        "valid_0",
        "focal_loss",
        ("eval_set", "init_model", "init_score", "eval_X"),
    ),
    Engine(
        "xgboost",
        DaskFocalXGBClassifier,
        skfocal.FocalXGBClassifier,
        {"n_estimators": 8, "max_depth": 3},
        {"early_stopping_rounds": 3, "n_estimators": 200, "learning_rate": 0.5},
        {"verbose": False},
        "validation_0",
        "relative_focal_loss",
        ("eval_set", "xgb_model", "base_margin", "feature_weights"),
        {"enable_categorical": True},
    ),
]
LABELS = np.array(["ham", "spam", "unsure"])


def make_data(n=900, n_classes=2, seed=0):
    """Rare later classes, with labels of text, and weights of which some are 0."""
    shares = [0.7] + [0.3 / (n_classes - 1)] * (n_classes - 1)
    X, y = make_classification(
        n, 6, n_informative=5, n_redundant=0, n_classes=n_classes, weights=shares,
        random_state=seed,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    return X, LABELS[y], rng.integers(0, 4, n) / 2.0


def on_dask(X, *vectors, chunks=250, vector_chunks=None):
    """Return them in blocks of rows."""
    vector_chunks = chunks if vector_chunks is None else vector_chunks
    vectors = (da.from_array(v, chunks=(vector_chunks,)) for v in vectors)
    return [da.from_array(X, chunks=(chunks, -1)), *vectors]


def placed(client, *blocks_of_arrays, workers=None):
    """Return arrays whose i-th block is at the i-th worker."""
    workers = workers or sorted(client.scheduler_info()["workers"])
    arrays = []
    for blocks in blocks_of_arrays:
        futures = [
            client.scatter(block, workers=[worker], hash=False)
            for worker, block in zip(workers, blocks, strict=True)
        ]
        for future, worker in zip(futures, workers, strict=True):
            assert client.who_has(future)[future.key] == (worker,)
        parts = [
            da.from_delayed(future, shape=block.shape, dtype=block.dtype)
            for future, block in zip(futures, blocks, strict=True)
        ]
        arrays.append(da.concatenate(parts))
    return arrays
