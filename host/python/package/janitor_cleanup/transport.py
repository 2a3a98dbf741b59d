"""Transports: how requests are sent if the program sends them itself."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional, Protocol
from urllib.parse import urlsplit

from .errors import TransportError
from .types import (
    Error,
    ErrorConnect,
    ErrorDns,
    ErrorInternal,
    ErrorProtocol,
    ErrorReset,
    ErrorTimeout,
    ErrorTls,
)


@dataclass(frozen=True)
class HttpRequest:
    """One request to a server."""

    method: str
    """`GET`, `POST` or `DELETE`."""
    url: str
    """The URL, encoded. Send it unchanged."""
    headers: Mapping[str, str]
    """The headers, with the credentials."""
    body: Optional[bytes]
    """The content."""


class HttpResponse(Protocol):
    """The response to a request, whose body is read piece by piece."""

    @property
    def status(self) -> int:
        """The HTTP status, whatever it is: redirects must not be followed."""

    def read(self, limit: int, /) -> bytes:
        """Returns at most `limit` bytes, and none at the end of the body. Content codings are
        decoded. A truncated body is an exception, never an end."""

    def close(self) -> None:
        """Frees the connection."""


class Transport(Protocol):
    """Sends requests. Up to 32 threads call it at the same time."""

    def send(self, request: HttpRequest, /) -> HttpResponse:
        """Sends a request once, and returns its response as soon as its headers have arrived.

        Every wait must end: 10 s to connect and 60 s for the response are usual. Raise a
        `TransportError` if there is no response; an `OSError` or `http.client.HTTPException`
        also counts as that. Any other exception ends the run, and is raised to its caller.
        """


def error_of(exception: BaseException) -> Optional[Error]:
    """Returns the case of the contract for an exception; `None` if it is not an error of HTTP."""
    match exception:
        case TransportError():
            return exception.error
        case socket.gaierror():
            return ErrorDns()
        case ConnectionRefusedError():
            return ErrorConnect("connection refused")
        case TimeoutError():
            return ErrorTimeout()
        case ssl.SSLCertVerificationError():
            return ErrorTls(exception.verify_message)
        case ssl.SSLError():
            return ErrorTls(exception.reason or "the handshake failed")
        case ConnectionError() | http.client.IncompleteRead():
            return ErrorReset()
        case http.client.HTTPException():
            return ErrorProtocol("it violates the protocol")
        case OSError():
            return ErrorInternal(exception.strerror or type(exception).__name__)
    return None


class HttpTransport:
    """A transport of Python's own `http.client`: without proxies, and with one connection for
    each request."""

    def __init__(self, *, context: Optional[ssl.SSLContext] = None) -> None:
        """Creates a transport. `context` holds the authorities to trust and a client certificate;
        the default trusts the system's authorities."""
        self._context = context or ssl.create_default_context()

    def send(self, request: HttpRequest, /) -> HttpResponse:
        """Sends a request."""
        parts = urlsplit(request.url)
        connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=10, context=self._context)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=10)
        )
        try:
            connection.connect()
        except (socket.gaierror, ssl.SSLError):
            raise
        except OSError as error:
            # The server has not seen the request.
            raise TransportError(ErrorConnect(error.strerror or "no connection in time")) from error
        connection.sock.settimeout(60)
        target = request.url[len(f"{parts.scheme}://{parts.netloc}") :]
        connection.request(request.method, target, request.body, dict(request.headers))
        response = connection.getresponse()
        if response.getheader("Content-Encoding", "identity") != "identity":
            connection.close()
            raise TransportError(ErrorProtocol("it has a content coding that was not requested"))
        return _Response(connection, response)


class _Response:
    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> None:
        self._connection, self._response = connection, response

    @property
    def status(self) -> int:
        return self._response.status

    def read(self, limit: int, /) -> bytes:
        # In contrast to `read`, this returns the bytes that have arrived.
        piece = self._response.read1(limit)
        if not piece and self._response.length:
            raise http.client.IncompleteRead(piece, self._response.length)
        return piece

    def close(self) -> None:
        self._response.close()
        self._connection.close()
