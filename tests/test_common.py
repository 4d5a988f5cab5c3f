"""Every check that scikit-learn has for an estimator, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skfocal import FocalLGBMClassifier

WORDS = {"n_estimators": 20, "n_jobs": 1, "verbosity": -1}

pytestmark = [
    # LightGBM before 4.6 calls scikit-learn by a word that 1.6 renamed.
    pytest.mark.filterwarnings("ignore:'force_all_finite' was renamed"),
    # LightGBM's own word, given a csc matrix to predict.
    pytest.mark.filterwarnings("ignore:Converting data to scipy sparse matrix"),
    # Array API is off unless SCIPY_ARRAY_API is set: scikit-learn skips with a warning.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]


@parametrize_with_checks(
    [
        FocalLGBMClassifier(**WORDS),
        FocalLGBMClassifier(focal_gamma=0.5, **WORDS),
        FocalLGBMClassifier(focal_alpha="balanced", **WORDS),
    ]
)
def test_estimator(estimator, check):
    check(estimator)
