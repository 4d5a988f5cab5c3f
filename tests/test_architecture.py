"""Imports run one way, from floor to floor, and engines stay in their folders."""

import ast
from pathlib import Path

import pytest

import skfocal

PACKAGE = Path(skfocal.__file__).parent

# DESIGN.md 4: a wing imports from its own folder and from the floors below it.
FLOORS = [
    {"_compute", "_validation"},
    {"loss"},
    {"_classes", "metrics"},
    {"_boosting", "linear_model"},
    {"lightgbm", "xgboost"},
    {"dask", "spark"},
    {"__init__"},
]
FLOOR_OF = {wing: floor for floor, wings in enumerate(FLOORS) for wing in wings}
# Only these two may meet on their floor.
NEIGHBOURS = FLOORS[0]

CLUSTERS = {"dask", "spark"}
ENGINES = {
    "lightgbm": {"lightgbm", *CLUSTERS},
    "xgboost": {"xgboost", *CLUSTERS},
    "dask": CLUSTERS,
    "distributed": CLUSTERS,
    "pyspark": CLUSTERS,
}


def wing_of(path):
    """The first name below the package: a folder, or a file without its ending."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(source):
    """Every module that a file names in an import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            # `from skfocal import loss` imports a wing by its last name.
            if node.module == "skfocal":
                yield from (f"skfocal.{alias.name}" for alias in node.names)
            else:
                yield node.module


def fault_of(wing, module):
    """Say why a wing must not import a module; None if it may."""
    package, *rest = module.split(".")
    if package != "skfocal":
        homes = ENGINES.get(package, {wing})
        return None if wing in homes else f"{package} outside {sorted(homes)}"
    # The package itself, or a name that it loads from a wing.
    target = rest[0] if rest and rest[0] in FLOOR_OF else "__init__"
    if target == wing or {wing, target} <= NEIGHBOURS:
        return None
    if FLOOR_OF[target] < FLOOR_OF[wing]:
        return None
    kind = "sideways" if FLOOR_OF[target] == FLOOR_OF[wing] else "upward"
    return f"{kind} to {target}"


def faults(wing, source):
    found = ((module, fault_of(wing, module)) for module in imported_modules(source))
    return [f"{module}: {fault}" for module, fault in found if fault]


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    wing = wing_of(path)
    assert wing in FLOOR_OF, "a new wing needs a floor in DESIGN.md and in FLOORS"
    assert faults(wing, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("wing", "source", "fault"),
    [
        ("loss", "from skfocal._classes import resolve_alpha", "upward to _classes"),
        ("loss", "import skfocal.xgboost._model", "upward to xgboost"),
        ("_validation", "from skfocal import loss", "upward to loss"),
        ("metrics", "from skfocal import FocalLoss", "upward to __init__"),
        ("linear_model", "import skfocal", "upward to __init__"),
        ("metrics", "from skfocal._classes import resolve_alpha", "sideways to _class"),
        ("linear_model", "import skfocal._boosting.words", "sideways to _boosting"),
        ("lightgbm", "from skfocal.xgboost import FocalMetric", "sideways to xgboost"),
        ("xgboost", "import lightgbm as lgb", "lightgbm outside"),
        ("_boosting", "def f():\n    from xgboost import DMatrix", "xgboost outside"),
        ("xgboost", "import xgboost, dask.array", "dask outside"),
        ("linear_model", "import pyspark.sql", "pyspark outside"),
        ("__init__", "import lightgbm", "lightgbm outside"),
    ],
)
def test_a_forbidden_import_is_found(wing, source, fault):
    (found,) = faults(wing, source)
    assert fault in found


@pytest.mark.parametrize(
    ("wing", "source"),
    [
        ("_validation", "from skfocal._compute.threads import run_kernel"),
        ("loss", "from skfocal.loss._batch import Batch"),
        ("xgboost", "import numpy, xgboost\nfrom skfocal._boosting import words"),
        ("spark", "from xgboost import spark\nfrom skfocal.xgboost import FocalMetric"),
        ("dask", "import dask, lightgbm, xgboost"),
        ("__init__", "from skfocal.lightgbm import FocalLGBMClassifier"),
    ],
)
def test_an_allowed_import_is_not(wing, source):
    assert faults(wing, source) == []


def test_relative_imports_are_refused():
    with pytest.raises(AssertionError, match="imports are absolute"):
        faults("loss", "from . import _batch")
