"""How long lanes stand still when a worker goes or comes: `python -m tests.bench.failover --times 20`.

One of three workers is killed with -9 (or asked to stop), and is not started again until its lanes have had an output elsewhere.
A lane stands still while a command that lies on `case.commands` has had no effect on `case.events`; an inbound partition while
a record of it is not yet on `case.commands`. Both are seen from outside, by readers that know only topics.
"""

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from deploy.local import LocalStack
from topics.command import ORIGIN_HEADER, read_command

from ..chaos.load import Load, first_output
from ..support import Router, Worker, supervised

WORKERS = 3
LANES = 6
RATE = 20.0
LONGEST_SECONDS = 40.0
CALM_SECONDS = 3.0
COMMANDS = "case.commands"
EVENTS = "case.events"

Partition = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Wait:
    """What lay on a partition, from when until when: seconds of the time of day."""

    partition: Partition
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What other workers read while one went or came, from when until when: seconds of the time of day."""

    partitions: set[Partition]
    since: float
    until: float


class Waits:
    """Reads `case.commands` and `case.events`, and remembers how long each inbound record and each command has waited."""

    def __init__(self, router: Router) -> None:
        self._prefix = router.prefix
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=router.stack.bootstrap, isolation_level="read_committed", enable_auto_commit=False
        )
        self._appended: dict[tuple[int, int], float] = {}
        self._found: list[Wait] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign(
            [TopicPartition(self._prefix + topic, lane) for topic in (COMMANDS, EVENTS) for lane in range(LANES)]
        )
        await self._consumer.seek_to_beginning()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._consumer.stop()

    def longest(self, kept: Kept) -> dict[str, float]:
        """The longest that anything waited on the lanes and inbound partitions that stayed. What nothing ever comes of is a
        repeat, and not counted."""
        longest = {"lanes": 0.0, "inbound": 0.0}
        for wait in self._found:
            if wait.partition in kept.partitions:
                seconds = min(wait.until, kept.until) - max(wait.since, kept.since)
                of = "lanes" if wait.partition[0] == COMMANDS else "inbound"
                longest[of] = max(longest[of], seconds)
        return longest

    async def _read(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=200)
            now = time.time()
            for tp, records in found.items():
                for record in records:
                    if tp.topic.endswith(COMMANDS):
                        self._command(record)
                    else:
                        self._event(record, now)

    def _command(self, record: Any) -> None:
        at = record.timestamp / 1000
        self._appended[record.partition, record.offset] = at
        source = read_command(dict(record.headers)[ORIGIN_HEADER]).source
        topic = source.topic.removeprefix(self._prefix)
        self._found.append(Wait((topic, source.partition), source.broker_time.timestamp(), at))

    def _event(self, record: Any, now: float) -> None:
        appended = self._appended.pop((record.partition, json.loads(record.value).get("offset", -1)), None)
        if appended is not None:
            self._found.append(Wait((COMMANDS, record.partition), appended, now))


class Groups:
    """Who reads what: the members of the consumer groups of intake and desk."""

    def __init__(self, router: Router) -> None:
        self._prefix = router.prefix
        self._admin = AIOKafkaAdminClient(bootstrap_servers=router.stack.bootstrap)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def held(self, worker: Worker) -> set[Partition]:
        """The lanes and inbound partitions that a worker reads."""
        held: set[TopicPartition] = set()
        for stage in ("intake", "desk"):
            (answer,) = await self._admin.describe_consumer_groups([f"{self._prefix}noveto.{stage}"])
            for member, *_, assignment in answer.groups[0][5]:
                if member.startswith(f"{worker.log.stem}-"):
                    held |= set(ConsumerProtocolMemberAssignment.decode(assignment).partitions())
        return {(tp.topic.removeprefix(self._prefix), tp.partition) for tp in held}


class Scene:
    """Workers under load, one of which goes and comes back."""

    def __init__(self, workers: list[Worker], load: Load, groups: Groups) -> None:
        self._workers = workers
        self._load = load
        self._groups = groups

    async def go_and_come(self, how: str, turn: int) -> tuple[float, dict[str, Kept]]:
        """Seconds until its lanes had an output for what was asked since; and what others kept while it went, and while it came,
        and what they handed over to it."""
        worker = self._workers[turn % WORKERS]
        others = [other for other in self._workers if other is not worker]
        gone = {lane for topic, lane in await self._groups.held(worker) if topic == COMMANDS}
        before = set().union(*await self._held(others))
        since, began = time.time(), time.monotonic()
        await asyncio.to_thread(worker.kill if how == "kill" else worker.stop)
        while (back := first_output(self._load.outputs, began, gone)) is None:
            if time.monotonic() - began > LONGEST_SECONDS:
                raise TimeoutError(f"lanes {gone} had no output within {LONGEST_SECONDS:.0f} s")
            await asyncio.sleep(0.1)
        await asyncio.sleep(CALM_SECONDS)
        went = Kept(before, since, time.time())
        since, full = time.time(), await self._held(others)
        worker.start()
        await worker.ready()
        await asyncio.sleep(CALM_SECONDS)
        until = time.time()
        kept = set().union(*(was & now for was, now in zip(full, await self._held(others), strict=True)))
        came = Kept(kept, since, until)
        handed_over = Kept(set().union(*full) - kept, since, until)
        return back, {how: went, "come": came, "handed over": handed_over}

    async def _held(self, workers: list[Worker]) -> list[set[Partition]]:
        return [await self._groups.held(worker) for worker in workers]


def summed(seconds: list[float]) -> dict[str, float]:
    """p50 and worst, seconds."""
    return {"p50": round(sorted(seconds)[len(seconds) // 2], 2), "worst": round(max(seconds), 2)}


async def moved(scene: Scene, load: Load, waits: Waits, times: int) -> dict[str, dict[str, Any]]:
    """Both ways of going in turn, so many times each, and as often the coming back."""
    back: dict[str, list[float]] = {}
    stayed: dict[str, list[Kept]] = {}
    for turn in range(2 * times):
        how = ("kill", "term")[turn % 2]
        seconds, moves = await scene.go_and_come(how, turn)
        back.setdefault(how, []).append(seconds)
        for move, kept in moves.items():
            stayed.setdefault(move, []).append(kept)
    await load.drain(60)
    figures: dict[str, dict[str, Any]] = {how: {"back": summed(seconds)} for how, seconds in back.items()}
    for move, all_kept in stayed.items():
        longest = [waits.longest(kept) for kept in all_kept]
        figures.setdefault(move, {"times": len(longest)}).update(
            {of: summed([one[of] for one in longest]) for of in ("lanes", "inbound")}
        )
    return figures


async def measure(times: int) -> dict[str, Any]:
    """All of it on one stack."""
    figures: dict[str, Any] = {"load_average_before": os.getloadavg()[0]}
    with (
        tempfile.TemporaryDirectory(prefix="noveto-failover-") as folder,
        LocalStack() as stack,
        supervised(Path(folder)) as supervisor,
    ):
        router = Router(stack, supervisor, Path(folder), "failover", lanes=LANES)
        await router.prepare()
        workers = [router.worker(f"failover-{number}") for number in range(1, WORKERS + 1)]
        await asyncio.gather(*(worker.ready() for worker in workers))
        async with (
            Load(stack.bootstrap, router.prefix, LANES, RATE) as load,
            Waits(router) as waits,
            Groups(router) as groups,
        ):
            await asyncio.sleep(CALM_SECONDS)
            figures |= await moved(Scene(workers, load, groups), load, waits, times)
            figures["cases"], figures["closed"] = len(load.proposed), len(load.closed)
        for worker in workers:
            worker.stop()
    return figures


def main() -> None:
    """Print the figures as JSON: seconds."""
    parser = argparse.ArgumentParser(prog="tests.bench.failover", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(measure(given.times)), indent=2))


if __name__ == "__main__":
    main()
