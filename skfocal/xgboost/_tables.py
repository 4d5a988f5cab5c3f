"""Tables in the forms that XGBoost takes."""

from importlib import import_module
from typing import Any

__all__ = ["as_table", "check_column_types"]


def as_table(X: Any) -> Any:
    """Collect a lazy table, and make one of a column alone."""
    library = _library(X)
    if library == "polars" and hasattr(X, "collect"):
        return X.collect()
    if library in ("pandas", "polars") and hasattr(X, "to_frame"):
        return X.to_frame()
    return _with_bare_categories(X) if library == "pyarrow" else X


def check_column_types(X: Any) -> None:
    """Raise if XGBoost can't read a column of polars or Arrow, and say which one."""
    library = _library(X)
    if library not in ("polars", "pyarrow") or not hasattr(X, "columns"):
        return
    types = import_module("pyarrow.types")
    schema = X.head(0).to_arrow().schema if library == "polars" else X.schema
    readable = (types.is_integer, types.is_floating, types.is_boolean)
    for field in schema:
        if not any(kind(field.type) for kind in (*readable, types.is_dictionary)):
            raise ValueError(
                "X must have columns of numbers, booleans or, with enable_categorical, "
                f"categories (text must be cast to them), got {field.name!r} of type "
                f"{field.type}"
            )


def _library(X: Any) -> str:
    return type(X).__module__.partition(".")[0]


def _with_bare_categories(table: Any) -> Any:
    """Drop the masks of categories, none of which is missing.

    A table made of pandas' categories has them, and XGBoost 3.2 stumbles over them.
    """
    pyarrow = import_module("pyarrow")
    if not isinstance(table, pyarrow.Table):
        return table
    for place, field in enumerate(table.schema):
        if not pyarrow.types.is_dictionary(field.type):
            continue
        column = table.column(place).combine_chunks()
        names = column.dictionary
        if names.buffers()[0] is not None:
            names = pyarrow.array(names.to_pylist(), names.type)
            bare = pyarrow.DictionaryArray.from_arrays(column.indices, names)
            table = table.set_column(place, field.name, bare)
    return table
