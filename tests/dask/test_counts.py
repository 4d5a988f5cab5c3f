"""Labels of all blocks, counted without a cluster."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skfocal._classes import weigh_rows
from skfocal.dask._counts import LabelCounts, merge_counts

NAMES = ("y", "sample_weight")


def counted(*blocks):
    blocks = [LabelCounts.of_block(y, w, len(y), NAMES) for y, w in blocks]
    return merge_counts(blocks, "y")


def three_labels():
    """Return labels of which 2 has no weight, the weights, and the counts of both."""
    y = np.array([0, 1, 2, 2, 1, 0, 1])
    weight = np.where(y == 2, 0.0, 1.5)
    parts = (slice(0, 2), slice(2, 4), slice(4, 7))
    return y, weight, counted(*((y[part], weight[part]) for part in parts))


@pytest.mark.parametrize("class_weight", [{2: 5.0}, {0: 2.0, 2: 5.0}, {2: 0.0, 1: 3.0}])
def test_labels_without_weight_may_be_weighed(class_weight):
    """As on a single machine."""
    y, weight, counts = three_labels()
    classes, rows = weigh_rows(y[:, None], y, weight, class_weight)
    counts, factors = counts.weighed(class_weight, balance_by_weight=False)
    assert_array_equal(counts.labels, classes)
    assert_array_equal(counts.weights * factors, np.bincount(rows.codes, rows.weight))


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        (
            {7: 1.0},
            r"class_weight must have labels from \[0, 1, 2\] as keys, got \[7\]",
        ),
        ({0: 0.0}, "y must hold at least two classes"),
    ],
)
def test_refusals_are_those_of_a_single_machine(class_weight, message):
    y, weight, counts = three_labels()
    with pytest.raises(ValueError, match=message):
        weigh_rows(y[:, None], y, weight, class_weight)
    with pytest.raises(ValueError, match=message):
        counts.weighed(class_weight, balance_by_weight=False)


def test_text_without_weight_beside_numbers():
    text = (np.array(["junk"]), np.zeros(1))
    counts = counted((np.array([0, 1]), np.ones(2)), text)
    assert_array_equal(counts.labels, [0, 1])
    assert_array_equal(counts.known, [0, 1])
