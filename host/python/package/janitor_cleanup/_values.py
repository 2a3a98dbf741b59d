"""Conversion between the contract's types and the values of the package `wasmtime`.

A converter follows the type in the component and the class in `janitor_cleanup.types`. The
package `wasmtime` omits the tag of a variant if the class of its payload determines the case.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, Union, get_args, get_type_hints

from wasmtime.component import (
    U8,
    U16,
    U32,
    U64,
    EnumType,
    ListType,
    OptionType,
    Record,
    RecordType,
    String,
    TupleType,
    ValType,
    Variant,
    VariantType,
)

Convert = Callable[[Any], Any]


class Converter(NamedTuple):
    """The two directions of a conversion."""

    to_python: Convert
    to_component: Convert


def converter(kind: ValType | None, hint: Any) -> Converter:
    """Returns the converter between a component's type and the type that an annotation names."""
    match kind:
        case RecordType():
            return _of_record(kind, hint)
        case EnumType():
            return Converter(hint, lambda member: _expect(hint, member).value)
        case OptionType():
            return _of_option(kind, hint)
        case ListType() if hint is not bytes:
            (inner,) = get_args(hint)
            item = converter(kind.element, inner)
            return Converter(
                lambda items: [item.to_python(each) for each in items],
                lambda items: [item.to_component(each) for each in _expect(list, items)],
            )
        case TupleType():
            items = [converter(*both) for both in zip(kind.elements, get_args(hint))]
            return Converter(
                lambda values: tuple(it.to_python(each) for it, each in zip(items, values)),
                lambda values: tuple(
                    it.to_component(each)
                    for it, each in zip(items, _expect(tuple, values), strict=True)
                ),
            )
        case VariantType():
            return _of_variant(kind, hint)
        case U8() | U16() | U32() | U64():
            return _of_integer(int(type(kind).__name__[1:]))
        case String():
            return Converter(_same, _text)
    if hint is float:
        return Converter(_same, lambda value: float(_expect((float, int), value)))
    return Converter(_same, lambda value: _expect(hint, value))


def _expect(cls: Any, value: Any) -> Any:
    """Returns a value if it has a type, or one of several. A truth value is not a number."""
    classes = cls if isinstance(cls, tuple) else (cls,)
    if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes):
        raise TypeError(f"expected {classes[0].__name__}, not {type(value).__name__}")
    return value


def _text(value: Any) -> Any:
    try:
        _expect(str, value).encode()
    except UnicodeEncodeError:
        raise ValueError("a text has a surrogate, which is no character") from None
    return value


def _of_integer(bits: int) -> Converter:
    def to_component(value: Any) -> Any:
        # `wasmtime` would drop the upper bits of a larger number.
        if not 0 <= _expect(int, value) < 1 << bits:
            raise ValueError(f"{value!r} is not a whole number from 0 to {(1 << bits) - 1}")
        return value

    return Converter(_same, to_component)


def _same(value: Any) -> Any:
    return value


@cache
def hints(cls: type) -> dict[str, Any]:
    """Returns the resolved annotations of a class."""
    return get_type_hints(cls)


def cases(hint: Any) -> dict[str, Any]:
    """Returns the classes of a variant's cases by their tags."""
    return {case.TAG: case for case in get_args(hint)}


def _of_record(kind: RecordType, cls: Any) -> Converter:
    names = [(name, name.replace("-", "_"), inner) for name, inner in kind.fields]
    fields = [(name, field, converter(inner, hints(cls)[field])) for name, field, inner in names]

    def to_python(record: Any) -> Any:
        return cls(**{field: it.to_python(getattr(record, name)) for name, field, it in fields})

    def to_component(value: Any) -> Any:
        _expect(cls, value)
        record = Record()
        for name, field, it in fields:
            try:
                setattr(record, name, it.to_component(getattr(value, field)))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{cls.__name__}.{field}: {error}") from None
        return record

    return Converter(to_python, to_component)


def items_of(hint: Any) -> tuple[Any, ...]:
    """Returns the annotations of the items of a `list` or a `tuple`."""
    return get_args(hint)


def without_none(hint: Any) -> Any:
    """Returns the annotation `T` of an `Optional[T]`."""
    return Union[tuple(it for it in get_args(hint) if it is not type(None))]


def _of_option(kind: OptionType, hint: Any) -> Converter:
    inner = converter(kind.payload, without_none(hint))
    tags = _Tags([("none", None), ("some", kind.payload)])

    def to_python(value: Any) -> Any:
        tag, payload = tags.taken_off(value)
        return None if tag == "none" else inner.to_python(payload)

    def to_component(value: Any) -> Any:
        if value is None:
            return tags.put_on("none", None)
        return tags.put_on("some", inner.to_component(value))

    return Converter(to_python, to_component)


def _of_variant(kind: VariantType, hint: Any) -> Converter:
    tags = _Tags(kind.cases)
    by_tag: dict[str, tuple[Any, Converter | None]] = {}
    for tag, payload in kind.cases:
        case = cases(hint)[tag]
        by_tag[tag] = case, converter(payload, hints(case)["value"]) if payload else None

    def to_python(value: Any) -> Any:
        tag, payload = tags.taken_off(value)
        case, it = by_tag[tag]
        return case() if it is None else case(it.to_python(payload))

    def to_component(value: Any) -> Any:
        if not isinstance(value, get_args(hint)):
            names = ", ".join(case.__name__ for case in get_args(hint))
            raise TypeError(f"expected one of {names}, not {type(value).__name__}")
        _, it = by_tag[value.TAG]
        return tags.put_on(value.TAG, None if it is None else it.to_component(value.value))

    return Converter(to_python, to_component)


class _Tags:
    """The tags of a variant or an option. `wasmtime` omits them if the payloads' classes differ."""

    def __init__(self, cases: list[tuple[str, ValType | None]]) -> None:
        self._by_classes: list[tuple[tuple[type, ...], str]] = []
        self._are_needed = False
        seen: set[type] = set()
        for tag, payload in cases:
            classes: set[type] = set()
            if payload is None:
                classes.add(object)
            else:
                payload.add_classes(classes)
            self._are_needed = self._are_needed or bool(classes & seen)
            seen |= classes
            its = (type(None),) if payload is None else tuple(classes)
            self._by_classes.append((its, tag))

    def taken_off(self, value: Any) -> tuple[str, Any]:
        """Returns the tag and the payload of a value of `wasmtime`."""
        if self._are_needed:
            return value.tag, value.payload
        return next(tag for its, tag in self._by_classes if isinstance(value, its)), value

    def put_on(self, tag: str, payload: Any) -> Any:
        """Returns the value for `wasmtime`."""
        return Variant(tag, payload) if self._are_needed else payload


def pascal(name: str) -> str:
    """Returns the name of a case in JSON: `not-active` is `NotActive`."""
    return "".join(word.capitalize() for word in name.split("-"))
