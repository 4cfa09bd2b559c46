"""The two requests of Kafka's protocol that starting a broker takes, without a client library."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct

from deploy.local.ports import HOST

API_VERSIONS = 18
UNREGISTER_BROKER = 64
BROKER_ID_NOT_REGISTERED = 102
CORRELATION_ID = 1
TIMEOUT_SECONDS = 5.0


def answers(port: int, tls: ssl.SSLContext | None = None) -> bool:
    """Whether the broker answers an ApiVersions request; it does once it takes part in the cluster."""
    return _ask(port, struct.pack(">hhih", API_VERSIONS, 0, CORRELATION_ID, -1), tls) is not None


def is_unregistered(port: int, broker: int, tls: ssl.SSLContext | None = None) -> bool:
    """Ask the controller to strike a broker off its list; whether it is off, durably."""
    header = struct.pack(">hhihB", UNREGISTER_BROKER, 0, CORRELATION_ID, -1, 0)
    answer = _ask(port, header + struct.pack(">iB", broker, 0), tls)
    if answer is None:
        return False
    _tags, _throttle_milliseconds, error = struct.unpack_from(">Bih", answer)
    return error in (0, BROKER_ID_NOT_REGISTERED)


def _ask(port: int, request: bytes, tls: ssl.SSLContext | None) -> bytes | None:
    """The answer's bytes after its correlation id, or None when there is no answer yet."""
    try:
        with contextlib.ExitStack() as closing:
            connection = closing.enter_context(socket.create_connection((HOST, port), timeout=TIMEOUT_SECONDS))
            if tls is not None:
                connection = closing.enter_context(tls.wrap_socket(connection, server_hostname=HOST))
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as stream:
                size, correlation_id = struct.unpack(">ii", stream.read(8))
                answer = stream.read(size - 4)
    except (OSError, struct.error):
        return None
    return answer if correlation_id == CORRELATION_ID else None
