"""Free TCP ports on the loopback address."""

from __future__ import annotations

import random
import socket
from pathlib import Path

HOST = "127.0.0.1"
FIRST_PORT = 15_000
LAST_PORT = 32_000
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port(taken: frozenset[int] = frozenset()) -> int:
    """A port that nobody listens on just now; who binds it later must still be ready to lose the race."""
    first, last = _server_range()
    for port in random.sample(range(first, last), k=min(500, last - first)):
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port between {first} and {last} on {HOST}")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _server_range() -> tuple[int, int]:
    # A client that keeps dialling a killed server's port can be given that very port as its own source
    # port, connects to itself, and the server can never come back. Ports that the kernel does not hand to clients are safe.
    try:
        low, high = (int(bound) for bound in EPHEMERAL_RANGE.read_text().split())
    except (OSError, ValueError):
        return FIRST_PORT, LAST_PORT
    if low - FIRST_PORT >= 1_000:
        return FIRST_PORT, min(low, LAST_PORT)
    if 65_535 - high >= 1_000:
        return high + 1, 65_535
    return FIRST_PORT, LAST_PORT
