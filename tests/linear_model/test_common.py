"""scikit-learn's checks of both linear classifiers."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skfocal import FocalLogisticRegression, FocalLogisticRegressionCV

SMALL = {"Cs": 2, "cv": 3}

pytestmark = [
    # Array API is off unless SCIPY_ARRAY_API is set: scikit-learn skips with a warning.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    # Some checks have fewer samples of a class than folds.
    pytest.mark.filterwarnings("ignore:The least populated class in y has only"),
    # Some checks set max_iter to a few iterations.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def expected_failures(estimator):
    """No check, but where "balanced" counts rows, of which a weight of 2 isn't two."""
    if estimator.class_weight != "balanced":
        return {}
    kinds = ("dense", "sparse")
    reason = "class_weight='balanced' counts rows without their weights"
    return {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in kinds}


@parametrize_with_checks(
    [
        FocalLogisticRegression(),
        FocalLogisticRegression(focal_gamma=0.5, solver="lbfgs"),
        FocalLogisticRegression(focal_alpha="balanced", l1_ratio=0.5),
        FocalLogisticRegression(class_weight="balanced", C=10.0, tol=1e-8),
        FocalLogisticRegressionCV(**SMALL),
        FocalLogisticRegressionCV([1.0], "balanced", l1_ratios=[0.0, 1.0], **SMALL),
    ],
    expected_failed_checks=expected_failures,
)
def test_estimator(estimator, check):
    check(estimator)
