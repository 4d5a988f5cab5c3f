"""The labels of all blocks and their weights: one pass that checks them, too."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skfocal._classes import check_label_column, check_several, factors_of_labels
from skfocal._validation import check_length, check_weight

__all__ = ["LabelCounts", "merge_counts"]

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class LabelCounts:
    """Labels of some rows, without those of weight 0.

    Attributes
    ----------
    labels : ndarray of shape (n_labels,)
        Sorted.
    n_rows : ndarray of int of shape (n_labels,)
        Number of rows of each.
    weights : ndarray of float64 of shape (n_labels,)
        Sum of the sample weights of each.
    known : ndarray
        All labels, sorted, among them those of which each row has weight 0.
    """

    labels: npt.NDArray[Any]
    n_rows: npt.NDArray[np.integer]
    weights: FloatArray
    known: npt.NDArray[Any]

    @classmethod
    def of_block(cls, y: Any, weight: Any, n_rows: int, names: tuple[str, str]) -> Self:
        """Check and count one block's labels; ``names`` are for errors."""
        y = check_label_column(y, names[0])
        check_length(names[0], len(y), n_rows)
        weight = check_weight(weight, n_rows, names[1])
        known = np.unique(y)
        if weight is not None:
            y, weight = y[weight > 0.0], weight[weight > 0.0]
        labels, codes = np.unique(y, return_inverse=True)
        counts = np.bincount(codes, minlength=len(labels))
        totals = np.bincount(codes, weight, minlength=len(labels))
        return cls(labels, counts, totals.astype(np.float64), known)

    def of(self, labels: npt.NDArray[Any]) -> Self:
        """Return the counts of these labels, sorted and all known, 0 where absent."""
        places = np.searchsorted(labels, self.labels)
        n_rows = np.zeros(len(labels), dtype=np.intp)
        weights = np.zeros(len(labels))
        n_rows[places], weights[places] = self.n_rows, self.weights
        return type(self)(labels, n_rows, weights, self.known)

    def weighed(
        self, class_weight: Any, *, balance_by_weight: bool
    ) -> tuple[Self, FloatArray]:
        """Return the counts of labels whose class weight isn't 0, and these weights.

        "balanced" counts sample weights or rows, as ``balance_by_weight`` says.
        """
        counted = self.weights if balance_by_weight else self.n_rows
        factors = factors_of_labels(class_weight, self.labels, counted, self.known)
        check_weight(factors, len(factors), "class_weight")
        kept = factors > 0.0
        labels = self.labels[kept]
        check_several(labels, "y")
        counts = type(self)(labels, self.n_rows[kept], self.weights[kept], self.known)
        return counts, factors[kept]


def merge_counts(blocks: list[LabelCounts], name: str) -> LabelCounts:
    """Add up the counts of all blocks.

    Raises
    ------
    ValueError
        If labels of one block are numbers, and those of another text.
    """
    filled = [block for block in blocks if len(block.labels)]
    kinds = {block.labels.dtype.kind in "biuf" for block in filled}
    if len(kinds) > 1:
        raise ValueError(
            f"{name} must have labels of one kind, got numbers in some blocks and "
            "text in others"
        )
    if not filled:
        none = np.empty(0)
        return LabelCounts(none, np.empty(0, dtype=np.intp), none, none)
    labels = np.unique(np.concatenate([block.labels for block in filled]))
    of_all = [block.of(labels) for block in filled]
    # Of other kinds may be what has no weight in any row of its block.
    known = [b.known for b in blocks if (b.known.dtype.kind in "biuf") in kinds]
    return LabelCounts(
        labels,
        np.sum([block.n_rows for block in of_all], axis=0),
        np.sum([block.weights for block in of_all], axis=0),
        np.unique(np.concatenate(known)),
    )
