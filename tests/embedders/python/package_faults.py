"""Faults of the program that uses the package janitor-cleanup, and of servers. The command line is
that of `package_user.py`: python package_faults.py [CASE MASTER_URL EXHIBITOR_URL]...
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import janitor_cleanup._run as internals
import package_user as user
from janitor_cleanup import HttpRequest, HttpResponse, HttpTransport, clean
from package_user import TARGET, raises


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


if __name__ == "__main__":
    user.main(globals())
