"""The locations of a cluster's servers, and the credentials for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional
from urllib.parse import urlsplit

from .types import Endpoint, Target


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The base URLs of the servers; the defaults are those in DC/OS. A missing `/` at the end is
    added. They come from the operator's configuration, never from whoever requests a cleanup."""

    master: str = "http://leader.mesos:5050/master/"
    """The leading Mesos master. A redirect to another one is not followed."""
    exhibitor: str = "http://leader.mesos:8181/"
    """Exhibitor."""
    marathon: str = "http://marathon.mesos:8080/v2/apps/"
    """Marathon's apps."""

    def bases(self) -> dict[Endpoint, str]:
        """Returns the base URL of each endpoint. Raises `ValueError` if one is invalid."""
        master = _base("master", self.master)
        marathon = _base("marathon", self.marathon)
        pods = marathon.removesuffix("apps/") + "pods/" if marathon.endswith("apps/") else marathon
        return {
            Endpoint.MASTER: master,
            # Redirects are not followed, so the same server answers both.
            Endpoint.MASTER_ROOT: master.removesuffix("master/"),
            Endpoint.EXHIBITOR: _base("exhibitor", self.exhibitor),
            Endpoint.MARATHON: marathon,
            Endpoint.MARATHON_PODS: pods,
        }


def _base(name: str, url: str) -> str:
    # The URL is not shown, because it may contain a password.
    if not isinstance(url, str):
        raise TypeError(f"endpoints.{name} must be str, not {type(url).__name__}")
    wrong = f"endpoints.{name} must be one http or https URL without user, query and fragment"
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(wrong) from None
    if not is_url or not url.isascii() or not url.isprintable() or set("@?#, ") & set(url):
        raise ValueError(wrong)
    return url if url.endswith("/") else url + "/"


def authorization(
    token: Optional[str], bases: dict[Endpoint, str], targets: Optional[list[Target]]
) -> Optional[str]:
    """Returns the value of the `Authorization` header for a DC/OS token. Raises `ValueError`,
    which does not show the token, if no header can hold it, or if a call with these targets could
    send it over plain HTTP while another server is reached over HTTPS."""
    if token is None:
        return None
    if not isinstance(token, str):
        raise TypeError(f"token must be str, not {type(token).__name__}")
    if not token or not all("!" <= letter <= "~" for letter in token):
        raise ValueError("token must be printable ASCII without spaces, and not empty")
    needs = {
        Endpoint.MASTER: True,
        Endpoint.EXHIBITOR: targets is None or any(it.znode is not None for it in targets),
        Endpoint.MARATHON: any(it.marathon_app is not None for it in targets or []),
    }
    encrypted = {it: urlsplit(url).scheme == "https" for it, url in bases.items()}
    plain = [it.value for it, is_needed in needs.items() if is_needed and not encrypted[it]]
    if plain and any(encrypted.values()):
        raise ValueError(
            "another server is reached over HTTPS, but the token would be sent over plain HTTP to "
            f"{' and '.join(plain)}: correct the URLs"
        )
    return f"token={token}"
