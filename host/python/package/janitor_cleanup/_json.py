"""The JSON of the contract's types, in the form of `janitor --output json` (docs/json.md)."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin

from ._values import cases, hints, pascal, without_none

T = TypeVar("T")


def to_json(value: Any) -> str:
    """Returns a value of `janitor_cleanup.types` as JSON, on one line, and in ASCII, so that no
    character in it controls a terminal."""
    return json.dumps(_plain(value), separators=(",", ":"))


def from_json(cls: type[T], text: str) -> T:
    """Reads what `to_json` has written of a value of a class, such as a `CleanupPlan`.

    Raises `ValueError`, which says where the text differs from the class: no field may be
    missing, unknown, or there twice.
    """
    read = _read(cls, json.loads(text, object_pairs_hook=_unique), cls.__name__)
    assert isinstance(read, cls)
    return read


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return pascal(value.value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        tag = getattr(value, "TAG", None)
        if tag is None:
            return {it.name: _plain(getattr(value, it.name)) for it in fields(value)}
        return {pascal(tag): _plain(getattr(value, "value"))} if fields(value) else pascal(tag)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    items = dict(pairs)
    if len(items) < len(pairs):
        raise ValueError(f"a field is there twice, among {', '.join(items)}")
    return items


def _read(hint: Any, value: Any, where: str) -> Any:
    """Reads a value of the type that an annotation names, at a place in the document."""
    origin = get_origin(hint)
    if origin is Union and type(None) in get_args(hint):
        return None if value is None else _read(without_none(hint), value, where)
    if origin is Union:
        return _case(hint, value, where)
    if origin is list:
        (item,) = get_args(hint)
        values = enumerate(_expect(list, value, where))
        return [_read(item, each, f"{where}[{i}]") for i, each in values]
    if origin is tuple:
        items = get_args(hint)
        if len(_expect(list, value, where)) != len(items):
            raise ValueError(f"{where}: expected {len(items)} items")
        return tuple(_read(*both, where) for both in zip(items, value))
    if isinstance(hint, type) and issubclass(hint, Enum):
        for member in hint:
            if pascal(member.value) == value:
                return member
        raise ValueError(f"{where}: expected a case of {hint.__name__}")
    if isinstance(hint, type) and is_dataclass(hint):
        names = hints(hint)
        if set(_expect(dict, value, where)) != set(names):
            raise ValueError(f"{where}: expected exactly the fields {', '.join(names)}")
        return hint(**{it: _read(names[it], value[it], f"{where}.{it}") for it in names})
    if hint is float and type(value) is int:
        return float(value)
    return _expect(hint, value, where)


def _case(hint: Any, value: Any, where: str) -> Any:
    for tag, case in cases(hint).items():
        names = fields(case)
        if not names and value == pascal(tag):
            return case()
        if names and isinstance(value, dict) and list(value) == [pascal(tag)]:
            return case(_read(hints(case)["value"], value[pascal(tag)], f"{where}.{pascal(tag)}"))
    raise ValueError(f"{where}: expected one of {', '.join(map(pascal, cases(hint)))}")


def _expect(cls: type, value: Any, where: str) -> Any:
    # A truth value is an `int` too, and would pass for a number.
    if not isinstance(value, cls) or (cls is int and isinstance(value, bool)):
        raise ValueError(f"{where}: expected {cls.__name__}")
    return value
