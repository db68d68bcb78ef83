"""Addresses of machines: which of them mean this one, and which belong to a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from lrp_core.errors import SettingsError
from lrp_core.settings import Settings, variable_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_address(text: str) -> Address | None:
    """The address that a text is, None if it is none."""
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def is_loopback(host: str) -> bool:
    """Whether an address or a name means this machine alone."""
    address = read_address(host)
    if address is None:
        return host.lower().rstrip(".") == "localhost"
    return address.is_loopback


def is_among(client: str, networks: Iterable[Network]) -> bool:
    """Whether an address belongs to one of some networks."""
    address = read_address(client)
    return address is not None and any(address in network for network in networks)


def proxies_of(settings: Settings) -> list[Network]:
    """The reverse proxies that are believed. Raises SettingsError for what is no network."""
    try:
        return [ipaddress.ip_network(text, strict=False) for text in settings.trusted_proxies]
    except ValueError as error:
        raise SettingsError(
            f"{variable_of('trusted_proxies')}: {error}; expected addresses or networks such as "
            "127.0.0.1, 10.0.0.0/8"
        ) from error
