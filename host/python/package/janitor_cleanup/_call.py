"""The calls of the contract's interface `cleanup`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

from . import _wasi
from ._cluster import Cluster
from ._run import Cancellation, Control, Loaded, results, run
from ._values import converter
from .endpoints import Endpoints, authorization
from .errors import CleanupFailure, ComponentError
from .transport import Transport
from .types import CleanupPlan, Entry, Failure, Inventory, Options, ReadFailure, Report, Target

INTERFACE = "janitor:cleanup/cleanup"
DENIED = "The component was stopped: "
"""The beginning of a failure that the component reports after a request that it has denied."""
MOST_SECONDS = (1 << 32) - 1
"""The longest time limit; a longer one is cut to it."""


def clean(
    target: Target,
    options: Optional[Options] = None,
    *,
    endpoints: Optional[Endpoints] = None,
    token: Optional[str] = None,
    transport: Optional[Transport] = None,
    on_event: Optional[Callable[[Entry], object]] = None,
    cancelled: Optional[Cancellation] = None,
    timeout: float = 3600,
) -> Report:
    """Removes a target: its volumes, its reservations, its ZooKeeper node, its Marathon app.

    `endpoints` and `token` come from the operator's configuration; the token is sent to all of the
    endpoints. `transport` sends the requests instead of the WebAssembly runtime. `on_event` gets
    every entry of the log while the run waits. Once `cancelled` is set, or after `timeout`
    seconds, the run changes nothing more and fails with `Reason.STOPPED`.

    Raises `CleanupFailure` if the run did not complete, `ComponentError` if the component broke
    its contract, `ValueError` or `TypeError` for wrong arguments, and whatever `on_event` raises.
    """
    arguments = [(Target, target), (Options, Options() if options is None else options)]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    report: Report = _call("clean", arguments, Report, Failure, *settings)
    return report


def plan(
    target: Target,
    options: Optional[Options] = None,
    *,
    endpoints: Optional[Endpoints] = None,
    token: Optional[str] = None,
    transport: Optional[Transport] = None,
    on_event: Optional[Callable[[Entry], object]] = None,
    cancelled: Optional[Cancellation] = None,
    timeout: float = 3600,
) -> CleanupPlan:
    """Returns what `clean` would do now, and changes nothing. It has the arguments of `clean`."""
    arguments = [(Target, target), (Options, Options() if options is None else options)]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    planned: CleanupPlan = _call("plan", arguments, CleanupPlan, ReadFailure, *settings)
    return planned


def apply(
    plan: CleanupPlan,
    options: Optional[Options] = None,
    *,
    endpoints: Optional[Endpoints] = None,
    token: Optional[str] = None,
    transport: Optional[Transport] = None,
    on_event: Optional[Callable[[Entry], object]] = None,
    cancelled: Optional[Cancellation] = None,
    timeout: float = 3600,
) -> Report:
    """Carries out a plan, unless the cluster has changed since. The other arguments are those of
    `clean`."""
    arguments = [(CleanupPlan, plan), (Options, Options() if options is None else options)]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    report: Report = _call("apply", arguments, Report, Failure, *settings)
    return report


def discover(
    options: Optional[Options] = None,
    *,
    endpoints: Optional[Endpoints] = None,
    token: Optional[str] = None,
    transport: Optional[Transport] = None,
    on_event: Optional[Callable[[Entry], object]] = None,
    cancelled: Optional[Cancellation] = None,
    timeout: float = 3600,
) -> Inventory:
    """Returns everything that is reserved in the cluster. The arguments are those of `clean`."""
    arguments = [(Options, Options() if options is None else options)]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    inventory: Inventory = _call("discover", arguments, Inventory, ReadFailure, *settings)
    return inventory


def clean_all(
    targets: Sequence[Target],
    options: Optional[Options] = None,
    *,
    endpoints: Optional[Endpoints] = None,
    token: Optional[str] = None,
    transport: Optional[Transport] = None,
    on_event: Optional[Callable[[Entry], object]] = None,
    cancelled: Optional[Cancellation] = None,
    timeout: float = 3600,
) -> list[Union[Report, CleanupFailure]]:
    """Removes several targets in one run: the agents are listed as often as for one of them.

    A target that fails keeps no other from being removed: the list, in the order of the targets,
    has its `CleanupFailure`. The other arguments are those of `clean`.
    """
    arguments = [(list[Target], list(targets)), (Options, Options() if options is None else options)]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    reports: list[Union[Report, CleanupFailure]]
    reports = _call("clean-all", arguments, Report, Failure, *settings)
    return reports


def plan_all(
    targets: Sequence[Target],
    options: Optional[Options] = None,
    *,
    endpoints: Optional[Endpoints] = None,
    token: Optional[str] = None,
    transport: Optional[Transport] = None,
    on_event: Optional[Callable[[Entry], object]] = None,
    cancelled: Optional[Cancellation] = None,
    timeout: float = 3600,
) -> list[Union[CleanupPlan, CleanupFailure]]:
    """Returns what `clean_all` would do now, and changes nothing. It has the arguments of
    `clean_all`."""
    arguments = [(list[Target], list(targets)), (Options, Options() if options is None else options)]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    plans: list[Union[CleanupPlan, CleanupFailure]]
    plans = _call("plan-all", arguments, CleanupPlan, ReadFailure, *settings)
    return plans


def apply_all(
    plans: Sequence[CleanupPlan],
    options: Optional[Options] = None,
    *,
    endpoints: Optional[Endpoints] = None,
    token: Optional[str] = None,
    transport: Optional[Transport] = None,
    on_event: Optional[Callable[[Entry], object]] = None,
    cancelled: Optional[Cancellation] = None,
    timeout: float = 3600,
) -> list[Union[Report, CleanupFailure]]:
    """Carries out several plans in one run, each unless the cluster has changed since. The other
    arguments are those of `clean`."""
    arguments = [
        (list[CleanupPlan], list(plans)),
        (Options, Options() if options is None else options),
    ]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    reports: list[Union[Report, CleanupFailure]]
    reports = _call("apply-all", arguments, Report, Failure, *settings)
    return reports


def _targets(argument: object) -> list[Target]:
    """Returns the targets of a call, as far as they are valid."""
    several = argument if isinstance(argument, list) else [argument]
    targets = [it.target if isinstance(it, CleanupPlan) else it for it in several]
    return [it for it in targets if isinstance(it, Target)]


def _call(
    function: str,
    arguments: Sequence[tuple[Any, object]],
    ok: Any,
    err: Any,
    endpoints: Optional[Endpoints],
    token: Optional[str],
    transport: Optional[Transport],
    on_event: Optional[Callable[[Entry], object]],
    cancelled: Optional[Cancellation],
    timeout: float,
) -> Any:
    """Makes one call in a new instance."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number, not {type(timeout).__name__}")
    if not timeout > 0:
        raise ValueError("timeout must be more than 0 seconds")
    seconds = min(timeout, MOST_SECONDS)
    if on_event is not None and (not callable(on_event) or inspect.iscoroutinefunction(on_event)):
        raise TypeError("on_event must be a function, and not a coroutine function")
    for name, value, method in ("cancelled", cancelled, "is_set"), ("transport", transport, "send"):
        if value is not None and not callable(getattr(value, method, None)):
            raise TypeError(f"{name} must have a method {method}")
    located = Endpoints() if endpoints is None else endpoints
    if not isinstance(located, Endpoints):
        raise TypeError(f"endpoints must be Endpoints, not {type(located).__name__}")
    bases = located.bases()
    _, first = arguments[0]
    is_discovery = isinstance(first, Options)
    credentials = authorization(token, bases, None if is_discovery else _targets(first))

    def work(loaded: Loaded, control: Control) -> Any:
        kind = loaded.function(INTERFACE, function)
        values = [
            converter(parameter, cls).to_component(argument)
            for (_, parameter), (cls, argument) in zip(kind.params, arguments)
        ]
        to_ok, to_err = results(kind, ok, err)

        def value_of(result: Any) -> Any:
            if result.tag == "ok":
                return to_ok.to_python(result.payload)
            failure = to_err.to_python(result.payload)
            if failure.message.startswith(DENIED):
                raise ComponentError(failure.message)
            report = getattr(failure, "report", None)
            return CleanupFailure(failure.reason, failure.message, report)

        cluster = None
        if transport is not None:
            cluster = Cluster(loaded, control, bases, credentials, transport)
            cluster.link(loaded)
        else:
            _wasi.link(loaded)
        try:
            instance = loaded.linker.instantiate(loaded.store, loaded.component)
            if transport is None:
                _wasi.configure(loaded, instance, located, token, seconds)
            result = loaded.export(instance, INTERFACE, function)(*values)
        finally:
            if cluster is not None:
                cluster.close()
        if isinstance(result, list):
            return [value_of(each) for each in result]
        value = value_of(result)
        if isinstance(value, CleanupFailure):
            raise value
        return value

    return run(
        "janitor-library.wasm" if transport is None else "janitor.wasm",
        work,
        on_event=on_event,
        cancelled=cancelled,
        timeout=seconds,
        stops_in_order=transport is not None,
    )
