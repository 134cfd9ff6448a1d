"""What requests of a network address are counted under."""

import ipaddress


def network_of(ip: str) -> str:
    """Return IPv4 as it is and IPv6 by its /64, which one customer has whole; "unknown" for what is no address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
