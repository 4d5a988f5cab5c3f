"""Every check that scikit-learn has for an estimator, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skfocal import FocalLGBMClassifier, FocalXGBClassifier

LGB_WORDS = {"n_estimators": 20, "n_jobs": 1, "verbosity": -1}
XGB_WORDS = {"n_estimators": 20, "n_jobs": 1}

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
        FocalLGBMClassifier(**LGB_WORDS),
        FocalLGBMClassifier(focal_gamma=0.5, **LGB_WORDS),
        FocalLGBMClassifier(focal_alpha="balanced", **LGB_WORDS),
        FocalXGBClassifier(**XGB_WORDS),
        FocalXGBClassifier(focal_gamma=0.5, **XGB_WORDS),
        FocalXGBClassifier(focal_alpha="balanced", **XGB_WORDS),
        FocalXGBClassifier(tree_method="exact", **XGB_WORDS),
    ]
)
def test_estimator(estimator, check):
    check(estimator)
