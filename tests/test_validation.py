"""Each error names the argument, the constraint and the value."""

import re

import numpy as np
import pytest

from skfocal import FocalLoss
from skfocal.lightgbm import FocalObjective

NAN, INF = float("nan"), float("inf")


def raises(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"gamma": -1.0}, "gamma must be >= 0 and finite, got -1.0"),
        ({"gamma": NAN}, "gamma must be >= 0 and finite, got nan"),
        ({"gamma": INF}, "gamma must be >= 0 and finite, got inf"),
        ({"gamma": (1.0, -2.0)}, "gamma must be >= 0 and finite, got (1.0, -2.0)"),
        (
            {"gamma": "2"},
            "gamma must be a number or a sequence of one number per class, got '2'",
        ),
        (
            {"gamma": None},
            "gamma must be a number or a sequence of one number per class, got None",
        ),
        (
            {"gamma": []},
            "gamma must be a number or a sequence of one number per class, got []",
        ),
        ({"alpha": 0.0}, "alpha must be in (0, 1) if it is a float, got 0.0"),
        ({"alpha": 1.0}, "alpha must be in (0, 1) if it is a float, got 1.0"),
        ({"alpha": 3}, "alpha must be in (0, 1) if it is a float, got 3"),
        ({"alpha": NAN}, "alpha must be in (0, 1) if it is a float, got nan"),
        (
            {"alpha": [1.0, 0.0]},
            "alpha must be > 0 and finite for each class, got [1.0, 0.0]",
        ),
        (
            {"alpha": [1.0, INF]},
            "alpha must be > 0 and finite for each class, got [1.0, inf]",
        ),
        (
            {"alpha": "balanced"},
            "alpha must be a number or a sequence of one number per class, "
            "got 'balanced'",
        ),
        (
            {"gamma": (1, 2), "alpha": (1, 2, 3)},
            "gamma and alpha must have one entry per class, got 2 and 3 entries",
        ),
    ],
)
@pytest.mark.parametrize("make", [FocalLoss, FocalObjective])
def test_parameters(make, kwargs, message):
    with raises(message):
        make(**kwargs)


def test_hessian():
    with raises("hessian must be one of ['bounded', 'expected'], got 'exact'"):
        FocalObjective(hessian="exact")


RAW = np.zeros((4, 3))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (([0, 1], [0.0, NAN]), "raw_prediction must be finite, got nan"),
        (([0, 1], [-INF, 0.0]), "raw_prediction must be finite, got -inf"),
        (
            ([0, 1], 0.5),
            "raw_prediction must have shape (n_samples,) or (n_samples, n_classes) "
            "with n_classes >= 2, got ()",
        ),
        (
            ([0, 1], [[0.0], [1.0]]),
            "raw_prediction must have shape (n_samples,) or (n_samples, n_classes) "
            "with n_classes >= 2, got (2, 1)",
        ),
        (([0, 2], [0.0, 0.0]), "y_true must hold integers 0 .. 1, got 2"),
        (([-1, 1], [0.0, 0.0]), "y_true must hold integers 0 .. 1, got -1"),
        (([0, 3, 1, 1], RAW), "y_true must hold integers 0 .. 2, got 3"),
        (([0.0, 0.5], [0.0, 0.0]), "y_true must hold integers 0 .. 1, got 0.5"),
        (([0.0, NAN], [0.0, 0.0]), "y_true must hold integers 0 .. 1, got nan"),
        ((["a", "b"], [0.0, 0.0]), "y_true must hold integers 0 .. 1, got dtype <U1"),
        (([[0], [1]], [0.0, 0.0]), "y_true must have shape (n_samples,), got (2, 1)"),
        (
            ([0, 1, 1], [0.0, 0.0]),
            "y_true must have one entry per sample (2), got 3",
        ),
        (
            ([0, 1], [0.0, 0.0], [1.0]),
            "sample_weight must have one entry per sample (2), got 1",
        ),
        (
            ([0, 1], [0.0, 0.0], [1.0, -2.0]),
            "sample_weight must be >= 0 and finite, got -2.0",
        ),
        (
            ([0, 1], [0.0, 0.0], [1.0, NAN]),
            "sample_weight must be >= 0 and finite, got nan",
        ),
        (
            ([0, 1], [0.0, 0.0], [[1.0], [1.0]]),
            "sample_weight must have shape (n_samples,), got (2, 1)",
        ),
    ],
)
@pytest.mark.parametrize("method", ["loss", "gradient", "gradient_hessian", "__call__"])
def test_arrays(method, args, message):
    with raises(message):
        getattr(FocalLoss(), method)(*args)


def test_all_zero_weights():
    with raises("sample_weight must not be all zero, got a sum of 0.0"):
        FocalLoss()([0, 1], [0.0, 0.0], [0.0, 0.0])


def test_float_alpha_with_more_than_two_classes():
    message = "alpha must have one entry per class for 3 classes, got the float 0.25"
    loss = FocalLoss(alpha=0.25)
    with raises(message):
        loss.loss([0, 1, 2, 0], RAW)
    with raises(message):
        loss.predict_proba(RAW)
    with raises(message):
        loss.fit_intercept_only([0, 1, 2])


@pytest.mark.parametrize("name", ["gamma", "alpha"])
def test_wrong_number_of_entries(name):
    with raises(f"{name} must have one entry per class (3), got 2 entries"):
        FocalLoss(**{name: (0.5, 0.7)}).gradient([0, 1, 2, 0], RAW)


def test_vector_of_another_shape():
    message = "vector must have the shape of raw_prediction (4, 3), got (3,)"
    with raises(message):
        FocalLoss().hessian_product([0, 1, 2, 0], RAW, vector=[1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("y", "weight", "n_classes", "absent"),
    [
        ([0, 0, 0], None, 2, 1),
        ([1, 1], None, 2, 0),
        ([0, 2], None, 3, 1),
        ([0, 1], [1.0, 0.0], 2, 1),
        ([], None, 2, 0),
        # no table of a billion classes is allocated to find it
        ([0, 10**9], None, 10**9 + 1, 1),
    ],
)
def test_absent_class(y, weight, n_classes, absent):
    message = (
        f"y_true must hold every class from 0 to {n_classes - 1} with positive weight, "
        f"got none of class {absent}"
    )
    with raises(message):
        FocalLoss().fit_intercept_only(y, weight)


def test_absent_class_that_alpha_names():
    message = (
        "y_true must hold every class from 0 to 2 with positive weight, "
        "got none of class 2"
    )
    with raises(message):
        FocalLoss(alpha=[1, 2, 3]).fit_intercept_only([0, 1, 1])


@pytest.mark.parametrize(
    ("proba", "message"),
    [
        ([0.5, 1.0], "proba must be inside (0, 1), got 1.0"),
        ([0.5, NAN], "proba must be inside (0, 1), got nan"),
        ([[1.0, 0.0]], "proba must be inside (0, 1), got 0.0"),
        ([[0.5, 0.25]], "proba must have rows that sum to 1, got 0.75"),
        (
            0.5,
            "proba must have shape (n_samples,) or (n_samples, n_classes) "
            "with n_classes >= 2, got ()",
        ),
    ],
)
def test_probabilities(proba, message):
    with raises(message):
        FocalLoss().raw_from_proba(proba)


def test_objective_checks_what_its_caller_gives():
    with raises("y_true must hold integers 0 .. 1, got 2.0"):
        FocalObjective()([1.0, 2.0], np.zeros(2))
    with raises("y_true must have one entry per sample (2), got 3"):
        FocalObjective()([1.0, 0.0, 1.0], np.zeros(2))
