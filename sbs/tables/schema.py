"""Check a document against ``group_data/schema.json``.

The schema is ordinary JSON Schema (draft 2020-12), and any validator takes it. This one knows just the keywords that
the schema uses, refuses others, and so costs the library no dependency.
"""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from sbs.tables.catalogue import data_directory
from sbs.tables.encoding import shown

__all__ = ["schema", "violations"]

Violation = tuple[str, str]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_ANNOTATIONS = {"$schema", "$defs", "title", "description"}


@cache
def schema() -> dict[str, Any]:
    """The schema as shipped; treat it as read-only."""
    with open(os.path.join(data_directory(), "schema.json"), "rb") as file:
        document: dict[str, Any] = json.load(file)
    return document


def violations(document: Any) -> Iterator[Violation]:
    """Every place where a document breaks the schema: the field, as "targets[3].size", and what is wrong there."""
    yield from _check(document, schema(), "")


def _check(value: Any, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    for keyword, argument in rule.items():
        if keyword not in _ANNOTATIONS:
            yield from _KEYWORDS[keyword](value, argument, rule, path)


def _ref(value: Any, argument: str, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    yield from _check(value, schema()["$defs"][argument.removeprefix("#/$defs/")], path)


def _type(value: Any, argument: str, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    right = isinstance(value, _TYPES[argument]) and (argument == "boolean" or not isinstance(value, bool))
    if not right:
        yield path, f"expected {argument}, got {shown(value)}"


def _const(value: Any, argument: Any, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if value != argument or type(value) is not type(argument):
        yield path, f"expected {argument!r}, got {shown(value)}"


def _enum(value: Any, argument: list[Any], rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if value not in argument:
        yield path, f"expected one of {argument}, got {shown(value)}"


def _any_of(value: Any, argument: list[dict[str, Any]], rule: dict[str, Any], path: str) -> Iterator[Violation]:
    branches = [list(_check(value, branch, path)) for branch in argument]
    if all(branches):
        # The branch that goes wrong deepest is the one that was meant.
        yield from max(branches, key=lambda found: max(len(where) for where, _ in found))


def _pattern(value: Any, argument: str, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if isinstance(value, str) and not re.search(argument, value):
        yield path, f"expected text that matches {argument}, got {shown(value)}"


def _minimum(value: Any, argument: float, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if isinstance(value, (int, float)) and value < argument:
        yield path, f"expected at least {argument}, got {shown(value)}"


def _required(value: Any, argument: list[str], rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if isinstance(value, dict):
        for name in argument:
            if name not in value:
                yield _join(path, name), "is missing"


def _properties(value: Any, argument: dict[str, Any], rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name in argument:
                yield from _check(item, argument[name], _join(path, name))


def _additional(value: Any, argument: bool, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if isinstance(value, dict) and not argument:
        for name in value:
            if name not in rule["properties"]:
                yield _join(path, name), "is no field of this format"


def _items(value: Any, argument: dict[str, Any], rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check(item, argument, f"{path}[{index}]")


def _length(value: Any, argument: int, rule: dict[str, Any], path: str) -> Iterator[Violation]:
    if isinstance(value, list):
        least, most = rule.get("minItems", 0), rule.get("maxItems", len(value))
        if not least <= len(value) <= most:
            yield path, f"expected {least} to {most} entries, got {len(value)}"


_KEYWORDS = {
    "$ref": _ref, "type": _type, "const": _const, "enum": _enum, "anyOf": _any_of, "pattern": _pattern,
    "minimum": _minimum, "required": _required, "properties": _properties, "additionalProperties": _additional,
    "items": _items, "minItems": _length, "maxItems": _length,
}  # fmt: skip


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
