"""How good held-out probabilities are, and how the benchmarks hold rows out."""

import numpy as np
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# Least probability that counts: some classifiers of the engines predict 0.
LEAST = 1e-7


def one_hot_features():
    text = make_column_selector(dtype_include="category")
    numbers = make_column_selector(dtype_exclude="category")
    fill = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    dummies = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", fill, numbers), ("text", dummies, text)])


def folds(X, y, n_folds=5):
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    return list(splitter.split(X, y))


def sample(X, y, n):
    X, _, y, _ = train_test_split(X, y, train_size=n, stratify=y, random_state=0)
    return X, y


def bounded(proba):
    proba = np.clip(proba, LEAST, 1.0)
    return proba / proba.sum(axis=1, keepdims=True)


def one_hot(y, n_classes):
    return y[:, None] == np.arange(n_classes)


def ranking(y, proba):
    """Average precision and ROC AUC, of class 1 or the mean over classes."""
    classes = [1] if proba.shape[1] == 2 else range(proba.shape[1])
    metrics = (average_precision_score, roc_auc_score)
    return [np.mean([m(y == k, proba[:, k]) for k in classes]) for m in metrics]


def losses(y, proba):
    """Log loss and Brier score."""
    proba = bounded(proba)
    truth = one_hot(y, proba.shape[1])
    brier = np.mean(np.sum((proba - truth) ** 2, axis=1))
    return log_loss(y, proba, labels=range(proba.shape[1])), brier


def calibration(y, proba):
    """Calibration error, and what is predicted of the rarest class over its share."""
    proba = bounded(proba)
    truth = one_hot(y, proba.shape[1])
    rarest = truth.sum(axis=0).argmin()
    share = proba[:, rarest].sum() / truth[:, rarest].sum()
    return calibration_error(truth, proba), share


def calibration_error(truth, proba):
    """Mean gap between probability and share: ten bins of equal count, all classes."""
    errors = []
    for of_class, p in zip(truth.T, proba.T, strict=True):
        bins = np.array_split(np.argsort(p, kind="stable"), 10)
        gaps = [abs(p[rows].sum() - of_class[rows].sum()) for rows in bins]
        errors.append(sum(gaps) / len(p))
    return np.mean(errors)


def geometric_mean(values):
    return np.exp(np.mean(np.log(values)))


def print_ratios(title, names, results, width):
    """Print ratios by data set, a column for each name, their means and worst."""
    print(f"\n{title}\n{'':{width}}" + "".join(f"{name:>10}" for name in names))
    for name, values in results.items():
        print(f"{name:{width}}" + "".join(f"{value:10.3f}" for value in values))
    columns = np.transpose(list(results.values()))
    for name, of in (("geometric mean", geometric_mean), ("worst", np.max)):
        print(f"{name:{width}}" + "".join(f"{of(column):10.3f}" for column in columns))
