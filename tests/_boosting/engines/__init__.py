"""The two engines, each with its words for what the shared tests do.

A test that asks for ``engine`` runs with both (conftest.py), and :func:`by_engine` adds
values that only one of them knows. What only one of them does is tested in
tests/lightgbm or tests/xgboost.

Where a tolerance differs: XGBoost computes raw predictions and sums in float32 and
keeps six decimals of a metric.
"""

import pytest

from tests._boosting.engines.lightgbm import LightGBM
from tests._boosting.engines.xgboost import XGBoost

LIGHTGBM, XGBOOST = LightGBM(), XGBoost()
ENGINES = {engine.name: engine for engine in (LIGHTGBM, XGBOOST)}


def by_engine(name, **values):
    """Parametrise a test over each engine with each of its own values."""
    rows = [
        pytest.param(engine, value, marks=engine.marks, id=f"{engine.name}-{value}")
        for engine in ENGINES.values()
        for value in values[engine.name]
    ]
    return pytest.mark.parametrize(("engine", name), rows)
