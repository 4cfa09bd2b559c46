"""A subscriber of one topic that reads everything committed, from the beginning."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer

from deploy.demo.party.cloudevents import attribute

START_SECONDS = 30.0
Receive = Callable[[str, str, str, dict[str, Any]], None]
"""Called with the event's id and type, the record's key and the data."""


class Follower:
    """Hands every record to `receive` until it is closed. `check` raises what went wrong meanwhile."""

    def __init__(self, connection: dict[str, Any], topic: str, receive: Receive) -> None:
        self._receive = receive
        self._consumer = AIOKafkaConsumer(
            topic,
            **connection,
            client_id="demo",
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )

    async def __aenter__(self) -> "Follower":
        async with asyncio.timeout(START_SECONDS):
            await self._consumer.start()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._consumer.stop()

    def check(self) -> None:
        """Raise what ended the reading, if anything did."""
        if self._reading.done():
            self._reading.result()

    async def _read(self) -> None:
        async for record in self._consumer:
            if record.value is not None:
                kind = attribute(record.headers, "ce_type")
                event_id = attribute(record.headers, "ce_id")
                self._receive(event_id, kind, (record.key or b"").decode(), json.loads(record.value))
