"""What results are made of: attributes that cannot be set, arrays that cannot be written.

Groups are cached and shared; whoever changed one would change what every later caller gets.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

__all__ = ["Immutable", "frozen"]


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
