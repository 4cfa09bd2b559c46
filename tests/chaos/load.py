"""Parties under chaos: cases proposed at a steady rate and answered tier by tier, whatever breaks in between.

Every command has an id that follows from its case, and is sent again under that id until the broker has acknowledged it.
"""

import asyncio
import itertools
import json
import time
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from ..parties import accept, as_json, case_of, delivered, escalate, event_headers, refusal, refuse

BACKLOG = 5000


class Output(NamedTuple):
    """A filing that was seen: when, in which lane, and when its case was proposed; by the monotonic clock."""

    at: float
    lane: int
    proposed_at: float


class Load:
    """Window, unit and committee at once: an in-process client that knows only topics."""

    def __init__(self, bootstrap: str, prefix: str, lanes: int, rate: float) -> None:
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._lanes = lanes
        self._rate = rate
        self.proposed: list[str] = []
        self.acknowledged: set[str] = set()
        self.closed: set[str] = set()
        self.outputs: list[Output] = []
        """Every filing seen."""
        self._proposed_at: dict[str, float] = {}
        self._queue: asyncio.Queue[tuple[str, str, bytes, str]] = asyncio.Queue(BACKLOG)
        self._proposing = True
        self.answering = asyncio.Event()
        """Cleared, tasks wait for their answers, and cases stay open."""
        self.answering.set()

    async def __aenter__(self) -> "Load":
        self._tasks = [
            asyncio.create_task(work) for work in (self._propose(), self._hear(), *(self._send() for _ in range(8)))
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def check(self) -> None:
        """Raise what ended one of the parties."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and task.exception():
                raise RuntimeError("the load ended by itself") from task.exception()

    async def drain(self, seconds: float) -> float:
        """Propose no more, and wait until every case has its tail; how long that took."""
        self._proposing = False
        started = time.monotonic()
        while len(self.closed) < len(self.proposed):
            self.check()
            if time.monotonic() - started > seconds:
                break
            await asyncio.sleep(0.2)
        return time.monotonic() - started

    async def _propose(self) -> None:
        number, start = 0, time.monotonic()
        while self._proposing:
            while number < (time.monotonic() - start) * self._rate:
                opening = refusal(refusal_id=f"c{number}")
                case_id = case_of(opening)
                self.proposed.append(case_id)
                self._proposed_at[case_id] = time.monotonic()
                await self._queue.put(("window.refusals.windows", "refusal.proposed", as_json(opening), case_id))
                number += 1
            await asyncio.sleep(0.01)

    async def _send(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, enable_idempotence=True, request_timeout_ms=20_000
        )
        await _started(producer)
        try:
            while True:
                family, event_type, value, case_id = await self._queue.get()
                command_id = f"{case_id}/{event_type}/{json.loads(value).get('taskId', '')}"
                while True:
                    try:
                        await producer.send_and_wait(
                            self._prefix + family,
                            key=case_id.encode(),
                            value=value,
                            headers=event_headers(event_type, command_id),
                        )
                        break
                    except (KafkaError, OSError):
                        await asyncio.sleep(0.3)
                self.acknowledged.add(command_id)
        finally:
            await producer.stop()

    async def _hear(self) -> None:
        topics = ("tier.tasks.bureau", "applicant.replies.windows", "committee.filings.hall")
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await _started(consumer)
        consumer.assign([TopicPartition(self._prefix + topic, lane) for topic in topics for lane in range(self._lanes)])
        await consumer.seek_to_beginning()
        try:
            while True:
                try:
                    found = await consumer.getmany(timeout_ms=500)
                except (KafkaError, OSError):
                    await asyncio.sleep(0.3)
                    continue
                for records in found.values():
                    for record in records:
                        await self._heard(record)
        finally:
            await consumer.stop()

    async def _heard(self, record: Any) -> None:
        kind = dict(record.headers)["ce_type"].decode()
        data = json.loads(record.value)
        case_id = data["caseId"]
        match kind:
            case "task.opened" if data["tier"] == "reviewer":
                await self._say("tier.decisions.bureau", "tier.decided", escalate(case_id, data["taskId"]))
            case "task.opened" if data["tier"] == "decision_maker":
                yes = int(case_id.rsplit("c", 1)[1]) % 3 == 0
                answer = accept(case_id, data["taskId"], "decision_maker") if yes else refuse(case_id, data["taskId"])
                if yes:
                    answer["actor"] = {"personId": "D-1", "name": "郑远", "post": "决定岗"}
                    answer["decision"]["note"] = "材料可以在受理后补交，与既往不同系本次已提供替代证明。"
                else:
                    answer["decision"]["departureReason"] = "本次未提供替代证明。"
                await self._say("tier.decisions.bureau", "tier.decided", answer)
            case "reply.issued":
                await self._say("window.refusals.windows", "reply.delivered", delivered(case_id, data["replyId"]))
            case "filing.head":
                self._filed(record.partition, case_id)
            case "filing.tail":
                self._filed(record.partition, case_id)
                self.closed.add(case_id)

    def _filed(self, lane: int, case_id: str) -> None:
        self.outputs.append(Output(time.monotonic(), lane, self._proposed_at[case_id]))

    async def _say(self, family: str, event_type: str, data: dict[str, Any]) -> None:
        await self.answering.wait()
        # Heard again after a restart of the consumer: the same id, so at most a repeat.
        await self._queue.put((family, event_type, as_json(data), data["caseId"]))


async def _started(client: Any) -> None:
    while True:
        try:
            await client.start()
        except (KafkaError, OSError):
            await asyncio.sleep(0.3)
        else:
            return


def stalls(outputs: list[Output], since: float, until: float, lanes: int) -> dict[int, float]:
    """For each lane the longest time without an output between two instants."""
    found = {}
    for lane in range(lanes):
        times = [
            since,
            *(output.at for output in outputs if output.lane == lane and since <= output.at <= until),
            until,
        ]
        found[lane] = max((b - a for a, b in itertools.pairwise(times)), default=0.0)
    return found


def first_output(outputs: list[Output], after: float, lanes: set[int]) -> float | None:
    """Seconds until each of these lanes had an output for a case proposed since then; None while one has not."""
    seconds = []
    for lane in lanes:
        later = [output.at - after for output in outputs if output.lane == lane and output.proposed_at > after]
        if not later:
            return None
        seconds.append(min(later))
    return max(seconds, default=None)
