"""python3 measure.py JANITOR_BENCH COMPONENT PYTHON: compares the CPU time of hosts in Python

Each host cleans a cluster of 2,000 agents that `JANITOR_BENCH serve` serves. COMPONENT is
janitor.wasm, for the guide's host; PYTHON is the interpreter of an environment with the package
janitor-cleanup.
"""

import resource
import subprocess
import sys
from pathlib import Path

TRANSPORT = (
    "import sys, janitor_cleanup, janitor_cleanup.__main__ as it; "
    "sys.exit(it.main(janitor_cleanup.HttpTransport()))"
)


def main() -> None:
    bench, component, python = sys.argv[1:]
    guide = [python, str(Path(__file__).with_name("clean.py")), "--component", component]
    hosts = {
        "guide": guide,
        "package": [python, "-m", "janitor_cleanup"],
        "package, transport": [python, "-c", TRANSPORT],
    }
    seconds = {name: measure(bench, host) for name, host in hosts.items()}
    for name, its in seconds.items():
        print(f"{name:<20} {its:5.1f} s CPU, 1/{seconds['guide'] / its:.1f} of the guide's host")


def measure(bench: str, host: list[str]) -> float:
    """Returns the CPU time of one cleanup, in seconds."""
    serve = [bench, "serve", "--agents", "2000", "--matching", "25", "--latency-ms", "20"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        master = server.stdout.readline().strip() + "/master/"
        before = used()
        # It needs neither of the other servers.
        subprocess.run([*host, "-r", "kafka-role", "-m", master], check=True, capture_output=True)
        its = used() - before
        server.kill()
    # The server has not been waited for yet, so its time is not included.
    return its


def used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
