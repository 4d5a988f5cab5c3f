"""Runs a test that asks for an ``engine`` or a ``focal_link`` with each of them."""

import pytest

from tests._boosting.engines import ENGINES


@pytest.fixture(
    params=[pytest.param(e, marks=e.marks, id=e.name) for e in ENGINES.values()]
)
def engine(request):
    return request.param


@pytest.fixture(params=["posterior", "focal"])
def focal_link(request):
    return request.param
