"""All wiring on one page: what a worker is made of, and how it starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import platform
import signal
import sys
from collections.abc import Coroutine
from importlib.metadata import version
from typing import Any

import structlog

from consumers import control, http, tracing
from consumers.clock import Clock
from consumers.desk import Desk
from consumers.faust_delivery import GROUP as DESK_GROUP
from consumers.faust_delivery import FaustDelivery
from consumers.intake import GROUP as INTAKE_GROUP
from consumers.intake import Intake
from consumers.membership import leave
from consumers.positions import Positions
from consumers.relay import Relay
from consumers.sealing import KeyRing, SealingError
from consumers.settings import Settings
from consumers.store import create_pool
from consumers.waiting import within
from metrics.table import Metrics

LOG = structlog.get_logger()

STAGES = ("intake", "desk", "relay")
HAND_OVER_SECONDS = 6.0
# A batch of timers makes some ten thousand objects, and then lets go of them.
COLLECTOR = (20_000, 20, 50)
# The exit code of a worker whose delivery cannot be mended from inside: start it again.
EXIT_START_AGAIN = 75


async def run(settings: Settings, stages: tuple[str, ...] = STAGES, *, with_parent: bool = False) -> int:
    """Run the stages until SIGTERM or SIGINT (or, with a parent, until standard input ends); the exit code."""
    if settings.sealing_key_file is None:
        raise SealingError(
            "no key ring is set: make one with `noveto key generate --out FILE`, put its path into NOVETO_SEALING_KEY_FILE"
        )
    keys = KeyRing.read(settings.sealing_key_file)
    metrics = Metrics()
    async with contextlib.AsyncExitStack() as stack:
        pool = await create_pool(settings, "worker", size=settings.lanes + 4)
        stack.push_async_callback(_close_pool, pool)
        references, reference = await control.begin(settings, pool)
        positions = Positions(settings)
        stack.push_async_callback(positions.stop)
        await positions.start()
        await positions.check_lanes()
        spans = tracing.Spans.from_environment(version("noveto"))
        stack.callback(spans.close)
        work: dict[str, Coroutine[Any, Any, None]] = {}
        relay = Relay(settings, reference, pool, metrics, positions) if "relay" in stages else None
        intake = Intake(settings, references, reference, keys, metrics, pool) if "intake" in stages else None
        desk = None
        if relay is not None:
            work["relay"] = relay.run()
        if intake is not None:
            work["intake"] = intake.run()
        if "desk" in stages:
            published = relay.wake if relay is not None else lambda lane: None
            desk = Desk(settings, references, pool, metrics, Clock.from_settings(settings), positions, published)
            delivery = FaustDelivery(settings, keys, desk)
            work["delivery"] = delivery.run()
            work["desk"] = desk.run(delivery.seek)
        for stage in (intake, desk, relay.publisher if relay is not None else None):
            if stage is not None:
                stage.spans = spans
        measuring = asyncio.create_task(_measure_process(metrics, pool), name="measure")
        stack.callback(measuring.cancel)
        health = Health(intake, desk, relay)
        runner, port = await http.serve(
            settings.http_host, settings.http_port, metrics.registry, health.alive, health.ready
        )
        stack.push_async_callback(runner.cleanup)
        LOG.info(
            "worker started", stages=list(work), http=f"http://{settings.http_host}:{port}", version=version("noveto")
        )
        _spare_the_collector()
        code = await _until_stopped(work, with_parent)
        await leave(settings, _memberships(settings, stages))
        return code


def _spare_the_collector() -> None:
    """What has been imported and built stays: looking through it again and again took a fifth of the desk's time, and held up
    every lane while it lasted."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)


async def _measure_process(metrics: Metrics, pool: Any) -> None:
    metrics.set("noveto_build_info", 1, version=version("noveto"), python=platform.python_version())
    for stage in ("desk", "relay"):
        # Seen at 0 first: else Prometheus never sees it rise.
        metrics.count("noveto_lane_fenced", 0, stage=stage)
    while True:
        idle = pool.get_idle_size()
        metrics.set("noveto_database_pool_connections", idle, state="idle")
        metrics.set("noveto_database_pool_connections", pool.get_size() - idle, state="used")
        await asyncio.sleep(1)


async def _close_pool(pool: Any) -> None:
    try:
        await within(pool.close(), 3)
    except TimeoutError:
        pool.terminate()


async def _until_stopped(work: dict[str, Coroutine[Any, Any, None]], with_parent: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _stdin_ended, loop, stop)
    tasks = [asyncio.create_task(coroutine, name=name) for name, coroutine in work.items()]
    stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait())
    waited: list[asyncio.Task[Any]] = [*tasks, stopped]
    done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in tasks if task in done]
    for task in failed:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        LOG.error("stage ended", stage=task.get_name(), error=_described(error))
    for waiting in waited:
        waiting.cancel()
    await asyncio.wait(tasks, timeout=HAND_OVER_SECONDS)
    LOG.info("worker stopped", because="a stage ended" if failed else "asked to")
    return EXIT_START_AGAIN if failed else 0


def _stdin_ended(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


def _memberships(settings: Settings, stages: tuple[str, ...]) -> list[tuple[str, str]]:
    """The groups in which this worker is a static member, which the library does not leave by itself."""
    if settings.worker_name is None:
        return []
    groups = {"intake": INTAKE_GROUP, "desk": DESK_GROUP}
    return [
        (f"{settings.topic_prefix}{group}", f"{settings.worker_name}-{stage}")
        for stage, group in groups.items()
        if stage in stages
    ]


def _described(error: BaseException | None) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]


class Health:
    """What /healthz and /readyz say: alive is that the loop turns, ready that every stage here does its work."""

    def __init__(self, intake: Intake | None, desk: Desk | None, relay: Relay | None) -> None:
        self._intake, self._desk, self._relay = intake, desk, relay

    def alive(self) -> dict[str, str]:
        """Answering at all is the proof."""
        return {}

    def ready(self) -> dict[str, str]:
        """What is wrong, by stage."""
        wrong = {}
        if self._intake is not None and not self._intake.running:
            wrong["intake"] = "not connected to the broker"
        if self._desk is not None:
            if self._desk.database_away_since is not None:
                wrong["desk"] = "the database is away"
            elif self._desk.broker_away_since is not None:
                wrong["desk"] = "the broker is away"
            elif self._desk.stopped():
                wrong["desk"] = f"lanes stopped: {self._desk.stopped()}"
            elif self._desk.rebalancing:
                wrong["desk"] = "waiting for lanes"
        if self._relay is not None:
            if self._relay.database_away_since is not None:
                wrong["relay"] = "the database is away"
            elif self._relay.broker_away_since is not None:
                wrong["relay"] = "the broker is away"
            elif self._relay.stopped():
                wrong["relay"] = f"lanes stopped: {self._relay.stopped()}"
        return wrong
