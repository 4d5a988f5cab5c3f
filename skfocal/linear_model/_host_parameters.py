"""The parameters of scikit-learn's logistic regression, in terms of ours."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np

from skfocal.linear_model._checks import check_bool, check_grid, check_range

__all__ = [
    "check_fixed",
    "check_legacy_attributes",
    "is_unset",
    "resolve_l1_ratios",
    "resolve_penalty",
    "resolve_solver",
]

OWN_SOLVERS = ("auto", "lbfgs", "trust-exact", "trust-ncg")
# A name of scikit-learn's and ours that does the same work.
_HOST_SOLVERS = {
    "newton-cholesky": "trust-exact",
    "newton-cg": "trust-ncg",
    "liblinear": "auto",
    "sag": "auto",
    "saga": "auto",
}
SOLVERS = (*OWN_SOLVERS, *_HOST_SOLVERS)
_L1_SOLVERS = tuple(
    name for name in SOLVERS if _HOST_SOLVERS.get(name, name) in ("auto", "lbfgs")
)
_PENALTIES = ("l1", "l2", "elasticnet")
# What scikit-learn's own constructors store if a parameter isn't given.
UNSET = ("deprecated", "warn")


def is_unset(value: Any) -> bool:
    """Whether a parameter is scikit-learn's mark of one that wasn't given."""
    return isinstance(value, str) and value in UNSET


def resolve_solver(solver: Any, l1_used: bool) -> str:
    """Return the solver of ours that a name of ours or scikit-learn's stands for."""
    if not isinstance(solver, str) or solver not in SOLVERS:
        raise ValueError(f"solver must be one of {SOLVERS}, got {solver!r}")
    if l1_used and solver not in _L1_SOLVERS:
        raise ValueError(
            f"solver must be one of {_L1_SOLVERS} with an l1 penalty, got {solver!r}"
        )
    return _HOST_SOLVERS.get(solver, solver)


def check_fixed(dual: Any, intercept_scaling: Any, n_jobs: Any) -> None:
    """Raise where scikit-learn's liblinear is asked for more than its name."""
    check_bool("dual", dual)
    if dual:
        raise ValueError(f"dual must be False, as focal loss has no dual, got {dual!r}")
    if not isinstance(intercept_scaling, Real) or intercept_scaling != 1:
        raise ValueError(
            "intercept_scaling must be 1, as the intercept isn't penalised, "
            f"got {intercept_scaling!r}"
        )
    if n_jobs is not None and not isinstance(n_jobs, Integral):
        raise ValueError(f"n_jobs must be an int or None, got {n_jobs!r}")


def check_legacy_attributes(use_legacy_attributes: Any) -> None:
    """Raise if attributes are asked for that have no place for gamma."""
    if is_unset(use_legacy_attributes):
        return
    check_bool("use_legacy_attributes", use_legacy_attributes)
    if use_legacy_attributes:
        raise ValueError(
            "use_legacy_attributes must be False, as scores by gamma fit in no array "
            f"of the old shapes, got {use_legacy_attributes!r}"
        )


def resolve_penalty(penalty: Any, C: Any, l1_ratio: Any) -> tuple[float, float]:
    """Return C and l1_ratio as ``penalty`` would have them."""
    C = check_range("C", C, 0.0, above=True)
    ratio = 0.0 if l1_ratio is None else check_range("l1_ratio", l1_ratio, 0.0, 1.0)
    if penalty is None:
        if C not in (1.0, np.inf) or ratio:
            warnings.warn(
                f"penalty=None ignores C and l1_ratio, got C={C} and l1_ratio={ratio}",
                UserWarning,
                stacklevel=4,
            )
        return np.inf, 0.0
    if not is_unset(penalty):
        ratio = _ratio_of(penalty, "l1_ratio", ratio, l1_ratio is not None)
    return C, ratio


def resolve_l1_ratios(penalty: Any, l1_ratios: Any) -> list[float]:
    """Return the values of l1_ratio to try as ``penalty`` would have them."""
    given = l1_ratios is not None and not is_unset(l1_ratios)
    ratios = check_grid("l1_ratios", l1_ratios) if given else [0.0]
    ratios = [check_range("l1_ratios", ratio, 0.0, 1.0) for ratio in ratios]
    if penalty is None:
        raise ValueError(
            f"penalty must be one of {_PENALTIES}, or Cs=(numpy.inf,) for none, "
            "got None"
        )
    if not is_unset(penalty):
        ratios = [_ratio_of(penalty, "l1_ratios", ratio, given) for ratio in ratios]
    return list(dict.fromkeys(ratios))


def _ratio_of(penalty: Any, name: str, ratio: float, given: bool) -> float:
    if not isinstance(penalty, str) or penalty not in _PENALTIES:
        raise ValueError(
            f"penalty must be None or one of {_PENALTIES}, got {penalty!r}"
        )
    if penalty == "elasticnet":
        if not given:
            raise ValueError(f"{name} must be given if penalty='elasticnet', got None")
        return ratio
    # 0 is the default, which scikit-learn takes with penalty="l1" as well.
    allowed = (0.0,) if penalty == "l2" else (0.0, 1.0)
    if ratio not in allowed:
        raise ValueError(
            f"{name} must be {allowed[-1]:g} or left out if penalty={penalty!r}, "
            f"got {ratio}"
        )
    return allowed[-1]
