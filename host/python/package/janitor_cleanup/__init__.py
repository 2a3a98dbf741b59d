"""Removes what a dead DC/OS or Apache Mesos service leaves behind.

    from janitor_cleanup import Target, clean

    report = clean(Target(role="kafka-role", principal="kafka-principal", znode="kafka"))

All types of targets, plans, reports and events are in `janitor_cleanup.types`.
"""

from ._call import apply, apply_all, clean, clean_all, discover, plan, plan_all
from ._json import from_json, to_json
from ._printable import printable
from ._run import Cancellation
from .endpoints import Endpoints
from .errors import CleanupFailure, ComponentError, JanitorError, TransportError
from .transport import HttpRequest, HttpResponse, HttpTransport, Transport
from .types import CleanupPlan, Entry, InUse, Inventory, Level, Options, Reason, Report, Target

__all__ = [
    "Cancellation",
    "CleanupFailure",
    "CleanupPlan",
    "ComponentError",
    "Endpoints",
    "Entry",
    "HttpRequest",
    "HttpResponse",
    "HttpTransport",
    "InUse",
    "Inventory",
    "JanitorError",
    "Level",
    "Options",
    "Reason",
    "Report",
    "Target",
    "Transport",
    "TransportError",
    "apply",
    "apply_all",
    "clean",
    "clean_all",
    "discover",
    "from_json",
    "plan",
    "plan_all",
    "printable",
    "to_json",
]
