"""Reads the UBJSON of XGBoost's model files, of which XGBoost trusts each length.

XGBoost ends the process, or asks for all of the memory, where one was damaged.
"""

from typing import Any

import numpy as np

__all__ = ["parse_ubjson"]

_NUMBERS = {
    ord(marker): np.dtype(kind)
    for marker, kind in {
        **{"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8"},
        **{"d": ">f4", "D": ">f8"},
    }.items()
}
_CONSTANTS = {ord("T"): True, ord("F"): False, ord("Z"): None, ord("N"): None}
_OBJECT, _OBJECT_END, _ARRAY, _ARRAY_END = b"{}[]"
_TEXT, _TYPE, _COUNT = b"S$#"


def parse_ubjson(content: bytes) -> Any:
    """Return what a file holds, with views of its bytes for arrays of numbers.

    Raises
    ------
    ValueError
        If it isn't UBJSON to its last byte.
    """
    reader = _Reader(content)
    try:
        value = reader.value()
    except IndexError:
        raise ValueError("it ends early") from None
    if reader.place != len(content):
        raise ValueError(f"it goes on after its end at byte {reader.place}")
    return value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self.place = content, 0

    def value(self) -> Any:
        """Return the value at the place, and go behind it."""
        marker = self._byte()
        if marker == _OBJECT:
            return self._object()
        if marker == _ARRAY:
            return self._array()
        if marker == _TEXT:
            return self._text()
        if marker in _NUMBERS:
            return self._numbers(_NUMBERS[marker], 1)[0].item()
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        raise ValueError(f"no value begins with byte {marker} at {self.place - 1}")

    def _object(self) -> dict[str, Any]:
        values = {}
        while self._content[self.place] != _OBJECT_END:
            name = self._text()
            values[name] = self.value()
        self.place += 1
        return values

    def _array(self) -> Any:
        kind = None
        if self._content[self.place] == _TYPE:
            kind = _NUMBERS.get(self._content[self.place + 1])
            if kind is None:
                raise ValueError(f"no numbers are of the type at {self.place + 1}")
            self.place += 2
        if self._content[self.place] == _COUNT:
            self.place += 1
            count = self._length()
            if kind is not None:
                return self._numbers(kind, count)
            return [self.value() for _ in range(count)]
        values = []
        while self._content[self.place] != _ARRAY_END:
            values.append(self.value())
        self.place += 1
        return values

    def _text(self) -> str:
        begin = self.place + self._length_of_length()
        count = self._length()
        self.place = begin + count
        if self.place > len(self._content):
            raise IndexError
        return self._content[begin : self.place].decode()

    def _length_of_length(self) -> int:
        return 1 + self._kind_of_length().itemsize

    def _kind_of_length(self) -> np.dtype[Any]:
        kind = _NUMBERS.get(self._content[self.place])
        if kind is None or kind.kind == "f":
            raise ValueError(f"no length is of the type at {self.place}")
        return kind

    def _length(self) -> int:
        kind = self._kind_of_length()
        self.place += 1
        begin, self.place = self.place, self.place + kind.itemsize
        count = int.from_bytes(self._content[begin : self.place], "big", signed=True)
        if count < 0 or self.place > len(self._content):
            raise ValueError(f"it has no length at {begin}")
        return count

    def _numbers(self, kind: np.dtype[Any], count: int) -> Any:
        begin, self.place = self.place, self.place + kind.itemsize * count
        if self.place > len(self._content):
            raise IndexError
        return np.frombuffer(self._content, kind, count, begin)

    def _byte(self) -> int:
        self.place += 1
        return self._content[self.place - 1]
