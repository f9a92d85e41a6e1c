"""Which addresses may be connected to, whatever a listed name leads to. Pure, but for asking the system for names.

The lists of hosts hold names, and whoever runs a name's domain can let it lead anywhere: to the metadata service of a
cloud, which gives its credentials to whoever asks, or to what listens on the worker's own loopback. So the address is
checked that is connected to, after the name was looked up and before anything is sent.
"""

import ipaddress
import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Services that tell a machine's secrets to whoever asks from it, where they are not link-local anyway.
METADATA = {
    ipaddress.ip_address(each)
    for each in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
}
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(OSError):
    """A sentence about why nothing is sent there."""


def never(address: Address) -> str:
    """What an address is that nobody may have us call; empty where it is no such."""
    address = reached(address)
    if address in METADATA:
        return "a metadata service"
    if address.is_link_local:
        return "link-local, where metadata services are"
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified:
        return "no address of anybody"
    # Python counts ::1 among the reserved ones of version 6.
    if address.version == 4 and address.is_reserved:
        return "reserved"
    return ""


def refused(address: Address, *, of: str, private: bool) -> str:
    """What an address of the host `of` is, where it may not be called; empty where it may.

    Loopback is for a host that is listed as that. `private`: whether names may lead into a network of one's own.
    """
    if what := never(address):
        return what
    address = reached(address)
    if address.is_loopback:
        return "" if is_loopback(of) else "loopback, which only localhost, 127.0.0.1 or ::1 may be listed for"
    if not private and not address.is_global:
        return "private, which EVALTRACK_PRIVATE_ADDRESSES rules out"
    return ""


def reached(address: Address) -> Address:
    """The address of version 4 that one of version 6 stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class CheckedNames(AbstractResolver):
    """Looks names up with `names`, and leaves out what may not be called. With nothing left it is refused."""

    def __init__(self, names: AbstractResolver, *, private: bool) -> None:
        self.names = names
        self.private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self.names.resolve(host, port, family)
        reasons = [
            refused(ipaddress.ip_address(bare(each["host"])), of=host, private=self.private) for each in found
        ]
        allowed = [each for each, reason in zip(found, reasons, strict=True) if not reason]
        if found and not allowed:
            raise AddressRefused(
                f"{host} leads to {found[0]['host']}, which is {reasons[0]}; nothing was sent"
            )
        return allowed

    async def close(self) -> None:
        await self.names.close()


def checked_socket(found: tuple[Any, ...]) -> socket.socket:
    """A socket to an address that is about to be connected to, also where it was written as such in the URL."""
    family, kind, protocol, _, place = found
    if what := never(ipaddress.ip_address(bare(place[0]))):
        raise AddressRefused(f"{place[0]} is {what}; nothing was sent")
    return socket.socket(family=family, type=kind, proto=protocol)


def bare(address: str) -> str:
    """Without the zone of a link."""
    return address.partition("%")[0]
