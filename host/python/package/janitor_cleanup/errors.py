"""The exceptions of this package."""

from __future__ import annotations

from typing import Optional, get_args

from .types import Error, ErrorDenied, ErrorStopped, ErrorTooLarge, Reason, Report


class JanitorError(Exception):
    """The base of all exceptions of this package."""


class CleanupFailure(JanitorError):
    """The run did not complete; `reason` says why, for programs."""

    reason: Reason
    """The reason. A refusal has changed nothing."""
    message: str
    """One sentence, for people. It may contain text from a server: print it with `printable`."""
    report: Optional[Report]
    """The report of the run until then; `None` after `plan` and `discover`, and if the run was
    cancelled while the runtime sent its requests."""

    def __init__(self, reason: Reason, message: str, report: Optional[Report]) -> None:
        super().__init__(message)
        self.reason, self.message, self.report = reason, message, report


class ComponentError(JanitorError):
    """The component crashed, met a limit, or requested something that its call does not allow.

    The run has ended in the middle of its work. What it has removed is not known, and another run
    continues.
    """

    message: str
    """The reason, for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class TransportError(Exception):
    """A transport raises this if a request has no response.

    `error` is a case of the contract, such as `ErrorConnect("connection refused")` if the server
    has not seen the request. Its text must not contain a credential or an address. `ErrorDenied`,
    `ErrorStopped` and `ErrorTooLarge` are not errors of a transport: they raise `ValueError`.
    """

    error: Error

    def __init__(self, error: Error) -> None:
        if not isinstance(error, get_args(Error)):
            raise TypeError(f"expected a case of Error, not {type(error).__name__}")
        if isinstance(error, (ErrorDenied, ErrorStopped, ErrorTooLarge)):
            raise ValueError(f"{type(error).__name__} is not an error of a transport")
        super().__init__(error)
        self.error = error
