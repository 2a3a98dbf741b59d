"""HTTP of the WebAssembly runtime itself, which the component `janitor-library.wasm` uses."""

from __future__ import annotations

import math
from typing import Optional

from wasmtime import WasiConfig
from wasmtime.component import Instance, Record

from ._run import Loaded
from .endpoints import Endpoints

WINDOW = 32
"""The largest number of exchanges at the same time."""


def link(loaded: Loaded) -> None:
    """Provides WASI: its HTTP and its clocks, but no environment, no files and no streams."""
    loaded.linker.add_wasip2()
    loaded.linker.add_wasi_http()
    loaded.store.set_wasi(WasiConfig())
    loaded.store.set_wasi_http()


def configure(
    loaded: Loaded, instance: Instance, endpoints: Endpoints, token: Optional[str], timeout: float
) -> None:
    """Sets the servers. Raises `ValueError` if one of them, or the token, is invalid."""
    configuration = Record()
    for name, value in {
        "master": endpoints.master,
        "exhibitor": endpoints.exhibitor,
        "marathon": endpoints.marathon,
        "token": token,
        "window": WINDOW,
        "run-seconds": math.ceil(timeout),
    }.items():
        setattr(configuration, name, value)
    wrong = loaded.export(instance, "janitor:wasi/settings", "configure")(configuration)
    if wrong is not None:
        raise ValueError(wrong)
