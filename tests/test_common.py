"""Every check that scikit-learn has for an estimator, none expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests._boosting.engines import ENGINES, LIGHTGBM, XGBOOST

pytestmark = [
    *LIGHTGBM.marks,
    # LightGBM's own word, given a csc matrix to predict.
    pytest.mark.filterwarnings("ignore:Converting data to scipy sparse matrix"),
    # Array API is off unless SCIPY_ARRAY_API is set: scikit-learn skips with a warning.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
]
PARAMETERS = [
    {},
    {"focal_gamma": 0.5},
    {"focal_alpha": "balanced"},
    {"focal_link": "focal"},
]


@parametrize_with_checks(
    [
        *(
            engine.classifier(n_estimators=20, **words)
            for engine in ENGINES.values()
            for words in PARAMETERS
        ),
        XGBOOST.classifier(n_estimators=20, tree_method="exact"),
    ]
)
def test_estimator(estimator, check):
    check(estimator)
