"""Converts a report to the JSON of `janitor --output json`, on one line."""

import json

from wasmtime.component import EnumType, ListType, OptionType, RecordType, String, U16, Variant, VariantType


def to_json(kind, value):
    return json.dumps(plain(kind, value), ensure_ascii=False, separators=(",", ":"))


def plain(kind, value):
    """Converts a value of a type of the contract to JSON."""
    match kind:
        case RecordType():
            return {name.replace("-", "_"): plain(field, getattr(value, name)) for name, field in kind.fields}
        case ListType():
            return [plain(kind.element, item) for item in value]
        case OptionType():
            return None if value is None else plain(kind.payload, value)
        case EnumType():
            return pascal(value)
        case VariantType():
            cases = dict(kind.cases)
            name, payload = name_and_payload(cases, value)
            return {pascal(name): plain(cases[name], payload)} if cases[name] else pascal(name)
        case _:
            return value


def name_and_payload(cases, value):
    """Returns the name of a case, which wasmtime omits if the payload's class determines it."""
    if isinstance(value, Variant):
        return value.tag, value.payload
    kind = {int: U16, str: String}.get(type(value), type(None))
    return next(name for name, case in cases.items() if isinstance(case, kind)), value


def pascal(kebab):
    return "".join(word.capitalize() for word in kebab.split("-"))
