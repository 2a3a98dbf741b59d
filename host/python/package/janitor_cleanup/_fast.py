"""The two imports through which most data passes: entries of the log, and bodies of responses.

`wasmtime` converts an argument by asking for its type anew each time, which takes half a
millisecond for each of the 5,000 entries of a run over 2,000 agents; and it converts a body byte by
byte, which takes 2 to 3 seconds for a megabyte. This module does both over the C interface, on
which `wasmtime` is built. All other conversions are left to `wasmtime`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from wasmtime import StoreContext, WasmtimeError
from wasmtime import _ffi as ffi
from wasmtime.component import (
    EnumType,
    FuncType,
    LinkerInstance,
    ListType,
    OptionType,
    RecordType,
    String,
    TupleType,
    ValType,
    VariantType,
)

from ._values import cases, hints, items_of, without_none

Read = Callable[[Any], Any]
Called = Callable[[Any, Any, Any], None]
NUMBERS = {"Bool": "boolean", "U8": "u8", "U16": "u16", "U32": "u32", "U64": "u64", "F64": "f64"}
"""The fields of the numbers of each type."""


def add_log(
    linked: LinkerInstance,
    name: str,
    kind: FuncType,
    hint: Any,
    write: Callable[[Any], None],
    callback: Callable[[Called], Called],
) -> object:
    """Adds a function with one argument and without a result to a linker. `callback` wraps it, so
    that no exception other than `WasmtimeError` leaves it. Returns an object that must be kept as
    long as the linker."""
    ((_, parameter),) = kind.params
    read = reader(parameter, hint)
    called: Called = lambda store, arguments, results: write(read(arguments[0]))
    return _add(linked, name, callback(called))


def add_read(
    linked: LinkerInstance,
    name: str,
    kind: FuncType,
    read: Callable[..., Any],
    callback: Callable[[Called], Called],
) -> object:
    """Adds a function to a linker whose result is bytes, or else a value of `wasmtime`. The rest is
    as for `add_log`."""
    parameters, result = [parameter for _, parameter in kind.params], kind.result
    assert result is not None

    def called(store: Any, arguments: Any, results: Any) -> None:
        values = [it.convert_from_c(arguments[i]) for i, it in enumerate(parameters)]
        value = read(store, *values)
        if isinstance(value, bytes):
            _put_bytes(results[0], value)
        else:
            result.convert_to_c(store, value, results)

    return _add(linked, name, callback(called))


def _add(linked: LinkerInstance, name: str, function: Called) -> object:
    def called(
        data: Any, context: Any, kind: Any, arguments: Any, count: int, results: Any, many: int
    ) -> int:
        try:
            function(StoreContext(context), arguments, results)
            return 0
        except WasmtimeError as error:
            failure = error
        except BaseException:
            # Without a result and without an error, the runtime would read an unset result.
            failure = WasmtimeError("an exception of the host")
        return ctypes.cast(failure._consume(), ctypes.c_void_p).value or 0

    callback = ffi.wasmtime_component_func_callback_t(called)
    encoded = name.encode()
    nothing = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))
    buffer = ctypes.create_string_buffer(encoded)
    error = ffi.wasmtime_component_linker_instance_add_func(
        linked.ptr(), buffer, len(encoded), callback, None, nothing
    )
    if error:
        raise WasmtimeError._from_ptr(error)
    return callback


def _byte(number: int) -> bytes:
    value = ffi.wasmtime_component_val_t()
    value.kind = ffi.WASMTIME_COMPONENT_U8
    value.of.u8 = number
    return bytes(value)


BYTES = [_byte(number) for number in range(256)]
"""The values of all bytes, as they are in memory."""


def _put_bytes(result: Any, data: bytes) -> None:
    """Sets a result to `ok` with a list of bytes."""
    items = ffi.wasmtime_component_vallist_t()
    ffi.wasmtime_component_vallist_new_uninit(items, len(data))
    values = b"".join([BYTES[byte] for byte in data])
    ctypes.memmove(items.data, values, len(values))
    value = ffi.wasmtime_component_val_t()
    value.kind = ffi.WASMTIME_COMPONENT_LIST
    value.of.list = items
    result.kind = ffi.WASMTIME_COMPONENT_RESULT
    result.of.result.is_ok = True
    result.of.result.val = ffi.wasmtime_component_val_new(ctypes.byref(value))


def reader(kind: ValType, hint: Any) -> Read:
    """Returns the function that reads a value of a component's type as that of an annotation."""
    match kind:
        case RecordType():
            fields = [name.replace("-", "_") for name, _ in kind.fields]
            both = zip(fields, kind.fields)
            reads = [(name, reader(inner, hints(hint)[name])) for name, (_, inner) in both]

            def record(value: Any) -> Any:
                data = value.of.record.data
                return hint(**{it: read(data[i].val) for i, (it, read) in enumerate(reads)})

            return record
        case VariantType():
            by_tag = {}
            for tag, payload in kind.cases:
                case = cases(hint)[tag]
                by_tag[tag] = case, reader(payload, hints(case)["value"]) if payload else None

            def variant(value: Any) -> Any:
                case, read = by_tag[_text(value.of.variant.discriminant)]
                return case(read(value.of.variant.val.contents)) if read else case()

            return variant
        case EnumType():
            return lambda value: hint(_text(value.of.enumeration))
        case OptionType():
            some = reader(kind.payload, without_none(hint))
            return lambda value: some(value.of.option.contents) if value.of.option else None
        case ListType():
            item = reader(kind.element, items_of(hint)[0])
            return lambda value: [item(value.of.list.data[i]) for i in range(value.of.list.size)]
        case TupleType():
            items = [reader(*both) for both in zip(kind.elements, items_of(hint))]
            return lambda value: tuple(it(value.of.tuple.data[i]) for i, it in enumerate(items))
        case String():
            return lambda value: _text(value.of.string)
    field = NUMBERS[type(kind).__name__]
    return lambda value: getattr(value.of, field)


def _text(value: Any) -> str:
    return ctypes.string_at(value.data, value.size).decode()
