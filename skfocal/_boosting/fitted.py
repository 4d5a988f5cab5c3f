"""Attributes that fit sets, in a class whose host has properties of the same names."""

from typing import Any

from sklearn.exceptions import NotFittedError

__all__ = ["FittedAttribute"]


class FittedAttribute:
    """An attribute that fit sets, under the name of a read-only property of the host.

    It is found among the instance's own, as it would be without the property.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        try:
            return vars(model)[self._name]
        except KeyError:
            raise self._missing(model) from None

    def __set__(self, model: Any, value: Any) -> None:
        vars(model)[self._name] = value

    def __delete__(self, model: Any) -> None:
        vars(model).pop(self._name)

    def _missing(self, model: Any) -> AttributeError:
        name, kind = self._name, type(model).__name__
        if model.__sklearn_is_fitted__():
            return AttributeError(f"{kind!r} object has no attribute {name!r}")
        return NotFittedError(f"{name} is set by fit: this {kind} isn't fitted yet")
