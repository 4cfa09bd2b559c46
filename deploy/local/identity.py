"""What a stack's directory remembers from one start to the next."""

from __future__ import annotations

import base64
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.ports import free_port

FILE = "stack.json"


@dataclass
class Identity:
    """The cluster id, which the data belong to, and the ports, which are kept while they are free."""

    cluster_id: str
    kafka_port: int
    controller_port: int
    postgres_port: int

    @classmethod
    def of(cls, directory: Path) -> Identity:
        """What the directory remembers, or something new."""
        try:
            return cls(**json.loads((directory / FILE).read_bytes()))
        except FileNotFoundError:
            identity = cls(_new_cluster_id(), 0, 0, 0)
            identity.choose_kafka_ports()
            identity.choose_postgres_port()
            return identity

    def choose_kafka_ports(self) -> None:
        """Take two other ports for the broker."""
        self.kafka_port = free_port(frozenset({self.postgres_port}))
        self.controller_port = free_port(frozenset({self.postgres_port, self.kafka_port}))

    def choose_postgres_port(self) -> None:
        """Take another port for the database."""
        self.postgres_port = free_port(frozenset({self.kafka_port, self.controller_port}))

    def save(self, directory: Path) -> None:
        """Remember it in the directory."""
        draft = directory / f"{FILE}.part"
        draft.write_text(json.dumps(asdict(self)))
        os.replace(draft, directory / FILE)


def _new_cluster_id() -> str:
    while True:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):  # a command line would take that for an option
            return cluster_id
