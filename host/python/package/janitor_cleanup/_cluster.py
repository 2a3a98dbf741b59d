"""The contract's import `cluster`, over a transport in Python."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import Any, Optional, cast
from urllib.parse import quote

from wasmtime.component import Record, ResourceAny, ResourceHost, ResourceType, Variant

from ._fast import add_read
from ._run import Control, Loaded
from ._values import converter
from .transport import HttpRequest, HttpResponse, Transport, error_of
from .types import (
    Endpoint,
    Error,
    ErrorDenied,
    ErrorProtocol,
    ErrorStopped,
    ErrorTimeout,
    ErrorTooLarge,
    Method,
    Request,
)

INTERFACE = "janitor:cleanup/cluster"
READ = "[method]response.read"
WINDOW = 32
"""The largest number of exchanges at the same time."""
BODY_BYTES = 1 << 30
"""The largest body of a response, in bytes."""
SECONDS = 600
"""The time limit for a response, and then for its body, in seconds."""
SECONDS_AFTER_STOP = 60
"""The time limit for a body once the run changes nothing more, in seconds."""
EXCHANGE, RESPONSE = range(2)
"""The kinds of the resources."""


@dataclass
class _Body:
    """The response to a request, while its body is read."""

    response: HttpResponse
    status: int
    begin: float
    """The moment since which it can be read."""
    size: int = 0
    """The number of bytes that have been read."""


class Cluster:
    """The exchanges of one run."""

    def __init__(
        self,
        loaded: Loaded,
        control: Control,
        bases: dict[Endpoint, str],
        authorization: Optional[str],
        transport: Transport,
    ) -> None:
        self._control, self._bases, self._transport = control, bases, transport
        self._authorization = authorization
        send = loaded.function(INTERFACE, "send")
        ((_, request),) = send.params
        self._request = converter(request, Request)
        self._error = converter(cast(Any, send.result).err, Error)
        self._exchanges: dict[int, Future[HttpResponse]] = {}
        self._responses: dict[int, _Body] = {}
        self._number = 0
        self._begin = time.monotonic()

    def link(self, loaded: Loaded) -> None:
        """Adds the import to the linker of the component."""
        kinds = ResourceType.host(EXCHANGE), ResourceType.host(RESPONSE)
        with loaded.linker.root() as root:
            with root.add_instance(loaded.interface(INTERFACE)) as linked:
                # An exchange that is dropped continues, and keeps its place.
                linked.add_resource("exchange", kinds[0], lambda store, number: None)
                linked.add_resource("response", kinds[1], self._control.callback(self._close))
                functions: dict[str, Callable[..., Any]] = {
                    "send": self._send,
                    "[static]exchange.finish": self._finish,
                    "[method]response.status": self._status,
                    "window": lambda store: WINDOW,
                    "pause": self._pause,
                    "elapsed": self._elapsed,
                }
                kind = loaded.function(INTERFACE, READ)
                read = add_read(linked, READ, kind, self._read, self._control.callback)
                loaded.kept.append(read)
                for name, function in functions.items():
                    linked.add_func(name, self._control.callback(function))

    def close(self) -> None:
        """Frees the connections, without waiting for responses that have not arrived."""
        for sent in self._exchanges.values():
            sent.add_done_callback(_close)
        for body in self._responses.values():
            body.response.close()

    def _send(self, store: object, record: Record) -> Any:
        request: Request = self._request.to_python(record)
        if len(self._exchanges) + len(self._responses) >= WINDOW:
            rule = f"more than {WINDOW} exchanges in flight"
            self._control.end(f"request not allowed: {rule}")
            return self._failed(ErrorDenied(rule))
        if self._control.stopping.is_set() and request.method is not Method.GET:
            return self._failed(ErrorStopped())
        self._number += 1
        self._exchanges[self._number] = self._sent(self._http(request))
        return ResourceHost.own(self._number, EXCHANGE)

    def _sent(self, request: HttpRequest) -> Future[HttpResponse]:
        """Sends a request in a thread of its own, which does not keep the process from ending."""
        sent: Future[HttpResponse] = Future()

        def send() -> None:
            try:
                sent.set_result(self._transport.send(request))
            except BaseException as exception:
                sent.set_exception(exception)

        Thread(target=send, name="janitor-request", daemon=True).start()
        return sent

    def _http(self, request: Request) -> HttpRequest:
        url = self._bases[request.endpoint] + "/".join(map(_encoded, request.path))
        if request.query:
            url += "?" + "&".join("=".join(map(_encoded, pair)) for pair in request.query)
        headers = {} if self._authorization is None else {"Authorization": self._authorization}
        if request.content:
            headers["Content-Type"] = request.content.media_type
        body = request.content.bytes if request.content else None
        return HttpRequest(request.method.value.upper(), url, headers, body)

    def _finish(self, store: Any, exchange: ResourceAny) -> Any:
        number = exchange.to_host(store).rep
        sent = self._exchanges.pop(number)
        if not wait([sent], timeout=SECONDS).done:
            sent.add_done_callback(_close)
            return self._failed(ErrorTimeout())
        try:
            response = sent.result()
        except Exception as exception:
            return self._reported(exception)
        status: object = response.status
        if type(status) is int and 200 <= status <= 599:
            self._responses[number] = _Body(response, status, time.monotonic())
            return ResourceHost.own(number, RESPONSE)
        response.close()
        if not isinstance(status, int):
            raise TypeError(f"the status of a response is {type(status).__name__}, not int")
        return self._failed(ErrorProtocol(f"its status is {status}"))

    def _status(self, store: Any, response: ResourceAny) -> int:
        return self._responses[response.to_host(store).rep].status

    def _read(self, store: Any, response: ResourceAny, limit: int) -> Any:
        if limit == 0:
            raise self._control.end("it read 0 bytes of a response")
        body = self._responses[response.to_host(store).rep]
        if body.size > BODY_BYTES:
            return self._failed(ErrorTooLarge(BODY_BYTES))
        after_stop = max(body.begin, self._control.stopped) + SECONDS_AFTER_STOP
        if time.monotonic() >= min(body.begin + SECONDS, after_stop):
            return self._failed(ErrorTimeout())
        try:
            piece: object = body.response.read(limit)
        except Exception as exception:
            return self._reported(exception)
        if not isinstance(piece, bytes):
            raise TypeError(f"a response has returned {type(piece).__name__}, not bytes")
        if len(piece) > limit:
            raise ValueError(f"a response has returned {len(piece)} bytes, not at most {limit}")
        body.size += len(piece)
        return piece if body.size <= BODY_BYTES else self._failed(ErrorTooLarge(BODY_BYTES))

    def _close(self, store: object, number: int) -> None:
        self._responses.pop(number).response.close()

    def _pause(self, store: object, milliseconds: int) -> bool:
        return not self._control.stopping.wait(milliseconds / 1000)

    def _elapsed(self, store: object) -> int:
        return int((time.monotonic() - self._begin) * 1000)

    def _reported(self, exception: Exception) -> Variant:
        """Returns an error of HTTP to the component. Any other exception is the caller's own."""
        error = error_of(exception)
        if error is None:
            raise exception
        return self._failed(error)

    def _failed(self, error: Error) -> Variant:
        return cast(Variant, self._error.to_component(error))


def _close(sent: Future[HttpResponse]) -> None:
    """Frees the connection of a response that nobody reads."""
    if not sent.exception():
        sent.result().close()


def _encoded(text: str) -> str:
    return quote(text, safe="()")
