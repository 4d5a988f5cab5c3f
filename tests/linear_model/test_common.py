"""scikit-learn's checks of both linear classifiers, none expected to fail."""

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


@parametrize_with_checks(
    [
        FocalLogisticRegression(),
        FocalLogisticRegression(focal_gamma=0.5, solver="lbfgs"),
        FocalLogisticRegression(focal_alpha="balanced", l1_ratio=0.5),
        FocalLogisticRegression(class_weight="balanced", C=10.0, tol=1e-8),
        FocalLogisticRegressionCV(**SMALL),
        FocalLogisticRegressionCV([1.0], "balanced", l1_ratios=[0.0, 1.0], **SMALL),
    ],
)
def test_estimator(estimator, check):
    check(estimator)
