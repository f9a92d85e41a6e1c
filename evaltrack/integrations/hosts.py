"""Which hosts a component's configuration may call.

Without an allow-list, whoever registers a component could make our workers ask any address they can reach.
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
