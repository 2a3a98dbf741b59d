"""pip install -r requirements.txt && MARATHON_APP_ID=/janitor python3 clean.py --component janitor.wasm -r ROLE -p PRINCIPAL -z ZNODE -m MASTER_URL -e EXHIBITOR_URL -n MARATHON_APPS_URL

Cleans up after a dead Mesos service. It writes the log to standard error, and the report to
standard output, as one line of JSON; the exit code is 5 if the cleanup failed. The component
checks which requests are allowed; this program does not.
"""

import os
import re
import sys
from argparse import ArgumentParser
from types import SimpleNamespace

from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker

from http_import import add_http
from report import to_json

OPTIONS = {
    "confirm-seconds": 30,
    "in-use": "refuse",
    "system-znode": False,
    "teardown": [],
    "strict": False,
    "whole-service": False,
    "ignored-agents": [],
    "znode-root": None,
    "zookeeper": False,
    "wait-seconds": 0,
}


def main():
    parser = ArgumentParser()
    parser.add_argument("--component", default="janitor.wasm")
    parser.add_argument("-r", "--role")
    parser.add_argument("-p", "--principal")
    parser.add_argument("-z", "--zk-path")
    parser.add_argument("-m", "--master-url", default="http://leader.mesos:5050/master/")
    parser.add_argument("-e", "--exhibitor-url", default="http://leader.mesos:8181/")
    parser.add_argument("-n", "--marathon-url", default="http://marathon.mesos:8080/v2/apps/")
    parser.add_argument("--force", action="store_true")
    args = parser.parse_args()
    app = os.environ.get("MARATHON_APP_ID") or None
    target = {"role": args.role, "principal": args.principal, "znode": args.zk_path, "marathon-app": app}
    target |= {"labels": [], "framework-id": None, "agents": []}
    options = OPTIONS | {"in-use": "force"} if args.force else OPTIONS

    config = Config()
    config.cache = True  # To compile the component takes seconds, so the result is kept for later runs.
    store = Store(Engine(config))
    clean = load(store, args.component, args.master_url, args.exhibitor_url, args.marathon_url)
    types = clean.type(store).result
    result = clean(store, SimpleNamespace(**target), SimpleNamespace(**options))
    if result.tag == "ok":
        print(to_json(types.ok, result.payload))
    else:
        say(result.payload.message)
        print(to_json(types.ok, result.payload.report))
        sys.exit(5)


def load(store, file, *urls):
    """Instantiates the component in a file, and returns its function `clean`."""
    component = Component.from_file(store.engine, file)
    linker = Linker(store.engine)
    with linker.root() as root:
        with root.add_instance("janitor:cleanup/cluster@0.1.0") as linked:
            add_http(linked, *urls)
        with root.add_instance("janitor:cleanup/log@0.1.0") as linked:
            linked.add_func("write", write)
    instance = linker.instantiate(store, component)
    cleanup = instance.get_export_index(store, "janitor:cleanup/cleanup@0.1.0")
    return instance.get_func(store, instance.get_export_index(store, "clean", cleanup))


def write(_, entry):
    """Implements the component's import `log`."""
    if entry.level != "debug":
        say(entry.message)


def say(message):
    """Prints a line, and escapes characters that control a terminal or the direction of writing."""
    steering = "[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    print(re.sub(steering, lambda found: f"\\u{{{ord(found[0]):x}}}", message), file=sys.stderr)


if __name__ == "__main__":
    main()
