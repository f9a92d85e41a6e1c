"""Which hosts our workers may call for somebody's configuration, and which secrets they may send there.

Without an allow-list, whoever registers a component or a channel could make our workers ask any address they can
reach, and send along any variable of their environment.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from django.conf import settings

from evaltrack.errors import Refusal


def calling(base_url: str) -> Refusal | None:
    """None where a component's configuration may call `base_url`."""
    return listed(base_url, settings.TARGET_HOSTS, "EVALTRACK_TARGET_HOSTS", like="https://host:port/v1")


def telling(address: str) -> Refusal | None:
    """None where a channel may send messages to `address`."""
    return listed(address, settings.CHANNEL_HOSTS, "EVALTRACK_CHANNEL_HOSTS", like="https://host/path")


def listed(address: str, allowed: Collection[str], variable: str, *, like: str) -> Refusal | None:
    place = place_of(address)
    if place is None:
        return Refusal("bad_address", f"{address!r} is not an address such as {like}.")
    host, port = place
    if {f"{host}:{port}", f"{host}:*"} & set(allowed):
        return None
    return Refusal(
        "host_not_allowed",
        f"{host}:{port} is not on the list of hosts that may be called. "
        f"The platform team can add it to {variable}.",
    )


def place_of(address: str) -> tuple[str, int] | None:
    """Host and port of an HTTP address, or None where it is none."""
    try:
        url = urlsplit(address)
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    except ValueError:
        return None
    if url.scheme not in {"http", "https"} or not url.hostname or port is None:
        return None
    return url.hostname, port


def is_host(name: str) -> bool:
    """Whether `name` is a host as `place_of` gives it: in small letters, without a port or anything else."""
    place = place_of(f"http://[{name}]" if ":" in name else f"http://{name}")
    return place is not None and place[0] == name and not any(each.isspace() for each in name)


def sending(api_key_env: str) -> Refusal | None:
    """None where the variable of this name may be sent as a key, or where none is asked for."""
    if not api_key_env or api_key_env in settings.TARGET_KEYS:
        return None
    return Refusal(
        "key_not_allowed",
        f"{api_key_env!r} is not on the list of variables that may be sent to a model endpoint. "
        "The platform team can add it to EVALTRACK_TARGET_KEYS.",
    )
