"""Faults of the program that uses the package janitor-cleanup, and of servers. The command line is
that of `package_user.py`: python package_faults.py [CASE MASTER_URL EXHIBITOR_URL]...
"""

import io
import signal
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import janitor_cleanup
import janitor_cleanup._cluster as limits
import janitor_cleanup._run as internals
import package_user as user
from janitor_cleanup import (
    CleanupFailure,
    HttpRequest,
    HttpResponse,
    HttpTransport,
    Options,
    Reason,
    Transport,
    TransportError,
    clean,
    plan,
)
from janitor_cleanup.types import ErrorDenied, ErrorStopped, ErrorTooLarge
from package_user import TARGET, failure_of, raises

ONCE = Options(confirm_seconds=0)
"""Options with which no failed request is repeated for long."""


class Watched:
    """A transport that notes what changes the cluster, and responds slowly to it."""

    def __init__(self) -> None:
        self.changes: list[str] = []

    def send(self, request: HttpRequest, /) -> HttpResponse:
        if request.method != "GET" and b"GET_" not in (request.body or b""):
            self.changes.append(f"{request.method} {request.url}")
            time.sleep(0.3)
        return HttpTransport().send(request)


def has_ended() -> bool:
    """Returns whether no thread of a run is left that could send anything."""
    return "janitor" not in [thread.name for thread in threading.enumerate()]


def a_fault_of_the_cancellation_ends_the_run() -> None:
    """An exception in `cancelled` arrives once the run has ended, which changes nothing more."""

    class Unreachable:
        def __init__(self, is_reached: Callable[[], bool]) -> None:
            self.is_reached = is_reached

        def is_set(self) -> bool:
            if self.is_reached():
                return False
            raise ConnectionError("canary")

    watched = Watched()
    cancelled = Unreachable(lambda: not watched.changes)
    call = lambda: clean(TARGET, endpoints=user.ENDPOINTS, transport=watched, cancelled=cancelled)
    assert raises(ConnectionError, call) == "canary"
    assert has_ended() and all("destroy-volumes" in it for it in watched.changes), watched.changes


def ctrl_c_at_any_moment_ends_a_run() -> None:
    """Ctrl-C may arrive while the caller's thread looks at the clock."""
    watched = Watched()
    signals = 0

    class Clock:
        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        def monotonic(self) -> float:
            nonlocal signals
            if watched.changes and not signals:
                signals += 1
                signal.raise_signal(signal.SIGINT)
            return time.monotonic()

    setattr(internals, "time", Clock())
    try:
        raises(
            KeyboardInterrupt, lambda: clean(TARGET, endpoints=user.ENDPOINTS, transport=watched)
        )
    finally:
        setattr(internals, "time", time)
    assert has_ended() and all("destroy-volumes" in it for it in watched.changes), watched.changes


class Altered:
    """A transport whose responses differ from those of the servers."""

    def __init__(
        self,
        read: Callable[[HttpResponse, int], Any] = lambda response, limit: response.read(limit),
        status: Any = None,
    ) -> None:
        self.altered, self.status = read, status

    def send(self, request: HttpRequest, /) -> Any:
        response = HttpTransport().send(request)
        altered = self.altered

        class Response:
            status = response.status if self.status is None else self.status

            def read(self, limit: int) -> Any:
                return altered(response, limit)

            def close(self) -> None:
                response.close()

        return Response()


def a_response_of_another_form_is_an_exception() -> None:
    """A transport that does not keep to its interface ends the run, and not the process."""
    for transport, kind, words in [
        (Altered(lambda it, limit: bytearray(it.read(limit))), TypeError, "bytearray, not bytes"),
        (Altered(lambda it, limit: memoryview(it.read(limit))), TypeError, "memoryview, not bytes"),
        (Altered(lambda it, limit: it.read(limit).decode()), TypeError, "str, not bytes"),
        (Altered(lambda it, limit: None), TypeError, "NoneType, not bytes"),
        (Altered(lambda it, limit: bytes(limit + 1)), ValueError, "bytes, not at most "),
        (Altered(status="200"), TypeError, "the status of a response is str, not int"),
    ]:
        call = lambda: plan(TARGET, ONCE, endpoints=user.ENDPOINTS, transport=transport)
        text = raises(kind, call)
        assert words in text, text
    for status in 0, 100, 199, 600, 65736, -1:
        altered = Altered(status=status)
        failure = failure_of(
            lambda: plan(TARGET, ONCE, endpoints=user.ENDPOINTS, transport=altered)
        )
        assert f"its status is {status}" in failure.message, failure


def a_response_has_limits() -> None:
    """A body has a limit of bytes and one of time, and a response one of time, whoever sends."""
    endless = Altered(lambda it, limit: b" " * limit)
    silent = threading.Event()

    class Silent:
        def send(self, request: HttpRequest, /) -> HttpResponse:
            # The thread must not keep the process from ending.
            assert threading.current_thread().daemon
            silent.wait()
            return HttpTransport().send(request)

    usual = limits.BODY_BYTES, limits.SECONDS
    try:
        cases: list[tuple[str, float, Transport, str]] = [
            ("BODY_BYTES", 1 << 20, endless, "1048576 bytes"),
            ("SECONDS", 0.3, endless, "in time"),
            ("SECONDS", 0.3, Silent(), "in time"),
        ]
        for name, limit, transport, words in cases:
            setattr(limits, name, limit)
            call = lambda: plan(TARGET, ONCE, endpoints=user.ENDPOINTS, transport=transport)
            failure = failure_of(call)
            assert words in failure.message, failure
            limits.BODY_BYTES, limits.SECONDS = usual
    finally:
        silent.set()


def a_body_without_an_end_does_not_outlast_a_cancellation() -> None:
    """Once a run is cancelled, a body that is being read has only a short time."""
    cancelled = threading.Event()

    def trickle(response: HttpResponse, limit: int) -> bytes:
        cancelled.set()
        time.sleep(0.01)
        return b" "

    usual = limits.SECONDS_AFTER_STOP
    setattr(limits, "SECONDS_AFTER_STOP", 0.3)
    try:
        failure = failure_of(
            lambda: clean(
                TARGET,
                ONCE,
                endpoints=user.ENDPOINTS,
                transport=Altered(trickle),
                cancelled=cancelled,
            )
        )
    finally:
        limits.SECONDS_AFTER_STOP = usual
    # It has a report, so it has ended in order.
    assert failure.report is not None, failure


def an_error_of_the_host_is_none_of_a_transport() -> None:
    """A transport cannot claim that the run was cancelled or that a request was denied."""
    for error in ErrorDenied("canary"), ErrorStopped(), ErrorTooLarge(1):
        assert type(error).__name__ in raises(ValueError, lambda: TransportError(error))
    wrong: Any = "connect"
    raises(TypeError, lambda: TransportError(wrong))


def the_documents_print_no_escape_sequences() -> None:
    """The programs in the README and in the guide escape the texts of servers."""

    def failing(*arguments: object, on_event: Callable[[Any], object], **rest: object) -> None:
        on_event(SimpleNamespace(message="an \x1b[2J entry"))
        raise CleanupFailure(Reason.FAILED, "a \x1b[2J failure", None)

    root = Path(__file__).parents[3]
    readme = (root / "host/python/package/README.md").read_text()
    guide = (root / "docs/embedding.md").read_text()
    in_readme = readme.split("```python\n")[1].split("```")[0]
    in_guide = guide.split("\n## Python\n")[1].split("\n\n")[1:3]
    for program in in_readme, textwrap.dedent("\n\n".join(in_guide)):
        output = io.StringIO()
        setattr(janitor_cleanup, "clean", failing)
        try:
            with redirect_stdout(output):
                exec(program, {})
        finally:
            setattr(janitor_cleanup, "clean", clean)
        for line in "an \\u{1b}[2J entry\n", "a \\u{1b}[2J failure\n":
            assert line in output.getvalue(), (program, output.getvalue())


if __name__ == "__main__":
    user.main(globals())
