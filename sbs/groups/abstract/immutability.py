"""What results are made of: attributes that cannot be set, arrays that cannot be written.

Groups are cached and shared; whoever changed one would change what every later caller gets.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, NoReturn

import numpy as np

__all__ = ["ComparedByValue", "Immutable", "frozen"]


def frozen(array: np.ndarray) -> np.ndarray:
    """The same array, read-only."""
    array.setflags(write=False)
    return array


class Immutable:
    """Base of classes whose attributes are set once, by their constructor through `_set`.

    Values that are computed once (`functools.cached_property`) are kept all the same: they go past ``__setattr__``.
    """

    __slots__ = ()

    def _set(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is immutable: {name!r} cannot be set; build another one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is immutable: {name!r} cannot be deleted")


class ComparedByValue:
    """Base of dataclasses that hold arrays: two are equal if all their fields are, arrays entry by entry.

    To be used with ``dataclass(eq=False)``, whose own comparison asks an array for its truth value.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if self is other or type(other) is not type(self):
            return self is other
        return _same_parts(self, other)

    def __hash__(self) -> int:
        values = (getattr(self, f.name) for f in fields(self))  # type: ignore[arg-type]
        return hash((type(self), *(v for v in values if isinstance(v, (str, int, float)))))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if type(one) is type(other) and type(one).__eq__ is object.__eq__:
        return one is other or _same_parts(one, other)
    return bool(one == other)


def _same_parts(one: Any, other: Any) -> bool:
    """Whether two values of one type have the same fields; of a class that is no dataclass, the same attributes."""
    names = [f.name for f in fields(one)] if is_dataclass(one) else vars(one).keys() & vars(other).keys()
    return bool(names) and all(_same(getattr(one, name), getattr(other, name)) for name in names)
