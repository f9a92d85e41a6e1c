"""Which hosts a component's configuration may call, and which secrets it may send there.

Without an allow-list, whoever registers a component could make our workers ask any address they can reach, and
send along any variable of their environment.
"""

from urllib.parse import urlsplit

from django.conf import settings

from evaltrack.errors import Refusal


def calling(base_url: str) -> Refusal | None:
    """None where `base_url` may be called."""
    url = urlsplit(base_url)
    try:
        port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    except ValueError:
        port = None
    if url.scheme not in {"http", "https"} or not url.hostname or port is None:
        return Refusal("bad_address", f"{base_url!r} is not an address such as https://host:port/v1.")
    allowed = {f"{url.hostname}:{port}", f"{url.hostname}:*"}
    if allowed & set(settings.TARGET_HOSTS):
        return None
    return Refusal(
        "host_not_allowed",
        f"{url.hostname}:{port} is not on the list of hosts that may be called. "
        "The platform team can add it to EVALTRACK_TARGET_HOSTS.",
    )


def sending(api_key_env: str) -> Refusal | None:
    """None where the variable of this name may be sent as a key, or where none is asked for."""
    if not api_key_env or api_key_env in settings.TARGET_KEYS:
        return None
    return Refusal(
        "key_not_allowed",
        f"{api_key_env!r} is not on the list of variables that may be sent to a model endpoint. "
        "The platform team can add it to EVALTRACK_TARGET_KEYS.",
    )
