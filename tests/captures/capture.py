#!/usr/bin/env python3
"""Captures the answers of real Mesos masters about clusters in one state after another.

    python3 capture.py 'COMMAND VERSION' [STORY...]

The command starts a master, as docs/live-tests.md says; its last word is the version.
Writes one file per story, or the files of the stories that are named, into the folder
of the version beside this script. README.md describes the stories.
"""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
# An agent that does not answer is unreachable after two seconds.
IMPATIENT = {"MESOS_AGENT_PING_TIMEOUT": "1secs", "MESOS_MAX_AGENT_PING_TIMEOUTS": "2"}
PATIENT = {"MESOS_AGENT_PING_TIMEOUT": "60secs"}
PAGES = [
    ("slaves", "GET", "/master/slaves", None),
    ("frameworks", "GET", "/master/frameworks", None),
    ("roles", "GET", "/master/roles", None),
    ("state", "GET", "/master/state", None),
    ("maintenance", "GET", "/master/maintenance/status", None),
    ("operations", "POST", "/master/api/v1", {"type": "GET_OPERATIONS"}),
    ("get-master", "POST", "/master/api/v1", {"type": "GET_MASTER"}),
    ("metrics", "GET", "/metrics/snapshot", None),
    ("registry", "GET", "/registrar(1)/registry", None),
    ("version", "GET", "/version", None),
]

METRICS = re.compile("master/(elected|uptime_secs|slaves_|frameworks_)")
STATE = re.compile("version|start_time|elected_time|id|pid|leader|.*activated_slaves|unreachable_slaves")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(otherwise, done):
    for _ in range(600):
        found = done()
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(otherwise)


class Master:
    """A master and its agents, in one process."""

    def __init__(self, agents=1, port=None, folder=None, leader=None, **environment):
        self.port = port or free_port()
        self.own_folder = tempfile.TemporaryDirectory(prefix="capture-")
        environment["LAB_DIR"] = folder or self.own_folder.name
        environment["LAB_KEEP"] = "1"
        if leader:
            environment["LAB_LEADER"] = f"127.0.0.1:{leader.port}"
        self.process = subprocess.Popen(
            [*COMMAND, str(agents), str(self.port)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ready = next((line for line in self.process.stdout if line.startswith("READY")), None)
        if not ready:
            raise SystemExit(f"{shlex.join(COMMAND)} does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.own_folder.cleanup()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def ask(self, method, path, body=None, content_type=None, user=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": content_type} if content_type else {}
        if user:
            secret = base64.b64encode(f"{user}:secret".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read().decode()

    def get(self, path, user=None):
        return json.loads(self.ask("GET", path, user=user)[2])

    def form(self, path, user=None, **fields):
        fields = {key: it if isinstance(it, str) else json.dumps(it) for key, it in fields.items()}
        body = urllib.parse.urlencode(fields)
        status, _, words = self.ask("POST", f"/master/{path}", body, FORM, user)
        if status not in (200, 202):
            raise SystemExit(f"{path}: {status} {words}")

    def post(self, path, body):
        status, _, words = self.ask("POST", path, json.dumps(body), JSON)
        if status not in (200, 202):
            raise SystemExit(f"{path}: {status} {words}")

    def agents(self, user=None):
        return self.get("/master/slaves", user)["slaves"]

    def wait_for(self, active, others=0, user=None):
        def there():
            flags = [agent["active"] for agent in self.agents(user)]
            return (flags.count(True), flags.count(False)) == (active, others)

        until(f"never {active} + {others} agents", there)

    def fill(self, agent, role="kafka-role", user=None, port=31000):
        """Reserves cpus, ports and a disk with a volume, and waits until the agent knows."""
        principal = user or "kafka-principal"
        owner = {"role": role, "reservation": {"principal": principal}}
        disk = {"name": "disk", "type": "SCALAR", "scalar": {"value": 64.0}, **owner}
        cpus = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}, **owner}
        ports = {"range": [{"begin": port, "end": port + 1}]}
        ports = {"name": "ports", "type": "RANGES", "ranges": ports, **owner}
        self.form("reserve", user, slaveId=agent["id"], resources=[cpus, ports, disk])
        persistence = {"id": "volume", "principal": principal}
        disk["disk"] = {
            "persistence": persistence,
            "volume": {"mode": "RW", "container_path": "data"},
        }
        self.form("create-volumes", user, slaveId=agent["id"], volumes=[disk])
        process, address = agent["pid"].split("@")
        connection = http.client.HTTPConnection(address, timeout=60)

        def kept():
            connection.request("GET", f"/{process}/state")
            state = json.loads(connection.getresponse().read())
            return "persistence" in json.dumps(state.get("reserved_resources_full", {}).get(role))

        if not user:
            until("the agent never gets its volume", kept)
        self.settle(user)

    def settle(self, user=None):
        """Waits until the agents have done all they were asked to."""
        call = json.dumps({"type": "GET_OPERATIONS"})

        def done():
            status, _, words = self.ask("POST", "/api/v1", call, JSON, user)
            return status == 400 or "operations" not in json.loads(words)["get_operations"]

        until("an operation stays pending", done)

    def held(self, agent, role="kafka-role"):
        entry = next(one for one in self.agents() if one["id"] == agent["id"])
        return entry["reserved_resources_full"][role]


class Events:
    """Events of one of Mesos's HTTP APIs: each with its length in front."""

    def __init__(self, address, path, call):
        self.connection = http.client.HTTPConnection(address, timeout=60)
        headers = {"Content-Type": JSON, "Accept": JSON}
        self.connection.request("POST", path, json.dumps(call), headers)
        self.response = self.connection.getresponse()
        if self.response.status != 200:
            raise SystemExit(f"{path}: {self.response.status} {self.response.read()}")

    def wait_for(self, kind):
        while True:
            length = b""
            while (byte := self.response.read(1)) != b"\n":
                length += byte
            event = json.loads(self.response.read(int(length)))
            if event["type"] == kind:
                return event[kind.lower()]


class Framework:
    """A framework that keeps its offers."""

    def __init__(self, master, name, roles, user=None):
        info = {
            "user": "root",
            "name": name,
            "roles": roles,
            "failover_timeout": 3600.0,
            "capabilities": [{"type": "MULTI_ROLE"}, {"type": "RESERVATION_REFINEMENT"}],
        }
        if user:
            info["principal"] = user
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
        self.address = f"127.0.0.1:{master.port}"
        self.events = Events(self.address, "/master/api/v1/scheduler", call)
        self.id = self.events.wait_for("SUBSCRIBED")["framework_id"]

    def call(self, kind, arguments):
        call = {"type": kind, "framework_id": self.id, kind.lower(): arguments}
        connection = http.client.HTTPConnection(self.address, timeout=60)
        stream = self.events.response.getheader("Mesos-Stream-Id")
        headers = {"Content-Type": JSON, "Accept": JSON, "Mesos-Stream-Id": stream}
        connection.request("POST", "/master/api/v1/scheduler", json.dumps(call), headers)
        response = connection.getresponse()
        if response.status != 202:
            raise SystemExit(f"{kind}: {response.status} {response.read()}")

    def run_task(self, agent):
        """Runs a task whose executor speaks from here; its process only waits."""
        process, address = agent["pid"].split("@")
        offer = None
        while not offer:
            offers = self.events.wait_for("OFFERS")["offers"]
            offer = next((it for it in offers if it["agent_id"]["value"] == agent["id"]), None)
        names = {"framework_id": self.id, "executor_id": {"value": "executor"}}
        command = {"value": "while [ -d $MESOS_SANDBOX ]; do sleep 1; done"}
        executor = {"type": "CUSTOM", "command": command, **names}
        task = {
            "name": "task",
            "task_id": {"value": "task"},
            "agent_id": offer["agent_id"],
            "resources": [one for one in offer["resources"] if one["name"] == "cpus"][:1],
            "executor": executor,
        }
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
        self.call("ACCEPT", {"offer_ids": [offer["id"]], "operations": [launch]})
        connection = http.client.HTTPConnection(address, timeout=60)

        def started():
            connection.request("GET", f"/{process}/containers")
            containers = json.loads(connection.getresponse().read())
            return containers and "executor_pid" in containers[0].get("status", {})

        until("the agent does not start the executor", started)
        nothing = {"unacknowledged_tasks": [], "unacknowledged_updates": []}
        path = f"/{process}/api/v1/executor"
        self.executor = Events(address, path, {**names, "type": "SUBSCRIBE", "subscribe": nothing})
        self.executor.wait_for("LAUNCH")
        status = {
            "task_id": task["task_id"],
            "state": "TASK_RUNNING",
            "source": "SOURCE_EXECUTOR",
            "uuid": "ABEiM0RVRneImaq7zN3u/w==",
            "executor_id": names["executor_id"],
        }
        update = json.dumps({**names, "type": "UPDATE", "update": {"status": status}})
        connection.request("POST", path, update, {"Content-Type": JSON, "Accept": JSON})
        connection.getresponse().read()
        self.events.wait_for("UPDATE")


class Story:
    """The exchanges of one file."""

    def __init__(self):
        self.exchanges = []

    def look(self, master, user=None, prefix="", pages=None):
        """Asks for every page, or for some."""
        for name, method, path, call in PAGES:
            if pages and name not in pages:
                continue
            body = json.dumps(call) if call else ""
            content_type = JSON if call else None
            status, headers, words = master.ask(method, path, body or None, content_type, user)
            response = {"status": status, "body": self.shortened(name, words)}
            location = next((value for key, value in headers if key == "Location"), None)
            if location:
                response["location"] = location
            request = {"method": method, "path": path, "content_type": content_type, "body": body}
            entry = {"name": prefix + name, "request": request, "response": response}
            self.exchanges.append(entry)

    @staticmethod
    def shortened(name, words):
        """Keeps the counts of the metrics, and the beginning of the state: the rest is long,
        and depends on the machine of the capture."""
        wanted = {"metrics": METRICS.match, "state": STATE.fullmatch}.get(name)
        if not wanted or not words.startswith("{"):
            return words
        kept = {key: value for key, value in json.loads(words).items() if wanted(key)}
        return json.dumps(kept, separators=(",", ":"))

    def save(self, name):
        folder = pathlib.Path(__file__).parent / VERSION
        folder.mkdir(exist_ok=True)
        lines = ",\n".join(json.dumps(exchange) for exchange in self.exchanges)
        (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n")


def since(minor):
    return int(VERSION.split(".")[1]) >= minor


def fresh(story):
    with Master() as master:
        story.look(master)


def reserved(story):
    with Master(2) as master:
        agent = master.agents()[0]
        master.fill(agent)
        master.fill(agent, "eng/kafka", port=31010)
        story.look(master)


def frameworks(story):
    with Master() as master:
        agent = master.agents()[0]
        master.fill(agent)
        marathon = Framework(master, "marathon", ["dev", "eng/kafka", "kafka-role"])
        marathon.run_task(agent)
        gone = Framework(master, "gone", ["gone"])
        master.form("teardown", frameworkId=gone.id["value"])
        away = Framework(master, "away", ["away"])
        away.events.response.close()
        away.events.connection.close()

        def disconnected():
            listed = master.get("/master/frameworks")["frameworks"]
            return any(one["name"] == "away" and not one["active"] for one in listed)

        until("the framework stays connected", disconnected)
        story.look(master)


def hidden(story):
    rules = {
        "view_roles": [
            {"principals": {"values": ["operator"]}, "roles": {"type": "ANY"}},
            {"principals": {"type": "ANY"}, "roles": {"values": ["slave_public"]}},
            {"principals": {"type": "ANY"}, "roles": {"type": "NONE"}},
        ],
        "view_frameworks": [
            {"principals": {"values": ["operator"]}, "users": {"type": "ANY"}},
            {"principals": {"type": "ANY"}, "users": {"type": "NONE"}},
        ],
    }
    secured(story, rules)


def hidden_frameworks(story):
    rules = {
        "view_frameworks": [
            {"principals": {"values": ["operator"]}, "users": {"type": "ANY"}},
            {"principals": {"type": "ANY"}, "users": {"type": "NONE"}},
        ],
    }
    secured(story, rules)


def secured(story, rules):
    """Looks as the operator, who may see everything, then as the auditor."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "credentials")
        users = [{"principal": user, "secret": "secret"} for user in ("operator", "auditor")]
        file.write_text(json.dumps({"credentials": users}))
        environment = {
            "MESOS_AUTHENTICATE_HTTP_READONLY": "true",
            "MESOS_AUTHENTICATE_HTTP_READWRITE": "true",
            "MESOS_CREDENTIALS": f"file://{file}",
            "MESOS_HTTP_CREDENTIALS": f"file://{file}",
            "MESOS_ACLS": json.dumps(rules),
        }
        with Master(**environment) as master:
            master.wait_for(1, user="operator")
            master.fill(master.agents("operator")[0], user="operator")
            _service = Framework(master, "kafka", ["kafka-role"])
            story.look(master, "operator", "operator--")
            story.look(master, "auditor")


@contextlib.contextmanager
def two(**environment):
    """A leader, and an agent in a process of its own that holds something."""
    with Master(**environment) as leader:
        with Master(leader=leader, MESOS_HOSTNAME="agentb", **environment) as other:
            leader.wait_for(2)
            agent = next(one for one in leader.agents() if one["hostname"] == "agentb")
            leader.fill(agent)
            yield leader, other, agent


def non_leading(story):
    with two(**PATIENT) as (leader, other, _):
        story.look(leader, prefix="leader--")
        story.look(other)


def unreachable(story):
    with two(**IMPATIENT) as (leader, other, _):
        other.kill()
        until("the agent stays", lambda: len(leader.agents()) == 1)
        story.look(leader)


def disconnected(story):
    with two(**PATIENT) as (leader, other, _):
        other.kill()
        leader.wait_for(1, 1)
        story.look(leader)


def failover(story):
    """Restarts the master: of three agents, one runs a task, one is idle, one is lost."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="capture-"))
        leader = stack.enter_context(Master(folder=folder, **IMPATIENT))
        stack.enter_context(Master(leader=leader, MESOS_HOSTNAME="busy", **IMPATIENT))
        leader.wait_for(2)
        agent = next(one for one in leader.agents() if one["hostname"] == "busy")
        leader.fill(agent)
        service = Framework(leader, "kafka", ["kafka-role"])
        service.run_task(agent)
        _idle = Framework(leader, "idle", ["idle-role"])
        lost = stack.enter_context(Master(leader=leader, MESOS_HOSTNAME="lost", **IMPATIENT))
        leader.wait_for(3)
        lost.kill()
        leader.kill()
        leader = stack.enter_context(Master(folder=folder, port=leader.port, **IMPATIENT))
        # An old agent in another process does not look for a new leader by itself.
        leader.wait_for(2 if since(9) else 1)
        story.look(leader)


def machine_down(story):
    with two(**PATIENT) as (leader, _, agent):
        machine = {"hostname": "agentb", "ip": "127.0.0.1"}
        start = {"nanoseconds": int(time.time() * 1e9)}
        window = {"machine_ids": [machine], "unavailability": {"start": start}}
        leader.post("/master/maintenance/schedule", {"windows": [window]})
        story.look(leader, prefix="draining--")
        leader.post("/master/machine/down", [machine])
        until("the agent stays", lambda: len(leader.agents()) == 1)
        story.look(leader)


def drained(story):
    with two(**PATIENT) as (leader, other, agent):
        drain = {"type": "DRAIN_AGENT", "drain_agent": {"agent_id": {"value": agent["id"]}}}
        leader.post("/master/api/v1", drain)

        def done():
            entry = next(one for one in leader.agents() if one["id"] == agent["id"])
            return entry.get("drain_info", {}).get("state") == "DRAINED"

        until("the agent is not drained", done)
        story.look(leader)
        volumes = [one for one in leader.held(agent) if "persistence" in one.get("disk", {})]
        leader.form("destroy-volumes", slaveId=agent["id"], volumes=volumes)
        leader.settle()
        story.look(leader, prefix="destroyed--", pages=["slaves", "operations"])
        other.kill()

        def noticed():
            return leader.get("/metrics/snapshot")["master/slaves_disconnected"] == 1

        until("the agent stays connected", noticed)
        leader.form("unreserve", slaveId=agent["id"], resources=leader.held(agent))
        story.look(leader, prefix="dead--")


def pending(story):
    with two(**PATIENT) as (leader, other, agent):
        leader.fill(agent, "other-role", port=31010)
        story.look(leader, prefix="before--", pages=["slaves"])
        other.freeze()
        volumes = [one for one in leader.held(agent) if "persistence" in one.get("disk", {})]
        leader.form("destroy-volumes", slaveId=agent["id"], volumes=volumes)
        story.look(leader, prefix="destroying--")
        leader.form("unreserve", slaveId=agent["id"], resources=leader.held(agent))
        story.look(leader)


STORIES = {
    "fresh": fresh,
    "reserved": reserved,
    "frameworks": frameworks,
    "hidden": hidden,
    "hidden-frameworks": hidden_frameworks,
    "non-leading": non_leading,
    "unreachable": unreachable,
    "disconnected": disconnected,
    "failover": failover,
    "machine-down": machine_down,
    "drained": drained,
    "pending": pending,
}

if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    COMMAND, wanted = shlex.split(sys.argv[1]), sys.argv[2:]
    VERSION = COMMAND[-1]
    for title, tell in STORIES.items():
        if wanted and title not in wanted:
            continue
        if title == "drained" and not since(9):
            continue  # No agent can be drained before.
        print(VERSION, title, flush=True)
        exchanges = Story()
        tell(exchanges)
        exchanges.save(title)
