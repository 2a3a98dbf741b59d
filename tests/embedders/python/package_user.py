"""Uses the package janitor-cleanup: python package_user.py [CASE MASTER_URL EXHIBITOR_URL]...

Each case is a function that fails if the package does not do what its README says. It gets the
servers of a cluster with the sample's volumes. All cases run in one process, because the first call
compiles the component.
"""

import os
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from wasmtime.component import ValType

import janitor_cleanup._fast as fast
import janitor_cleanup._run as internals
from janitor_cleanup import (
    CleanupFailure,
    CleanupPlan,
    ComponentError,
    Endpoints,
    Entry,
    HttpRequest,
    HttpResponse,
    HttpTransport,
    Options,
    Reason,
    Report,
    Target,
    Transport,
    TransportError,
    apply,
    apply_all,
    clean,
    clean_all,
    discover,
    from_json,
    plan,
    plan_all,
    printable,
    to_json,
)
from janitor_cleanup._values import converter
from janitor_cleanup.types import ErrorConnect, EventConfirmed, EventPhaseStarted, Phase

ENDPOINTS = Endpoints()
"""The servers of the current case."""
TARGET = Target(role="cassandra_role", principal="cassandra_principal", znode="cassandra")


def failure_of(call: Callable[[], object]) -> CleanupFailure:
    """Returns the failure that a call raises."""
    try:
        call()
    except CleanupFailure as failure:
        return failure
    raise AssertionError("it did not fail")


def raises(kind: type[BaseException], call: Callable[[], object]) -> str:
    """Returns the text of the exception that a call raises."""
    try:
        call()
    except kind as exception:
        return str(exception)
    raise AssertionError(f"it did not raise {kind.__name__}")


def a_plan_is_applied(transport: Optional[Transport] = None) -> None:
    """A plan survives its way through JSON, and is carried out once."""
    planned = plan(TARGET, endpoints=ENDPOINTS, transport=transport)
    assert planned.refusal is None and len(planned.agents) > 0
    again = from_json(CleanupPlan, to_json(planned))
    assert again == planned
    held = discover(endpoints=ENDPOINTS, transport=transport)
    assert TARGET.role in [holding.role for holding in held.roles]
    entries: list[Entry] = []
    report = apply(again, endpoints=ENDPOINTS, transport=transport, on_event=entries.append)
    assert report.confirmed == [Phase.VOLUMES, Phase.RESERVATIONS]
    assert from_json(Report, to_json(report)) == report
    assert EventPhaseStarted in {type(entry.event) for entry in entries}
    once_more = apply(again, endpoints=ENDPOINTS, transport=transport)
    assert once_more.agents == [] and once_more.confirmed == []
    refused = failure_of(lambda: plan(Target(), endpoints=ENDPOINTS, transport=transport))
    assert refused.reason is Reason.NOTHING_TO_DO and refused.report is None


def several_are_cleaned(transport: Optional[Transport] = None) -> None:
    """Several targets are cleaned in one run, and each has its own result."""
    targets = discover(endpoints=ENDPOINTS, transport=transport).orphans
    assert TARGET.role in [target.role for target in targets]
    several = [TARGET, Target(role="*"), Target(znode="another")]
    plans = plan_all(several, endpoints=ENDPOINTS, transport=transport)
    planned, wrong, _ = plans
    assert isinstance(planned, CleanupPlan) and len(planned.agents) > 0
    assert isinstance(wrong, CleanupFailure) and wrong.reason is Reason.INVALID_TARGET
    reports = apply_all([planned], endpoints=ENDPOINTS, transport=transport)
    assert [type(it) for it in reports] == [Report]
    reports = clean_all(several, endpoints=ENDPOINTS, transport=transport)
    assert [type(it) for it in reports] == [Report, CleanupFailure, Report]


def several_are_cleaned_over_a_transport() -> None:
    """The same, over a transport in Python."""
    several_are_cleaned(HttpTransport())


def a_plan_is_applied_over_a_transport() -> None:
    """The same, over a transport in Python."""
    a_plan_is_applied(HttpTransport())


def entries_are_read_as_by_wasmtime() -> None:
    """The package's own reader of entries and that of `wasmtime` read the same."""
    reader = fast.reader
    compared = 0

    def both(kind: ValType, hint: object) -> Callable[[object], object]:
        read = reader(kind, hint)
        if hint is not Entry:
            return read

        def compare(value: Any) -> object:
            nonlocal compared
            compared += 1
            entry = read(value)
            assert entry == converter(kind, hint).to_python(kind.convert_from_c(value))
            return entry

        return compare

    setattr(fast, "reader", both)
    try:
        clean(TARGET, endpoints=ENDPOINTS)
    finally:
        setattr(fast, "reader", reader)
    assert compared > 20


def wrong_types() -> Iterator[tuple[str, dict[str, Any]]]:
    """Returns arguments of wrong types, and the place that the exception names."""

    class Asynchronous:
        async def __call__(self, entry: Entry) -> None:
            raise LookupError

    async def on_event(entry: Entry) -> None:
        raise LookupError

    wrong: Any
    for wrong in 5, b"canary", [], True:
        yield "Target.role: expected str", {"target": Target(role=wrong)}
        yield "Options.in_use: expected InUse", {"options": Options(in_use=wrong)}
    for wrong in "canary", 5, None:
        yield "Options.ignored_agents: expected list", {"options": Options(ignored_agents=wrong)}
        yield "Options.system_znode: expected bool", {"options": Options(system_znode=wrong)}
    for wrong in 1.5, True, "5":
        yield "Options.confirm_seconds: expected int", {"options": Options(confirm_seconds=wrong)}
    yield "expected Target", {"target": "canary"}
    yield "expected Options", {"options": {}}
    wrong = None
    yield "endpoints.master must be str", {"endpoints": Endpoints(master=wrong)}
    yield "endpoints must be Endpoints", {"endpoints": {}}
    yield "token must be str", {"token": b"canary"}
    yield "timeout must be a number", {"timeout": "5"}
    yield "transport must have a method send", {"transport": {}}
    yield "cancelled must have a method is_set", {"cancelled": 0}
    yield "on_event must be a function", {"on_event": "canary"}
    yield "not a coroutine function", {"on_event": on_event}
    yield "Asynchronous returned an awaitable", {"on_event": Asynchronous()}


def wrong_arguments_send_nothing() -> None:
    """Wrong arguments are exceptions that name the argument, and no secret."""
    wrong: list[Callable[[], object]] = [
        lambda: clean(TARGET, Options(confirm_seconds=1 << 32), endpoints=ENDPOINTS),
        lambda: clean(TARGET, Options(confirm_seconds=-1), endpoints=ENDPOINTS),
        lambda: clean(TARGET, endpoints=Endpoints(master="ftp://canary@127.0.0.1/")),
        lambda: clean(TARGET, endpoints=Endpoints(marathon="http://user:canary@127.0.0.1/")),
        lambda: clean(TARGET, endpoints=Endpoints(master="http://127.0.0.1/,http://127.0.0.2/")),
        lambda: clean(TARGET, endpoints=ENDPOINTS, token="canary\n"),
        lambda: clean(TARGET, endpoints=ENDPOINTS, timeout=0),
        lambda: clean(TARGET, endpoints=ENDPOINTS, timeout=float("nan")),
        lambda: clean(Target(role="\ud800"), endpoints=ENDPOINTS),
        lambda: from_json(Options, "{}"),
        lambda: from_json(Target, to_json(TARGET).replace("principal", "canary")),
        lambda: from_json(Target, '{"role": null, "role": null}'),
    ]
    for transport in None, HttpTransport():
        for call in wrong:
            assert "canary" not in raises(ValueError, call)
        for words, arguments in wrong_types():
            usual = {"target": TARGET, "endpoints": ENDPOINTS, "transport": transport}
            text = raises(TypeError, lambda: clean(**{**usual, **arguments}))
            assert words in text and "canary" not in text, text


def a_token_is_not_sent_in_the_clear() -> None:
    """If one server is reached over HTTPS, no token is sent to another one over plain HTTP."""
    encrypted = "https://127.0.0.1:1/"
    master = replace(ENDPOINTS, exhibitor=encrypted, marathon=encrypted)
    exhibitor = replace(ENDPOINTS, master=encrypted, marathon=encrypted)
    marathon = Endpoints(master=encrypted, exhibitor=encrypted, marathon=ENDPOINTS.master)
    app = Target(role="canary", marathon_app="/canary")
    for transport in None, HttpTransport():
        for name, endpoints, target in [
            ("master", master, TARGET),
            ("exhibitor", exhibitor, TARGET),
            ("marathon", marathon, app),
        ]:
            call = lambda: plan(target, endpoints=endpoints, token="canary", transport=transport)
            text = raises(ValueError, call)
            assert f"over plain HTTP to {name}" in text and "canary" not in text, text
        # A server that the call does not need gets no token.
        unused = Endpoints(master=encrypted, exhibitor=encrypted, marathon=ENDPOINTS.master)
        call = lambda: plan(
            TARGET,
            Options(confirm_seconds=0),
            endpoints=unused,
            token="canary",
            transport=transport,
        )
        assert failure_of(call).reason is Reason.FAILED


def no_text_controls_a_terminal() -> None:
    """`printable` escapes what does not appear, and nothing else."""
    assert printable("a\x1b[2Jb\nc\x9bü\u202e") == "a\\u{1b}[2Jb\\u{a}c\\u{9b}ü\\u{202e}"
    hidden = "\xad\u200b\u200d\ufe0f\U000e0061\u3164\u2800\xa0\u2028\U00013430\U0001343f"
    for letter in hidden + "\U00016fe4\U0001d159\ufdd0\ufdef\ufffe\U0001ffff\U0010fffe\ud800":
        assert printable(f"kafka{letter}-role") == f"kafka\\u{{{ord(letter):x}}}-role"
    for shown in "a b", "Größe", "数据", "קפקא", "кафка", "🦀", "\ufffd":
        assert printable(shown) == shown


def the_longest_time_limit() -> None:
    """A time limit of any length is allowed."""
    for timeout in float("inf"), 10**400:
        for transport in None, HttpTransport():
            planned = plan(TARGET, endpoints=ENDPOINTS, transport=transport, timeout=timeout)
            assert planned.refusal is None


def an_exception_of_the_caller_is_its_own() -> None:
    """An exception in `on_event` ends its own run, and no other one at the same time."""

    def failing(entry: Entry) -> None:
        raise LookupError(entry.message)

    others: list[BaseException] = []

    def fail() -> None:
        try:
            clean(Target(role="other"), endpoints=ENDPOINTS, on_event=failing)
        except BaseException as exception:
            others.append(exception)

    threads = [threading.Thread(target=fail) for _ in range(3)]
    for thread in threads:
        thread.start()
    planned = plan(TARGET, endpoints=ENDPOINTS)
    for thread in threads:
        thread.join()
    assert planned.refusal is None
    assert [type(other) for other in others] == [LookupError] * 3, others


def a_private_authority() -> None:
    """Only a transport knows a private authority and has a client's certificate. The environment
    names the folder of their files, and the token that the servers require."""
    folder, token = Path(os.environ["AUTHORITY"]), os.environ["TOKEN"]
    options = Options(confirm_seconds=0)
    for transport in None, HttpTransport():
        failure = failure_of(
            lambda: clean(TARGET, options, endpoints=ENDPOINTS, token=token, transport=transport)
        )
        assert "no trusted connection to the Mesos master" in failure.message, failure
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "client.pem", folder / "client.key")
    # The authority's certificate lacks some extensions, which Python requires since 3.13.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    trusting = HttpTransport(context=context)
    failure = failure_of(lambda: clean(TARGET, endpoints=ENDPOINTS, transport=trusting))
    assert failure.reason is Reason.FAILED and "401" in failure.message, failure
    report = clean(TARGET, endpoints=ENDPOINTS, token=token, transport=trusting)
    assert report.confirmed == [Phase.VOLUMES, Phase.RESERVATIONS]


def stop_at(moment: Callable[[], None]) -> Callable[[Entry], None]:
    """Returns a reader of events that does something once the volumes are removed."""

    def on_event(entry: Entry) -> None:
        if entry.event == EventConfirmed(Phase.VOLUMES):
            moment()

    return on_event


def a_cancelled_run_over_a_transport_reports() -> None:
    """A cancellation ends a run in order, if a transport sends the requests."""
    cancelled = threading.Event()
    on_event = stop_at(cancelled.set)

    def call() -> Report:
        transport = HttpTransport()
        return clean(
            TARGET, endpoints=ENDPOINTS, transport=transport, on_event=on_event, cancelled=cancelled
        )

    failure = failure_of(call)
    assert failure.reason is Reason.STOPPED, failure
    assert failure.report is not None and failure.report.confirmed == [Phase.VOLUMES]


def a_cancelled_run_ends() -> None:
    """A cancellation ends a run at once, if the runtime sends the requests."""
    cancelled = threading.Event()
    on_event = stop_at(cancelled.set)
    failure = failure_of(
        lambda: clean(TARGET, endpoints=ENDPOINTS, on_event=on_event, cancelled=cancelled)
    )
    assert failure.reason is Reason.STOPPED and failure.report is None, failure


def ctrl_c_ends_a_run(transport: Optional[Transport] = None) -> None:
    """Ctrl-C arrives as `KeyboardInterrupt` once the run has ended, which leaves no thread."""
    on_event = stop_at(lambda: os.kill(os.getpid(), signal.SIGINT))
    call = lambda: clean(TARGET, endpoints=ENDPOINTS, transport=transport, on_event=on_event)
    raises(KeyboardInterrupt, call)
    assert "janitor" not in [thread.name for thread in threading.enumerate()]


def ctrl_c_ends_a_run_over_a_transport() -> None:
    """The same, over a transport in Python."""
    ctrl_c_ends_a_run(HttpTransport())


def a_fault_of_a_transport_is_the_callers() -> None:
    """Errors of HTTP are the component's, and all other exceptions of a transport the caller's."""

    class Broken:
        def __init__(self, exception: Exception) -> None:
            self.exception = exception

        def send(self, request: HttpRequest, /) -> HttpResponse:
            raise self.exception

    class Unreadable:
        def send(self, request: HttpRequest, /) -> HttpResponse:
            response = HttpTransport().send(request)
            setattr(response, "read", lambda limit: 1 // 0)
            return response

    options = Options(confirm_seconds=0)
    for kind in ZeroDivisionError, ValueError, TypeError:
        broken = Broken(kind("canary"))
        call = lambda: clean(TARGET, options, endpoints=ENDPOINTS, transport=broken)
        assert raises(kind, call) == "canary"
    raises(ZeroDivisionError, lambda: clean(TARGET, endpoints=ENDPOINTS, transport=Unreadable()))
    for exception, words in [
        (TransportError(ErrorConnect("no route")), "cannot connect to the Mesos master: no route"),
        (ConnectionResetError(), "the connection to the Mesos master broke"),
        (TimeoutError(), "the Mesos master did not answer in time"),
    ]:
        broken = Broken(exception)
        failure = failure_of(lambda: clean(TARGET, options, endpoints=ENDPOINTS, transport=broken))
        assert failure.reason is Reason.FAILED and words in failure.message, failure


def a_component_that_breaks_its_contract() -> None:
    """A component that is not janitor's own is stopped, and the exception says why."""
    for role, words in [
        ("asks for what is not its business", "GET master/quota is not on the allow-list"),
        ("sends without end", "more than 32 exchanges in flight"),
        ("reads nothing", "it read 0 bytes of a response"),
        ("panics", "The component crashed: wasm trap: wasm `unreachable` instruction executed"),
        ("hoards memory", "The component crashed"),
    ]:
        for transport in None, HttpTransport():
            call = lambda: clean(Target(role=role), endpoints=ENDPOINTS, transport=transport)
            text = raises(ComponentError, call)
            assert words in text, text
    internals.GRACE = 0
    for transport in None, HttpTransport():
        call = lambda: clean(
            Target(role="loops"), endpoints=ENDPOINTS, transport=transport, timeout=0.1
        )
        text = raises(ComponentError, call)
        assert "took longer than 0.1 s" in text, text


def main(cases: Mapping[str, Any]) -> None:
    """Runs the cases that the command line names, each with the servers that follow its name."""
    global ENDPOINTS
    for name, master, exhibitor in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
        ENDPOINTS = Endpoints(master=master, exhibitor=exhibitor)
        cases[name]()


if __name__ == "__main__":
    main(globals())
