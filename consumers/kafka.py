"""How every Kafka client of the router connects: one place for addresses, security and time-outs."""

import asyncio
import ssl
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import murmur2

from consumers.acl import DESK, INTAKE, OPERATOR, RELAY
from consumers.settings import Settings
from consumers.waiting import within

LOG = structlog.get_logger()
T = TypeVar("T")

REQUEST_TIMEOUT_MS = 15_000
# How soon a new party's topics are found, and a broker that moved.
METADATA_MAX_AGE_MS = 5_000
# How soon a member of a group hears that another comes or went: so long those who have heard it already stand still.
HEARTBEAT_SECONDS = 0.3
# How long the broker may keep a question when there is nothing to read: so long nothing is heard of partitions that came, or were
# sought to, since it was asked.
FETCH_WAIT_MS = 250
MAX_BATCH_BYTES = 256 * 1024
# Whose credentials a client uses: the first that the file has. What is not named here is an operator's command.
USERS = {
    "intake": (INTAKE,),
    "desk": (DESK,),
    "relay": (RELAY,),
    "positions": (DESK, RELAY, OPERATOR),
}


class CredentialsError(Exception):
    """A credentials file that cannot be read, or that lacks a user; the message has no password in it."""


def connection(settings: Settings, client: str) -> dict[str, Any]:
    """Keyword arguments that consumers, producers and admin clients of aiokafka share."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "client_id": f"noveto-{client}",
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        arguments["ssl_context"] = _ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        arguments["sasl_mechanism"] = settings.kafka_sasl_mechanism
        arguments["sasl_plain_username"], arguments["sasl_plain_password"] = _user(settings, client)
    return arguments


def read_credentials(path: Path) -> dict[str, str]:
    """Users and passwords. Raises CredentialsError with the line, never with what stands there."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CredentialsError(f"{path} is not UTF-8") from None
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, password = line.strip().partition(" ")
        if not password or " " in password:
            raise CredentialsError(f"{path}, line {number}: write a user, a space and the password")
        found[name] = password
    return found


def _user(settings: Settings, client: str) -> tuple[str | None, str | None]:
    if settings.kafka_credentials_file is None:
        password = settings.kafka_password
        return settings.kafka_username, password.get_secret_value() if password else None
    known = read_credentials(settings.kafka_credentials_file)
    candidates = USERS.get(client.split("-", 1)[0], (OPERATOR,))
    # A file with one user is for a program that does one thing, or for the administrator.
    name = next(iter(known)) if len(known) == 1 else next((name for name in candidates if name in known), None)
    if name is None:
        raise CredentialsError(f"{settings.kafka_credentials_file} has no user {candidates[0]}")
    return name, known[name]


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if settings.kafka_cert_file:
        context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file)
    return context


async def answered(question: Awaitable[T], seconds: float) -> T:
    """What the broker answers. Raises KafkaTimeoutError where it does not: a TimeoutError would not say whose silence it was."""
    try:
        return await within(question, seconds)
    except TimeoutError as error:
        raise KafkaTimeoutError(f"no answer within {seconds:.0f} s") from error


async def stop(client: Any) -> None:
    """Stop a client of aiokafka that may be in any state.

    With the broker away its stop can end with the cancellation of the library's own tasks, which must not be taken for ours.
    """
    try:
        await client.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
    except (KafkaError, OSError, TimeoutError) as error:
        LOG.warning("client not stopped in order", client=type(client).__name__, error=type(error).__name__)


def lane_of(key: bytes, lanes: int) -> int:
    """The lane (partition of `case.commands`) of a key: Kafka's own partitioner, so that any tool finds a case's lane."""
    return int((murmur2(key) & 0x7FFFFFFF) % lanes)


def header(headers: Sequence[tuple[str, bytes | None]], name: str) -> bytes | None:
    """The value of the last header of that name."""
    return next((value for key, value in reversed(headers) if key == name), None)
