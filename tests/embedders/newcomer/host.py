"""A host of the janitor component: it shows what a dead Mesos service left behind, or removes it."""
import argparse
import http.client
import itertools
import signal
import socket
import ssl
import sys
import threading
import time
from urllib.parse import quote, urljoin, urlsplit
from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime.component import Component, Linker, Record, ResourceHost, ResourceType, Variant

EXCHANGE, RESPONSE = 0, 1  # the kinds of resources
CONNECT, ANSWER, RUN = 10, 60, 3600  # seconds
WINDOW, MEMORY = 32, 64 << 20
FAILED, INCOMPLETE, REFUSED, TRAPPED = 5, 6, 7, 8
EXIT_CODES = {"failed": FAILED, "stopped": FAILED, "nothing-to-do": FAILED, "incomplete": INCOMPLETE}
UNSENT = {TimeoutError: "connect", socket.gaierror: "dns", ssl.SSLError: "tls", OSError: "connect"}
SENT = {TimeoutError: "timeout", OSError: "reset", http.client.IncompleteRead: "reset",
        http.client.HTTPException: "protocol"}


class Exchange:
    """One request and its response, on their own connection, so that nothing is sent twice."""

    def __init__(self, base, request):
        """Starts the request without waiting for it."""
        self.errors, self.error, self.response = UNSENT, None, None
        self.thread = threading.Thread(target=self.travel, args=(urlsplit(base), request), daemon=True)
        self.thread.start()

    def travel(self, base, request):
        """Sends the request and waits for the status, in a thread."""
        target = base.path + "/".join(quote(segment, safe="()") for segment in request.path)
        if request.query:
            target += "?" + "&".join("=".join(quote(part, safe="()") for part in pair) for pair in request.query)
        headers = {"Content-Type": getattr(request.content, "media-type")} if request.content else {}
        kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
        try:
            connection = kind(base.hostname, base.port, timeout=CONNECT)
            connection.connect()
            self.errors = SENT
            connection.sock.settimeout(ANSWER)
            connection.request(request.method.upper(), target, request.content and request.content.bytes, headers)
            response = connection.getresponse()
            coding = response.getheader("Content-Encoding", "identity")
            if not 200 <= response.status <= 599 or coding != "identity":
                raise http.client.HTTPException
            self.response = response
        except Exception as problem:
            self.error = self.reason(problem)

    def finish(self):
        """Waits for the status; returns an error if there is none."""
        self.thread.join(CONNECT + ANSWER)
        return Variant("timeout") if self.thread.is_alive() else self.error

    def read(self, limit):
        """Reads the next chunk of the body. After an error, it only returns that error again."""
        if self.error:
            return self.error
        try:
            piece = self.response.read1(limit)
            if not piece and self.response.length:
                raise http.client.IncompleteRead(piece)
            return piece
        except Exception as problem:
            self.error = self.reason(problem)
            return self.error

    def reason(self, problem):
        """Maps a problem to an error of the contract, without an address."""
        tag = next((tag for kind, tag in self.errors.items() if isinstance(problem, kind)), "internal")
        return Variant(tag, type(problem).__name__)


class Host:
    """Implements the imports of the component: access to the servers, and a log."""

    def __init__(self, bases, log):
        self.bases, self.log = bases, log
        self.stopping, self.broken = threading.Event(), False
        self.begin = time.monotonic()
        self.places, self.numbers = {}, itertools.count()

    def send(self, store, request):
        self.broken = self.broken or len(self.places) >= WINDOW
        if self.broken:
            return Variant("denied", "the window is full")
        if self.stopping.is_set() and request.method != "get":
            return Variant("stopped")
        number = next(self.numbers)
        self.places[number] = Exchange(self.bases[request.endpoint], request)
        return ResourceHost.own(number, EXCHANGE)

    def finish(self, store, exchange):
        number = exchange.to_host(store).rep
        error = self.places[number].finish()
        if error:
            del self.places[number]
        return error or ResourceHost.own(number, RESPONSE)

    def status(self, store, response):
        return self.places[response.to_host(store).rep].response.status

    def read(self, store, response, limit):
        if limit == 0:
            raise WasmtimeError("the component reads nothing")
        return self.places[response.to_host(store).rep].read(limit)

    def close(self, store, number):
        self.places.pop(number).response.close()

    def pause(self, store, milliseconds):
        return not self.stopping.wait(milliseconds / 1000)

    def elapsed(self, store):
        return int((time.monotonic() - self.begin) * 1000)

    def write(self, store, entry):
        if entry.level != "debug":
            print(plain(entry.message), file=self.log, flush=True)

    def call(self, file, function, *values):
        """Calls a function of the component in a new instance, with a time limit of an hour."""
        config = Config()
        config.epoch_interruption = True
        config.cache = True
        engine = Engine(config)
        store, linker, component = Store(engine), Linker(engine), Component.from_file(engine, file)
        store.set_limits(memory_size=MEMORY)
        store.set_epoch_deadline(1)
        end = threading.Timer(RUN, engine.increment_epoch)
        end.daemon = True
        end.start()
        with linker.root() as root:
            with root.add_instance("janitor:cleanup/cluster@0.1.0") as way_out:
                # An exchange that is dropped continues, and keeps its place.
                way_out.add_resource("exchange", ResourceType.host(EXCHANGE), lambda store, number: None)
                way_out.add_resource("response", ResourceType.host(RESPONSE), self.close)
                way_out.add_func("[static]exchange.finish", self.finish)
                way_out.add_func("[method]response.status", self.status)
                way_out.add_func("[method]response.read", self.read)
                way_out.add_func("send", self.send)
                way_out.add_func("window", lambda store: WINDOW)
                way_out.add_func("pause", self.pause)
                way_out.add_func("elapsed", self.elapsed)
            with root.add_instance("janitor:cleanup/log@0.1.0") as log:
                log.add_func("write", self.write)
        linker.define_unknown_imports_as_traps(component)
        instance = linker.instantiate(store, component)
        cleanup = instance.get_export_index(store, "janitor:cleanup/cleanup@0.1.0")
        return instance.get_func(store, instance.get_export_index(store, function, cleanup))(store, *values)


def plain(text):
    """Replaces characters that could control a terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def record(**fields):
    """Creates a record of the contract, whose names have `-` instead of Python's `_`."""
    made = Record()
    vars(made).update({name.replace("_", "-"): value for name, value in fields.items()})
    return made


def base_url(text):
    """Accepts only a base URL as the contract requires it, without credentials."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or set("@?#") & set(text) or text[-1] != "/":
        raise argparse.ArgumentTypeError("not an http or https URL that ends with /")
    return text


def show(plan):
    """Prints a plan."""
    for agent in plan.agents:
        stay = sum(planned.reservation is not None for planned in agent.entries)
        print(f"{plain(agent.agent)}: {len(agent.entries) - stay} go, {stay} stay")
    if plan.znode:
        print("znode:", plan.znode.tag, *([] if plan.znode.payload is None else [plain(str(plan.znode.payload))]))
    if plan.refusal:
        print("a cleanup would be refused:", plan.refusal, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("plan", "clean"))
    parser.add_argument("--component", default="janitor.wasm", metavar="FILE")
    for name in "role", "principal", "znode", "app":
        parser.add_argument("--" + name)
    for name in "master", "exhibitor", "marathon":
        parser.add_argument("--" + name, type=base_url, required=True, metavar="URL")
    args = parser.parse_args()
    bases = {name: getattr(args, name) for name in ("master", "exhibitor", "marathon")}
    # Redirects are not followed: the pages at the root come from the same server.
    bases["master-root"] = args.master.removesuffix("master/")
    bases["marathon-pods"] = urljoin(args.marathon, "../pods/")
    target = record(role=args.role, principal=args.principal, znode=args.znode, marathon_app=args.app,
                    labels=[], framework_id=None, agents=[])
    options = record(confirm_seconds=30, wait_seconds=0, in_use="refuse", system_znode=False, teardown=[], strict=False,
                     whole_service=False, ignored_agents=[], znode_root=None, zookeeper=False)
    host = Host(bases, sys.stdout if args.command == "clean" else sys.stderr)
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda *_: host.stopping.set())
    try:
        outcome = host.call(args.component, args.command, target, options)
    except WasmtimeError as trap:
        print("trapped:", plain(str(trap).splitlines()[-1].strip()), file=sys.stderr)
        return TRAPPED
    code, result = 0, outcome.payload
    if outcome.tag == "err":
        print("not done:", result.reason, file=sys.stderr)
        code, result = EXIT_CODES.get(result.reason, REFUSED), result.report
    elif args.command == "plan":
        show(result)
    if args.command == "clean":
        print("confirmed: " + " ".join(result.confirmed))
    return TRAPPED if host.broken else code


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())
