"""What a focal linear model costs next to scikit-learn's LogisticRegression.

Run ``python docs/benchmarks/linear.py``, with ``--threads 1`` or ``2`` for so many
threads of BLAS and of the kernels, or ``--quick`` to see that it runs. All times of a
table come from interleaved runs in one process; medians are compared. Each solver gets
the loosest tolerance at which its objective is within a relative 1e-6 of the least one
found, so that all are equally far. The memory is the peak of a fit, beyond its X.
"""

import argparse
import subprocess
import sys
import tracemalloc
import warnings

import numba
import numpy as np
from _timing import medians
from scipy import sparse
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from skfocal import FocalLogisticRegression, FocalLoss

TOLERANCES = 10.0 ** -np.arange(3.0, 9.0)
GAP = 1e-6


def dense_data(n):
    """Correlated features of variance 1, 3 % of positives."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 50)) + rng.normal(size=(n, 5)) @ rng.normal(size=(5, 50))
    X /= X.std(axis=0)
    z = X @ rng.normal(size=50)
    z = 1.8 * z / z.std()
    z += np.quantile(rng.logistic(size=n) - z, 0.03)
    return X, (rng.uniform(size=n) < expit(z)).astype(int)


def sparse_data(n):
    """Positive entries in one of a hundred places, as of words in texts."""
    rng, d = np.random.default_rng(0), n // 5
    size = d // 100
    columns = rng.integers(0, d, n * size)
    start = np.arange(0, n * size + 1, size)
    values = np.abs(rng.normal(size=n * size))
    X = sparse.csr_matrix((values, columns.astype(np.int32), start), shape=(n, d))
    X.sum_duplicates()
    z = X @ (rng.normal(size=d) * (rng.uniform(size=d) < 0.1))
    z = 2.0 * (z - z.mean()) / z.std() - 3.0
    return X, (rng.uniform(size=n) < expit(z)).astype(int)


def multiclass_data(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 30)) @ (np.eye(30) + 0.2 * rng.normal(size=(30, 30)))
    score = X @ rng.normal(size=(30, 6)) / 4.0 + rng.gumbel(size=(n, 6))
    return X, (score + np.linspace(0.0, -3.0, 6)).argmax(axis=1)


def wide_data(n):
    """30 % of non-zeros, a fifth as many features as rows."""
    rng, d = np.random.default_rng(0), n // 5
    X = rng.normal(size=(n, d)) * (rng.uniform(size=(n, d)) < 0.3)
    z = X @ rng.normal(size=d)
    return sparse.csr_matrix(X), (rng.uniform(size=n) < expit(2 * z / z.std() - 1)) * 1


def text_data(n):
    """Rows of length 1 with 40 words: a few are frequent, most are rare."""
    rng, d = np.random.default_rng(0), 4 * n
    share = np.arange(1, d + 1) ** -0.9
    words = rng.choice(d, size=40 * n, p=share / share.sum())
    start = np.arange(0, 40 * n + 1, 40)
    X = sparse.csr_matrix((np.ones(40 * n), words.astype(np.int32), start), (n, d))
    X.sum_duplicates()
    X = normalize(TfidfTransformer().fit_transform(X))
    z = X @ rng.normal(size=d)
    z = 3.0 * (z - z.mean()) / z.std() - 1.0
    return X, (rng.uniform(size=n) < expit(z)).astype(int)


def objective(model, X, y, gamma):
    """Mean loss and penalty at C = 1, in the posterior link."""
    raw = np.asarray(X @ model.coef_.T + model.intercept_)
    raw = raw[:, 0] if raw.shape[1] == 1 else raw
    # What FocalLogisticRegression multiplies the loss of a softmax by.
    scale = 1.0 if raw.ndim == 1 else 1.0 + gamma
    loss = scale * FocalLoss(gamma, link="posterior")(y, raw)
    return loss + 0.5 * (model.coef_**2).sum() / len(y)


def at_equal_objective(estimators, X, y, gamma, quick):
    """Return a fit per name, at the tolerance that its objective needs, and its gap."""
    exact = FocalLogisticRegression(gamma, tol=1e-9).fit(X, y)
    least = objective(exact, X, y, gamma)
    tasks, gaps = {}, {}
    for name, estimator in estimators.items():
        for tol in TOLERANCES[: 3 if quick else None]:
            model = estimator.set_params(tol=tol, max_iter=2000).fit(X, y)
            gaps[name] = objective(model, X, y, gamma) / least - 1.0
            if gaps[name] <= GAP:
                break
        tasks[name] = lambda estimator=estimator: estimator.fit(X, y)
    return tasks, gaps


def peak_of(task):
    """Peak memory of a task, in bytes."""
    tracemalloc.start()
    task()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def print_table(title, X, y, quick):
    solvers = ["lbfgs", "newton-cg", "newton-cholesky"]
    solvers = solvers[:2] if X.shape[1] > 1000 else solvers
    theirs = {
        f"scikit-learn {name}": LogisticRegression(solver=name) for name in solvers
    }
    log_loss = {"focal_gamma=0": FocalLogisticRegression(0.0)}
    tasks, gaps = at_equal_objective(theirs | log_loss, X, y, 0.0, quick)
    focal = {"focal_gamma=2": FocalLogisticRegression(2.0)}
    focal_tasks, focal_gaps = at_equal_objective(focal, X, y, 2.0, quick)
    tasks, gaps = tasks | focal_tasks, gaps | focal_gaps
    seconds = medians(tasks, 1 if quick else 5)
    fastest = min(seconds[name] for name in theirs)
    print(f"\n{title}")
    print(f"{'':30}{'ratio':>8}{'seconds':>10}{'objective':>12}{'MB':>8}")
    for name, value in seconds.items():
        row = f"{name:30}{value / fastest:8.2f}{value:10.4f}{gaps[name]:+12.0e}"
        print(f"{row}{peak_of(tasks[name]) / 1e6:8.1f}")


MEMORY_SCRIPT = """
import sys, tracemalloc
sys.path.insert(0, {folder!r})
from linear import dense_data
from skfocal import FocalLogisticRegression
X, y = dense_data({rows})
X, model = X.astype({dtype!r}), FocalLogisticRegression()
model.fit(X[:30_000], y[:30_000])  # compiles
tracemalloc.start()
model.fit(X, y)
print(tracemalloc.get_traced_memory()[1] / (8 * len(y)))
"""


def print_memory(rows):
    """Print the peak memory of a fit beyond its X, in float64 vectors of n numbers."""
    print(f"\npeak memory of fit beyond X, {rows} x 50, dense")
    print(f"{'':30}{'vectors of n':>14}")
    for dtype in ("float64", "float32"):
        code = MEMORY_SCRIPT.format(folder=sys.path[0], rows=rows, dtype=dtype)
        output = subprocess.check_output([sys.executable, "-c", code], text=True)
        print(f"{dtype:30}{float(output):14.2f}")


def print_tables(quick):
    n = 3000 if quick else 300_000
    print_table(f"{n} x 50, dense, 3 % positives", *dense_data(n), quick)
    n = 2000 if quick else 100_000
    X, y = sparse_data(n)
    print_table(f"{n} x {X.shape[1]}, sparse, 1 % non-zeros", X, y, quick)
    n = 500 if quick else 2000
    print_table(f"{n} x {n // 5}, sparse, 30 % non-zeros", *wide_data(n), quick)
    n = 500 if quick else 5000
    print_table(f"{n} x {4 * n}, sparse, as texts", *text_data(n), quick)
    for n in [1000] if quick else [1000, 3000, 60_000]:
        print_table(f"{n} x 30, dense, 6 classes", *multiclass_data(n), quick)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and few: a trial")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS and kernels")
    options = parser.parse_args()
    quick = options.quick
    # The loosest tolerances of a search need not converge.
    warnings.simplefilter("ignore", ConvergenceWarning)
    numba.set_num_threads(options.threads)
    print(f"threads: {options.threads}")
    with threadpool_limits(options.threads):
        print_tables(quick)
    print_memory(3000 if quick else 1_000_000)


if __name__ == "__main__":
    main()
