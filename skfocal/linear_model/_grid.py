"""The parameters that a cross-validation tries, and which of them is the best."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from skfocal.linear_model._path import Path
from skfocal.loss import FocalLoss

__all__ = ["Grid", "best_point", "results_table"]

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Grid:
    """Values to try, of which each with each is a point.

    Scores of all points have the shape (n_gammas, n_l1_ratios, n_cs).
    """

    losses: list[FocalLoss]
    l1_ratios: list[float]
    Cs: FloatArray

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.losses), len(self.l1_ratios), len(self.Cs)

    def paths(self, fit_intercept: bool, options: Mapping[str, Any]) -> list[Path]:
        return [
            Path(loss, ratio, self.Cs, fit_intercept, options)
            for loss, ratio in product(self.losses, self.l1_ratios)
        ]

    def points(self) -> list[dict[str, Any]]:
        return [
            {"focal_gamma": loss.gamma, "l1_ratio": ratio, "C": float(C)}
            for loss, ratio, C in product(self.losses, self.l1_ratios, self.Cs)
        ]


def best_point(scores: FloatArray) -> tuple[tuple[int, ...], float]:
    """Return the place of the best score of shape (..., n_l1_ratios, n_cs), and it.

    Of equal scores that of the least C counts, then that of the first l1_ratio, as in
    scikit-learn.
    """
    if np.isnan(scores).all():
        raise ValueError(
            "scoring must give a number in each fold for some parameters, got nan"
        )
    by_C = scores.swapaxes(-1, -2)
    *others, C, ratio = np.unravel_index(np.nanargmax(by_C), by_C.shape)
    place = tuple(int(number) for number in (*others, ratio, C))
    return place, float(scores[place])


def results_table(
    grid: list[dict[str, Any]], scores: FloatArray, seconds: FloatArray
) -> dict[str, Any]:
    """Return scores (n_folds, n_points) as ``GridSearchCV.cv_results_`` has them."""
    mean = scores.mean(axis=0)
    table: dict[str, Any] = {
        f"param_{name}": np.ma.array([point[name] for point in grid], dtype=object)
        for name in grid[0]
    }
    table["params"] = grid
    for number, values in enumerate(scores):
        table[f"split{number}_test_score"] = values
    # The lowest rank of equal scores, and the last for those that are not a number.
    comparable = np.where(np.isnan(mean), -np.inf, mean)
    better = (comparable[None, :] > comparable[:, None]).sum(axis=1)
    table |= {
        "mean_test_score": mean,
        "std_test_score": scores.std(axis=0),
        "rank_test_score": (better + 1).astype(np.int32),
        "mean_fit_time": seconds.mean(axis=0),
        "std_fit_time": seconds.std(axis=0),
    }
    return table
