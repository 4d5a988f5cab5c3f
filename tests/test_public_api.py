import subprocess
import sys

import pytest

import skfocal
import skfocal.dask
import skfocal.lightgbm
import skfocal.linear_model
import skfocal.loss
import skfocal.metrics
import skfocal.spark
import skfocal.xgboost


def run(code):
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_is_cheap():
    heavy = "{'numba', 'numpy', 'scipy', 'sklearn', 'lightgbm', 'xgboost'}"
    code = f"import sys, skfocal; print(sorted({heavy} & set(sys.modules)))"
    assert run(code).strip() == "[]"


def test_the_loss_needs_no_engine():
    code = (
        "import sys; from skfocal import FocalLoss; FocalLoss().loss([1], [0.0])\n"
        "print(sorted({'lightgbm', 'xgboost'} & set(sys.modules)))"
    )
    assert run(code).strip() == "[]"


@pytest.mark.parametrize(
    "module",
    [
        skfocal,
        skfocal.loss,
        skfocal.metrics,
        skfocal.linear_model,
        skfocal.lightgbm,
        skfocal.xgboost,
        skfocal.dask,
        skfocal.spark,
    ],
)
def test_public_names_exist_and_are_documented(module):
    for name in module.__all__:
        assert getattr(module, name) is not None
        if name != "__version__":
            assert "Examples" in getattr(module, name).__doc__


def test_dir_lists_lazy_names():
    assert set(skfocal.__all__) <= set(dir(skfocal))


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'FocalLos'"):
        skfocal.FocalLos  # noqa: B018


@pytest.mark.parametrize(
    ("module", "package", "needed"),
    [
        ("lightgbm", "lightgbm", "LightGBM"),
        ("xgboost", "xgboost", "XGBoost"),
        ("dask", "distributed", "dask and distributed"),
        ("spark", "pyspark", "PySpark and XGBoost"),
        ("spark", "xgboost", "PySpark and XGBoost"),
    ],
)
def test_missing_engine_says_what_to_install(module, package, needed):
    code = (
        f"import sys; sys.modules['{package}'] = None\n"
        f"try:\n    import skfocal.{module}\n"
        "except ImportError as error:\n    print(error)\n"
    )
    expected = f"skfocal.{module} needs {needed}: pip install 'skfocal[{module}]'"
    assert run(code).strip() == expected
