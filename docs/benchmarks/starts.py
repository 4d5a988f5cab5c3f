"""Whether a focal linear model has one minimum, by fits from random starts.

Run ``python docs/benchmarks/starts.py``, with ``--quick`` only to see that it runs. The
data have outliers and wrong labels. A minimum is another one if its objective differs
by more than a relative 1e-6.
"""

import argparse
from itertools import product

import numpy as np

from skfocal import FocalLoss
from skfocal.linear_model._design import as_design
from skfocal.linear_model._fit import fit_linear
from skfocal.linear_model._problem import LinearProblem

GAP = 1e-6


def make_data(seed, n_classes, wrong, n=200):
    rng, d = np.random.default_rng(seed), 2 + seed % 5
    X = rng.normal(size=(n, d)) * np.where(rng.uniform(size=(n, 1)) < 0.1, 5.0, 1.0)
    score = 2.0 * X @ rng.normal(size=(d, n_classes)) + rng.gumbel(size=(n, n_classes))
    score[:, 0] += 1.5
    y = score.argmax(axis=1).astype(np.int32)
    flipped = rng.uniform(size=n) < wrong
    y[flipped] = rng.integers(0, n_classes, flipped.sum())
    return X, y


def minima(X, y, n_classes, gamma, C, n_starts):
    """Objective from the default start, then from random ones."""
    words = (None, FocalLoss(gamma), n_classes, C, 0.0, True)
    problem = LinearProblem(as_design(X), y, *words)
    objective = problem.objective(problem.penalty(), problem.scaling())
    values = []
    for seed in range(-1, n_starts):
        rng = np.random.default_rng(abs(seed))
        start = objective.coefficients(2.0 * rng.normal(size=objective.size))
        start = None if seed < 0 else start
        fit = fit_linear(problem, tol=1e-7, max_iter=1000, start=start)
        theta = objective.theta_of(fit.coef, fit.intercept)
        values.append(objective.value_gradient(theta)[0])
    return np.array(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few: a trial")
    n_sets, n_starts = (1, 2) if parser.parse_args().quick else (10, 20)
    print(f"{n_sets} data sets a line, {n_starts} random starts each")
    print(f"{'classes':>8}{'wrong labels':>14}{'gamma':>7}{'C':>7}", end="")
    print(f"{'several minima':>16}{'default start not best':>24}")
    for setting in product((2, 3), (0.0, 0.1, 0.3), (1.0, 2.0, 5.0), (1.0, 1e6)):
        n_classes, wrong, gamma, C = setting
        several = worse = 0
        for seed in range(n_sets):
            data = make_data(seed, n_classes, wrong)
            values = minima(*data, n_classes, gamma, C, n_starts)
            limit = values.min() * (1.0 + GAP)
            several += (values > limit).any()
            worse += values[0] > limit
        print(f"{n_classes:8}{wrong:14}{gamma:7g}{C:7g}{several:16}{worse:24}")


if __name__ == "__main__":
    main()
