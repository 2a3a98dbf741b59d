"""One run of a component: in a thread and an instance of its own, with limits."""

from __future__ import annotations

import inspect
import json
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Optional, Protocol

from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime.component import (
    Component,
    ComponentInstanceType,
    FuncType,
    Instance,
    Linker,
    ListType,
)

from ._fast import add_log
from ._values import Converter, converter
from .errors import CleanupFailure, ComponentError, JanitorError
from .types import Entry, Reason

MEMORY = 64 << 20
"""The largest memory of a component, in bytes: plenty for 100,000 agents."""
GRACE = 130
"""The seconds after its time limit in which a run may still report what is left."""
TICK = 0.1
"""The seconds between two looks at the clock and at the cancellation."""


class Cancellation(Protocol):
    """Cancels a run once it is set: a `threading.Event`, or another object like that."""

    def is_set(self) -> bool:
        """Returns whether the run is cancelled."""


class Control:
    """The state that the caller's thread and the run's thread share."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        """Once it is set, the run sends nothing more that changes anything."""
        self.exception: Optional[BaseException] = None
        """The exception of the caller's own code, which ends the run."""
        self.ended: Optional[JanitorError] = None
        """The reason why the component was ended, if it was."""
        self.stopped = math.inf
        """The moment since which the run changes nothing."""

    def stop(self) -> None:
        """Lets the run change nothing more."""
        self.stopped = min(self.stopped, time.monotonic())
        self.stopping.set()

    def check(self) -> None:
        """Ends the component from within one of its imports, if it has to end."""
        if self.exception or self.ended:
            raise WasmtimeError("the run was ended")

    def end(self, fault: str) -> WasmtimeError:
        """Makes the exception that ends the component because of a fault of its own."""
        self.ended = self.ended or ComponentError(f"The component was stopped: {fault}")
        return WasmtimeError(fault)

    def callback(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps an import, so that an exception of the caller's code arrives at the caller.

        `wasmtime` itself keeps such an exception in a place that all threads share.
        """

        def wrapped(*arguments: Any) -> Any:
            self.check()
            try:
                return function(*arguments)
            except WasmtimeError:
                raise
            except BaseException as exception:
                self.exception = self.exception or exception
                raise WasmtimeError("an exception of the host") from None

        return wrapped


class Loaded:
    """A component in an engine of its own, so that one run can be ended alone."""

    def __init__(self, name: str) -> None:
        self.engine = Engine(_config())
        self.component = Component.deserialize(self.engine, _compiled(name))
        self.linker = Linker(self.engine)
        self.store = Store(self.engine)
        self.store.set_limits(memory_size=MEMORY)
        self.store.set_epoch_deadline(1)
        self.kept: list[object] = []
        self._imports = self.component.type.imports(self.engine)
        self._exports = self.component.type.exports(self.engine)

    def interface(self, name: str) -> str:
        """Returns the name of an interface with its version."""
        both = [*self._imports, *self._exports]
        return next(it for it in both if it.split("@")[0] == name)

    def function(self, interface: str, function: str) -> FuncType:
        """Returns the type of a function of an interface."""
        name = self.interface(interface)
        instance = _type(self._imports.get(name) or self._exports[name])
        assert isinstance(instance, ComponentInstanceType)
        kind = _type(instance.exports(self.engine)[function])
        assert isinstance(kind, FuncType)
        return kind

    def export(self, instance: Instance, interface: str, function: str) -> Callable[..., Any]:
        """Returns a function that the component exports."""
        index = instance.get_export_index(self.store, self.interface(interface))
        index = instance.get_export_index(self.store, function, index)
        assert index is not None
        called = instance.get_func(self.store, index)
        assert called is not None
        return lambda *arguments: called(self.store, *arguments)


def _type(extern: Any) -> Any:
    """Returns the type of an import or an export, which `wasmtime` wraps since version 49."""
    return getattr(extern, "ty", extern)


def _config() -> Config:
    config = Config()
    config.epoch_interruption = True
    return config


@cache
def _compiled(name: str) -> bytes:
    """Compiles a component once in a process, which takes some seconds, or takes it from the cache
    that the environment names."""
    wasm = files(__package__).joinpath(name).read_bytes()
    config = _config()
    folder = os.environ.get("JANITOR_CACHE_DIR")
    if folder:
        with tempfile.TemporaryDirectory() as own:
            settings = Path(own, "cache.toml")
            # A string of JSON is a string of TOML too.
            settings.write_text(f"[cache]\ndirectory = {json.dumps(os.path.abspath(folder))}\n")
            try:
                config.cache = str(settings)
            except WasmtimeError as error:
                raise OSError(f"cannot use JANITOR_CACHE_DIR={folder}: {error}") from error
    return bytes(Component(Engine(config), wasm).serialize())


@dataclass
class _Done:
    """The end of the run's thread."""

    result: Any = None
    exception: Optional[BaseException] = None
    is_last: bool = True


def run(
    name: str,
    work: Callable[[Loaded, Control], Any],
    *,
    on_event: Optional[Callable[[Entry], object]],
    cancelled: Optional[Cancellation],
    timeout: float,
    stops_in_order: bool,
) -> Any:
    """Loads a component, and returns what `work` does with it in another thread.

    `on_event` and `cancelled` are called in this thread. Thus their exceptions are the caller's,
    and so is Ctrl-C: the first one cancels the run, and the second one does not wait for its end.
    `stops_in_order` is true if the imports of the component report a cancellation to it; otherwise
    the run is ended at once. However this function is left, the run sends nothing afterwards.
    """
    control = Control()
    loaded = Loaded(name)
    # Ctrl-C may interrupt this thread between any two operations. Therefore an entry and the end
    # are kept where they are until they have been handled; a semaphore only announces them.
    entries: list[tuple[Entry, threading.Event]] = []
    done: list[_Done] = []
    news = threading.Semaphore(0)

    def write(entry: Entry) -> None:
        handled = threading.Event()
        entries.append((entry, handled))
        news.release()
        while entries and not handled.wait(1):
            pass
        control.check()

    def body() -> None:
        try:
            _link_log(loaded, control, write if on_event is not None else None)
            done.append(_Done(work(loaded, control)))
        except BaseException as exception:
            done.append(_Done(exception=exception))
        news.release()

    def end_now() -> None:
        control.stop()
        # The component traps at its next loop or call. A function of the host is not interrupted.
        loaded.engine.increment_epoch()

    def call(function: Callable[..., Any], *arguments: object) -> Any:
        """Calls the caller's own code, whose exception ends the run."""
        try:
            result = function(*arguments)
            if inspect.isawaitable(result):
                if inspect.iscoroutine(result):
                    result.close()
                name = getattr(function, "__name__", type(function).__name__)
                raise TypeError(f"{name} returned an awaitable, and nothing would await it")
            return result
        except KeyboardInterrupt:
            raise
        except BaseException as exception:
            control.exception = control.exception or exception
            end_now()

    def deliver() -> None:
        entry, handled = entries[0]
        try:
            assert on_event is not None
            call(on_event, entry)
        finally:
            entries.clear()
            handled.set()

    end = time.monotonic() + timeout
    interrupt: Optional[KeyboardInterrupt] = None
    is_cancelled = False

    def look() -> None:
        """Looks at the clock and at the cancellation."""
        nonlocal end, is_cancelled
        now = time.monotonic()
        if not is_cancelled:
            is_set = cancelled is not None and call(cancelled.is_set)
            is_cancelled = bool(interrupt or control.exception or is_set)
            end = min(end, now) if is_cancelled else end
        if now >= end:
            control.stop()
        if is_cancelled and (not stops_in_order or now >= end + GRACE):
            control.ended = control.ended or _cancelled()
            end_now()
        elif now >= end + GRACE:
            fault = f"The run took longer than {timeout:g} s, and was ended"
            control.ended = control.ended or ComponentError(fault)
            end_now()
        if now >= end + 2 * GRACE:
            # A function of the host does not return, so the thread is left alone.
            done.append(_Done(is_last=False))

    thread = threading.Thread(target=body, name="janitor", daemon=True)
    try:
        thread.start()
        while not done:
            try:
                news.acquire(timeout=TICK)
                if entries:
                    deliver()
                look()
            except KeyboardInterrupt as again:
                if interrupt:
                    raise
                interrupt = again
    except BaseException:
        control.ended = control.ended or _cancelled()
        end_now()
        raise
    return _outcome(control, interrupt, done[0], thread)


def _outcome(
    control: Control, interrupt: Optional[KeyboardInterrupt], done: _Done, thread: threading.Thread
) -> Any:
    """Returns the result of a run, or raises the exception that explains its end."""
    if done.is_last:
        thread.join()
    own = interrupt or control.exception
    if own:
        raise own
    # A run that has completed before its cancellation is complete.
    is_complete = done.is_last and not done.exception
    if control.ended and (not is_complete or isinstance(control.ended, ComponentError)):
        raise control.ended from done.exception
    if isinstance(done.exception, WasmtimeError):
        reason = str(done.exception).strip().splitlines()[-1].strip()
        raise ComponentError(f"The component crashed: {reason}") from done.exception
    if done.exception:
        raise done.exception
    return done.result


def _cancelled() -> CleanupFailure:
    message = "The run was cancelled in the middle of its work; another run continues"
    return CleanupFailure(Reason.STOPPED, message, None)


def _link_log(
    loaded: Loaded, control: Control, write: Optional[Callable[[Entry], None]]
) -> None:
    interface = "janitor:cleanup/log"
    kind = loaded.function(interface, "write")
    written = write or (lambda entry: None)
    with loaded.linker.root() as root:
        with root.add_instance(loaded.interface(interface)) as linked:
            added = add_log(linked, "write", kind, Entry, written, control.callback)
            loaded.kept.append(added)


def results(function: FuncType, ok: Any, err: Any) -> tuple[Converter, Converter]:
    """Returns the converters of the two results of a function, which may be in a list."""
    kind: Any = function.result
    if isinstance(kind, ListType):
        kind = kind.element
    return converter(kind.ok, ok), converter(kind.err, err)
