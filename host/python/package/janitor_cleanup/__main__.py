"""Remove what a dead DC/OS or Apache Mesos service leaves behind, without a prompt. The log is
written to standard error, and the report to standard output as JSON."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Optional

from . import (
    CleanupFailure,
    ComponentError,
    Endpoints,
    Entry,
    InUse,
    Level,
    Options,
    Reason,
    Target,
    Transport,
    clean,
    plan,
    printable,
    to_json,
)

FAILED, INCOMPLETE, REFUSED, BROKEN = 5, 6, 7, 8
EXIT_CODES = {
    Reason.FAILED: FAILED,
    Reason.STOPPED: FAILED,
    Reason.NOTHING_TO_DO: FAILED,
    Reason.INCOMPLETE: INCOMPLETE,
}
"""The exit codes of janitor, except for the reasons of a refusal."""


def main(transport: Optional[Transport] = None) -> int:
    """Runs the command with the arguments of the process, and returns its exit code."""
    parser = ArgumentParser(prog="python -m janitor_cleanup", description=__doc__)
    parser.add_argument("-r", "--role", help="role to clean up")
    parser.add_argument("-p", "--principal", help="remove only what this principal created")
    parser.add_argument("-z", "--zk-path", help="ZooKeeper node to delete, with all below it")
    default = "default: %(default)s"
    parser.add_argument("-m", "--master-url", default=Endpoints.master, help=default)
    parser.add_argument("-e", "--exhibitor-url", default=Endpoints.exhibitor, help=default)
    parser.add_argument("-n", "--marathon-url", default=Endpoints.marathon, help=default)
    parser.add_argument("--force", action="store_true", help="ignore frameworks of the role")
    parser.add_argument("--dry-run", action="store_true", help="print only the plan, as JSON")
    args = parser.parse_args()
    app = os.environ.get("MARATHON_APP_ID") or None
    target = Target(role=args.role, principal=args.principal, znode=args.zk_path, marathon_app=app)
    options = Options(in_use=InUse.FORCE if args.force else InUse.REFUSE)
    endpoints = Endpoints(
        master=args.master_url, exhibitor=args.exhibitor_url, marathon=args.marathon_url
    )
    token = os.environ.get("DCOS_ACS_TOKEN") or None
    try:
        run = plan if args.dry_run else clean
        result = run(
            target, options, endpoints=endpoints, token=token, transport=transport, on_event=_write
        )
    except CleanupFailure as failure:
        _say(failure.message)
        if failure.report:
            print(to_json(failure.report))
        return EXIT_CODES.get(failure.reason, REFUSED)
    except ComponentError as error:
        _say(error.message)
        return BROKEN
    except ValueError as error:
        parser.error(str(error))
    print(to_json(result))
    return 0


def _write(entry: Entry) -> None:
    if entry.level is not Level.DEBUG:
        _say(entry.message)


def _say(message: str) -> None:
    print(printable(message), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
