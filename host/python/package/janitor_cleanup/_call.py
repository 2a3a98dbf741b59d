"""The calls of the contract's interface `cleanup`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

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
"""The begin of a failure that the component reports because it has denied one of its requests."""


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
    arguments = [(Target, target), (Options, options or Options())]
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
    arguments = [(Target, target), (Options, options or Options())]
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
    arguments = [(CleanupPlan, plan), (Options, options or Options())]
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
    arguments = [(Options, options or Options())]
    settings = (endpoints, token, transport, on_event, cancelled, timeout)
    inventory: Inventory = _call("discover", arguments, Inventory, ReadFailure, *settings)
    return inventory


def _call(
    function: str,
    arguments: Sequence[tuple[type, object]],
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
    if not timeout > 0:
        raise ValueError("timeout must be more than 0 seconds")
    located = endpoints or Endpoints()
    bases = located.bases()
    credentials = authorization(token)

    def work(loaded: Loaded, control: Control) -> Any:
        kind = loaded.function(INTERFACE, function)
        values = [
            converter(parameter, cls).to_component(argument)
            for (_, parameter), (cls, argument) in zip(kind.params, arguments)
        ]
        to_ok, to_err = results(kind, ok, err)
        cluster = None
        if transport:
            cluster = Cluster(loaded, control, bases, credentials, transport)
            cluster.link(loaded)
        else:
            _wasi.link(loaded)
        try:
            instance = loaded.linker.instantiate(loaded.store, loaded.component)
            if not transport:
                _wasi.configure(loaded, instance, located, token, timeout)
            result = loaded.export(instance, INTERFACE, function)(*values)
        finally:
            if cluster:
                cluster.close()
        if result.tag == "ok":
            return to_ok.to_python(result.payload)
        failure = to_err.to_python(result.payload)
        if failure.message.startswith(DENIED):
            raise ComponentError(failure.message)
        raise CleanupFailure(failure.reason, failure.message, getattr(failure, "report", None))

    return run(
        "janitor.wasm" if transport else "janitor-library.wasm",
        work,
        on_event=on_event,
        cancelled=cancelled,
        timeout=timeout,
        stops_in_order=transport is not None,
    )
