"""The contract's import `cluster`, over a transport in Python."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Optional, cast
from urllib.parse import quote

from wasmtime.component import Record, ResourceAny, ResourceHost, ResourceType, Variant

from ._fast import add_read
from ._run import Control, Loaded
from ._values import converter
from .transport import HttpRequest, HttpResponse, Transport, error_of
from .types import Endpoint, Error, ErrorDenied, ErrorStopped, Method, Request

INTERFACE = "janitor:cleanup/cluster"
READ = "[method]response.read"
WINDOW = 32
"""The largest number of exchanges at the same time."""
EXCHANGE, RESPONSE = range(2)
"""The kinds of the resources."""


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
        self._threads = ThreadPoolExecutor(WINDOW, "janitor-request")
        self._exchanges: dict[int, Future[HttpResponse]] = {}
        self._responses: dict[int, HttpResponse] = {}
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
                read = self._control.callback(self._read)
                kind = loaded.function(INTERFACE, READ)
                loaded.kept.append(add_read(linked, READ, kind, read))
                for name, function in functions.items():
                    linked.add_func(name, self._control.callback(function))

    def close(self) -> None:
        """Ends the run's threads, without waiting for them."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for response in self._responses.values():
            response.close()

    def _send(self, store: object, record: Record) -> Any:
        request: Request = self._request.to_python(record)
        if len(self._exchanges) + len(self._responses) >= WINDOW:
            rule = f"more than {WINDOW} exchanges in flight"
            self._control.end(f"request not allowed: {rule}")
            return self._failed(ErrorDenied(rule))
        if self._control.stopping.is_set() and request.method is not Method.GET:
            return self._failed(ErrorStopped())
        self._number += 1
        sent = self._threads.submit(self._transport.send, self._http(request))
        self._exchanges[self._number] = sent
        return ResourceHost.own(self._number, EXCHANGE)

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
        try:
            self._responses[number] = sent.result()
        except Exception as exception:
            return self._reported(exception)
        return ResourceHost.own(number, RESPONSE)

    def _status(self, store: Any, response: ResourceAny) -> int:
        return self._responses[response.to_host(store).rep].status

    def _read(self, store: Any, response: ResourceAny, limit: int) -> Any:
        if limit == 0:
            raise self._control.end("it read 0 bytes of a response")
        try:
            return self._responses[response.to_host(store).rep].read(limit)
        except Exception as exception:
            return self._reported(exception)

    def _close(self, store: object, number: int) -> None:
        self._responses.pop(number).close()

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


def _encoded(text: str) -> str:
    return quote(text, safe="()")
