"""Faust delivers `case.commands` to the desk: an agent without tables, whose committed offsets are never trusted.

Faust seeks to its own committed offsets once its recovery is over (after the assignment signal); `perform_seek` is overridden to read Postgres.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import faust
import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from consumers.delivered import read_record
from consumers.desk import Desk
from consumers.kafka import FETCH_WAIT_MS, HEARTBEAT_SECONDS, connection
from consumers.sealing import KeyRing
from consumers.settings import Settings
from consumers.waiting import within
from topics.registry import Family, TopicNames

LOG = structlog.get_logger()

BUFFER = 4096
# So many messages handed on and not yet done: from then on the stream may be full.
ROOM = BUFFER // 2
AT_ONCE = 200

GROUP = "noveto.desk"


class FaustDelivery:
    """One Faust application, started and stopped with the worker."""

    def __init__(self, settings: Settings, keys: KeyRing, desk: Desk) -> None:
        self._settings = settings
        self._keys = keys
        self._desk = desk
        self.topic = TopicNames(settings.topic_prefix).of(Family.CASE_COMMANDS)
        self.app = self._build()

    def _build(self) -> Any:
        settings = self._settings
        app = faust.App(
            f"{settings.topic_prefix}{GROUP}",
            broker=[f"kafka://{address}" for address in settings.kafka_bootstrap.split(",")],
            broker_credentials=_credentials(settings),
            broker_client_id="noveto-desk",
            processing_guarantee="at_least_once",
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=f"{settings.worker_name}-desk" if settings.worker_name else None,
            web_enabled=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            table_standby_replicas=1,
            stream_wait_empty=False,
            stream_buffer_maxsize=BUFFER,
            broker_max_poll_records=2000,
            broker_session_timeout=settings.session_timeout_seconds,
            broker_heartbeat_interval=HEARTBEAT_SECONDS,
            broker_rebalance_timeout=10,
            broker_request_timeout=15,
            broker_commit_interval=1,
            store="memory://",
            # For tables, of which there are none: one empty folder for all workers, so that killed ones leave nothing behind.
            datadir=Path(tempfile.gettempdir(), f"noveto-faust-{os.getuid()}"),
            autodiscover=False,
            debug=False,
        )
        desk, topic, keys = self._desk, self.topic, self._keys

        class ConsumerThread(driver.AIOKafkaConsumerThread):
            """Asks again sooner than Faust's 1.5 s."""

            def _create_worker_consumer(self, transport: Any) -> Any:
                consumer = super()._create_worker_consumer(transport)
                consumer._fetch_max_wait_ms = FETCH_WAIT_MS
                return consumer

        class Consumer(driver.Consumer):
            """Reads each lane from the position Postgres has."""

            def _new_consumer_thread(self) -> ConsumerThread:
                return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

            async def perform_seek(self) -> None:
                lanes = [tp.partition for tp in self.assignment() if tp.topic == topic]
                desk.keep_only(lanes)
                for lane, offset in (await desk.positions(lanes)).items():
                    tp = TP(topic, lane)
                    try:
                        await self.seek_wait({tp: offset})
                    except Exception as error:
                        # The assignment is being replaced: the next recovery seeks again, and a gap is refused anyway.
                        LOG.warning("seek failed", lane=lane, error=type(error).__name__)
                        continue
                    # Faust drops what it has "read already": tell it where we begin.
                    self._read_offset[tp] = offset - 1 if offset else None

            async def getmany(self, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109 - Faust's own signature
                """Read on only when there is room for it: Faust's own buffers count messages, whatever their size."""
                try:
                    await within(desk.room(), timeout)
                except TimeoutError:
                    return
                async for message in super().getmany(timeout):
                    yield message

            async def wait_first(self, *waited: Any, **options: Any) -> Any:
                """Hand a message on. Faust makes two tasks of it, to be free when the assignment changes while it waits for room;
                with room there is nothing to wait for, and each message would cost several turns of the loop.
                """
                if len(waited) == 2 and not options and len(self._unacked_messages) < ROOM:
                    handing, change = waited
                    if asyncio.iscoroutine(handing) and asyncio.iscoroutine(change):
                        change.close()
                        return await handing
                return await super().wait_first(*waited, **options)

        class Transport(driver.Transport):
            """Faust's own, with that consumer."""

        Transport.Consumer = Consumer
        app.transport = Transport(app.conf.broker_consumer, app, loop=app.loop)

        commands = app.topic(
            topic,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=settings.lanes,
        )

        async def hand_on(message: Any) -> None:
            headers = message.headers
            pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or ())
            record = read_record(
                topic,
                message.partition,
                message.offset,
                int(message.timestamp * 1000),
                pairs,
                message.key,
                message.value,
                keys,
            )
            await desk.put(message.partition, record)

        async def deliver(stream: Any) -> None:
            async for event in stream.events():
                await hand_on(event.message)
                # A stream gives the loop a turn before each event, which under load is the whole throughput: what
                # has come already is taken at once.
                for waiting in _there(stream.channel.queue):
                    await hand_on(waiting.message)
                    waiting.ack()

        app.agent(commands, name="desk")(deliver)

        async def revoked(*_: Any, **__: Any) -> None:
            desk.rebalancing = True

        async def assigned(*said: Any, **__: Any) -> None:
            if not any(tp.topic == topic for tp in said[-1]):
                # A worker too many: it stands by. Faust has nothing to recover then, and does not seek.
                desk.stand_by()

        app.on_partitions_revoked.connect(revoked, weak=False)
        app.on_partitions_assigned.connect(assigned, weak=False)
        return app

    async def seek(self, lane: int, offset: int) -> None:
        """Read a lane again from there."""
        tp = TP(self.topic, lane)
        await self.app.consumer.seek_wait({tp: offset})
        self.app.consumer._read_offset[tp] = offset - 1 if offset else None

    async def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Deliver until cancelled. Raises what crashed Faust."""
        try:
            await self.app.start()
            started()
            await self.app.wait_until_stopped()
            reason = self.app.crash_reason
            raise reason if reason is not None else RuntimeError("Faust stopped by itself")
        finally:
            await within(asyncio.shield(self.app.stop()), 10)


def _there(queue: asyncio.Queue[Any]) -> Iterator[Any]:
    """What is in the stream's buffer, up to a batch."""
    for _ in range(AT_ONCE):
        if queue.empty():
            return
        yield queue.get_nowait()


def _credentials(settings: Settings) -> Any:
    arguments = connection(settings, "desk")
    protocol = arguments["security_protocol"]
    if protocol == "PLAINTEXT":
        return None
    if protocol == "SSL":
        return faust.SSLCredentials(context=arguments["ssl_context"])
    return faust.SASLCredentials(
        username=arguments["sasl_plain_username"],
        password=arguments["sasl_plain_password"],
        mechanism=arguments["sasl_mechanism"],
        ssl_context=arguments.get("ssl_context"),
    )
