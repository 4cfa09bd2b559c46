"""A stack to break: its broker has a second door for the workers, behind a proxy, and its database a disk of its own."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local import LocalStack
from deploy.local.identity import Identity
from deploy.local.jars import Say
from deploy.local.ports import HOST, free_port

from .disk import Disk


@dataclass(frozen=True)
class Breakable:
    """The stack, and where it can be broken."""

    stack: LocalStack
    door: int
    """The port at which the broker tells the workers to come: the proxy's."""
    behind: int
    """The port at which the broker listens for what the proxy passes on."""
    disk: Disk | None
    """Where the database's files are; none where this program may not mount one."""


@contextlib.contextmanager
def breakable(say: Say) -> Iterator[Breakable]:
    """Start the servers in a directory of their own, which goes at the end."""
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="noveto-breakable-")))
        disk = opened.enter_context(Disk(folder / "postgres")) if Disk.possible() else None
        identity = Identity.of(folder)
        identity.save(folder)
        behind = free_port(frozenset({identity.kafka_port, identity.controller_port, identity.postgres_port}))
        door = free_port(frozenset({identity.kafka_port, identity.controller_port, identity.postgres_port, behind}))
        stack = LocalStack(folder, broker_config=listeners(identity, behind, door), say=say)
        yield Breakable(opened.enter_context(stack), door, behind, disk)


def listeners(identity: Identity, behind: int, door: int) -> dict[str, str]:
    """The broker's own listeners and one more, which it advertises at the proxy's port."""
    return {
        "listeners": f"CLIENT://{HOST}:{identity.kafka_port},WORKERS://{HOST}:{behind},"
        f"CONTROLLER://{HOST}:{identity.controller_port}",
        "advertised.listeners": f"CLIENT://{HOST}:{identity.kafka_port},WORKERS://{HOST}:{door}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,WORKERS:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
