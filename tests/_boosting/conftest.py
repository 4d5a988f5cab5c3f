"""Runs a test that asks for an ``engine`` with each of them."""

import pytest

from tests._boosting.engines import ENGINES


@pytest.fixture(
    params=[pytest.param(e, marks=e.marks, id=e.name) for e in ENGINES.values()]
)
def engine(request):
    return request.param
