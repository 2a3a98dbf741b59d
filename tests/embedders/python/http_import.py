"""Implements the component's import `cluster`."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead
from socket import gaierror
from ssl import SSLError
from urllib.parse import quote, urlsplit

from wasmtime.component import ResourceHost, ResourceType, Variant

WINDOW = 32  # simultaneous exchanges
SILENCE = 60  # seconds without data from a server
EXCHANGE, RESPONSE = range(2)
ERRORS = {  # Python's errors, and their cases in wit/types.wit; the first match counts
    gaierror: "dns",
    ConnectionRefusedError: "connect",
    TimeoutError: "timeout",
    SSLError: "tls",
    ConnectionError: "reset",
    IncompleteRead: "reset",
    HTTPException: "protocol",
    OSError: "internal",
}
encode = partial(quote, safe="()")  # all except RFC 3986's unreserved characters and parentheses


def add_http(linked, *urls):
    """Adds the import for the servers at these URLs: the master, Exhibitor, Marathon's apps."""
    master, exhibitor, apps = (url.rstrip("/") + "/" for url in urls)
    pods = re.sub("apps/$", "pods/", apps)
    # Redirects are not followed, so the server at this URL answers both.
    root = re.sub("master/$", "", master)
    endpoints = {"master": master, "master-root": root, "exhibitor": exhibitor, "marathon": apps, "marathon-pods": pods}
    threads = ThreadPoolExecutor(WINDOW)
    exchanges = []  # futures, later replaced by their responses
    begin = time.monotonic()

    def send(_, request):
        url = endpoints[request.endpoint] + "/".join(map(encode, request.path))
        if request.query:
            url += "?" + "&".join(f"{encode(name)}={encode(value)}" for name, value in request.query)
        exchanges.append(threads.submit(fetch, request.method.upper(), url, request.content))
        return ResourceHost.own(len(exchanges) - 1, EXCHANGE)

    def finish(store, exchange):
        number = exchange.to_host(store).rep
        exchanges[number] = exchanges[number].result()
        return ResourceHost.own(number, RESPONSE)

    def status(store, response):
        return exchanges[response.to_host(store).rep].status

    def read(store, response, limit):
        assert limit > 0, "the component reads nothing"
        response = exchanges[response.to_host(store).rep]
        piece = response.read(limit)
        if not piece and response.length:
            raise IncompleteRead(piece, response.length)
        return piece

    def drop(_, number):
        exchanges[number] = None

    def pause(_, milliseconds):
        time.sleep(milliseconds / 1000)
        return True

    def elapsed(_):
        return int((time.monotonic() - begin) * 1000)

    linked.add_resource("exchange", ResourceType.host(EXCHANGE), lambda *_: None)
    linked.add_resource("response", ResourceType.host(RESPONSE), drop)
    linked.add_func("send", send)
    linked.add_func("[static]exchange.finish", telling_errors(finish))
    linked.add_func("[method]response.status", status)
    linked.add_func("[method]response.read", telling_errors(read))
    linked.add_func("window", lambda _: WINDOW)
    linked.add_func("pause", pause)
    linked.add_func("elapsed", elapsed)


def fetch(method, url, content):
    """Returns a server's response, whose body is not read yet."""
    scheme, authority, path, query, _ = urlsplit(url)
    connection = (HTTPSConnection if scheme == "https" else HTTPConnection)(authority, timeout=SILENCE)
    headers = {"Content-Type": getattr(content, "media-type")} if content else {}
    connection.request(method, f"{path}?{query}" if query else path, content and content.bytes, headers)
    return connection.getresponse()


def telling_errors(function):
    """Wraps a function, so that it returns errors of the contract, without addresses."""
    def result(*arguments):
        try:
            return function(*arguments)
        except tuple(ERRORS) as error:
            tag = next(tag for kind, tag in ERRORS.items() if isinstance(error, kind))
            return Variant(tag, getattr(error, "strerror", None) or type(error).__name__)
    return result
