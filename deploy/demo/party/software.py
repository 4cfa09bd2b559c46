"""A party's software: it opens cases at their time, hands tasks to its people, sends their answers, confirms delivery."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from deploy.demo.party.cloudevents import attribute, headers, value
from deploy.demo.party.lines import CaseLines, Line, Lines
from deploy.demo.party.moments import filled

START_SECONDS = 60
SEND_SECONDS = 30


class Software:
    """One party while the day lasts. It remembers which tasks and replies it has seen, so a repeat is no second answer."""

    def __init__(self, lines: Lines, connection: dict[str, Any]) -> None:
        self._lines = lines
        self._connection = connection
        self._seen: set[str] = set()
        self._sent: dict[str, int] = {}
        self._people: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until asked to stop. Raises what keeps it from working."""
        self._producer = AIOKafkaProducer(
            **self._connection,
            client_id=self._lines.party,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=SEND_SECONDS * 1000,
        )
        consumer = AIOKafkaConsumer(
            *self._lines.reads,
            **self._connection,
            client_id=self._lines.party,
            group_id=self._lines.party,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._producer.start()
                await consumer.start()
            await self._work(consumer, stop)
        finally:
            for person in self._people:
                person.cancel()
            with contextlib.suppress(Exception):
                await consumer.stop()
            with contextlib.suppress(Exception):
                await self._producer.stop()

    async def _work(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(consumer))
            opening = group.create_task(self._open_cases())
            await stop.wait()
            reading.cancel()
            opening.cancel()

    async def _open_cases(self) -> None:
        waiting = [(lines.opening, case_id, lines) for case_id, lines in self._lines.cases.items()]
        openings = [(opening, case_id, lines) for opening, case_id, lines in waiting if opening]
        for opening, case_id, lines in sorted(openings, key=lambda entry: entry[0].after):
            await asyncio.sleep(self._lines.clock.seconds_until(opening.after))
            await self._send(opening, case_id)
            for line in lines.unasked:
                self._person(self._say(line, case_id, {"caseId": case_id}))

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            self._receive(record)

    def _receive(self, record: ConsumerRecord) -> None:
        kind = attribute(record.headers, "ce_type")
        data: dict[str, Any] = json.loads(record.value)
        if kind == "command.rejected":
            tell(f"rejected: {json.dumps(data, ensure_ascii=False)}")
            return
        tell(f"{kind} {data.get('caseId')} {data.get('text', '')}")
        case_id = str(data.get("caseId"))
        lines = self._lines.cases.get(case_id)
        if lines is None:
            return
        match kind:
            case "task.opened":
                self._hand_over(data["tier"], data["taskId"], {"caseId": case_id, "taskId": data["taskId"]}, lines)
            case "consultation.requested":
                asked, request_id = data["askedOf"]["orgCode"], data["requestId"]
                self._hand_over(
                    f"consultation {asked}", request_id, {"caseId": case_id, "requestId": request_id}, lines
                )
            case "government.referred":
                referral_id = data["referralId"]
                self._hand_over("government", referral_id, {"caseId": case_id, "referralId": referral_id}, lines)
            case "reply.issued":
                self._tell_applicant(data, case_id, lines)

    def _hand_over(self, to: str, asked: str, about: dict[str, Any], lines: CaseLines) -> None:
        """A task, a question or a referral to its people, once."""
        answers = lines.answers.get(to)
        if asked in self._seen or not answers:
            return
        self._seen.add(asked)
        self._person(self._say(answers.pop(0), about["caseId"], about))

    def _tell_applicant(self, reply: dict[str, Any], case_id: str, lines: CaseLines) -> None:
        reply_id = reply["replyId"]
        if reply_id in self._seen or lines.delivery is None:
            return
        self._seen.add(reply_id)
        told: dict[str, Any] = {"caseId": case_id, "replyId": reply_id}
        in_person = reply.get("inPerson") or {}
        if in_person.get("required"):
            told["explainedBy"] = in_person["by"]
        self._person(self._say(lines.delivery, case_id, told))

    def _person(self, doing: Coroutine[Any, Any, None]) -> None:
        person = asyncio.create_task(doing)
        self._people.add(person)
        person.add_done_callback(self._done)

    def _done(self, person: asyncio.Task[None]) -> None:
        self._people.discard(person)
        if not person.cancelled() and person.exception() is not None:
            tell(f"not sent: {person.exception()!r}")

    async def _say(self, line: Line, case_id: str, about: dict[str, Any]) -> None:
        await asyncio.sleep(line.after)
        await self._send(Line(line.topic, line.type, line.data | about, 0), case_id)

    async def _send(self, line: Line, case_id: str) -> None:
        now = self._lines.clock.now()
        self._sent[case_id] = self._sent.get(case_id, 0) + 1
        async with asyncio.timeout(SEND_SECONDS):
            await self._producer.send_and_wait(
                line.topic,
                key=case_id.encode(),
                value=value(filled(line.data, now)),
                headers=headers(f"{case_id}.{self._sent[case_id]}", line.type, f"/sample/{self._lines.party}", now),
            )
        tell(f"sent {line.type} {case_id}")


def tell(what: str) -> None:
    """Into the party's own log."""
    sys.stderr.write(what + "\n")
    sys.stderr.flush()
