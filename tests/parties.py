"""Parties: ordinary Kafka clients that know the router by its topics alone, and what their people say.

Nothing here comes from the router's code: the messages are written out as a stranger would write them.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

Headers = Sequence[tuple[str, bytes | None]]
Data = dict[str, Any]

NUMBERS = itertools.count(1)
HEAR_SECONDS = 60.0
CLERK = {"personId": "C-1", "name": "林晓", "post": "窗口受理岗"}
REVIEWER = {"personId": "R-1", "name": "陈宁", "post": "审核岗"}
DECIDER = {"personId": "D-1", "name": "郑远", "post": "决定岗"}
APPLICANT = {"name": "测试申请人", "idType": "identity_card", "idNumber": "350199199001010011", "phone": "12000000001"}


def now() -> str:
    """This instant, as a message writes it."""
    return datetime.now(UTC).isoformat()


def refusal(org_code: str = "BUREAU", refusal_id: str | None = None, **changes: Any) -> Data:
    """A clerk's proposal to say no; complete, so that it goes straight to the reviewer."""
    return {
        "orgCode": org_code,
        "refusalId": refusal_id or f"t{next(NUMBERS)}",
        "matter": {"taskCode": f"{org_code}-01", "taskName": "食品经营许可"},
        "requestKind": "application",
        "situation": "conditions_not_met",
        "groundCode": "MATERIAL_MISSING",
        "reason": "缺少经营场所证明。",
        "legalBasis": [{"law": "《食品经营许可和备案管理办法》", "article": "第十五条"}],
        "guidance": {
            "missing": [{"item": "经营场所证明", "how": "提交租赁合同或者产权证复印件"}],
            "guide": "食品经营许可办事指南",
            "sample": "申请书样例",
            "standard": "有固定经营场所",
        },
        "proposedBy": CLERK,
        "firstAsked": CLERK,
        "askedAt": now(),
        "applicant": APPLICANT,
        **changes,
    }


def case_of(opening: Data) -> str:
    """The case that an opening opens."""
    return f"{opening['orgCode']}-{opening['refusalId']}"


def escalate(case_id: str, task_id: str | None) -> Data:
    """The reviewer upholds the clerk's opinion; the case goes up."""
    decision = {"action": "escalate", "opinion": "uphold", "reason": "已核对材料，确实缺少经营场所证明。"}
    return decided(case_id, task_id, "reviewer", REVIEWER, decision)


def refuse(case_id: str, task_id: str | None, tier: str = "decision_maker") -> Data:
    """The final refusal, with all that it must carry."""
    decision = {
        "action": "refuse",
        "legalBasis": [{"law": "《食品经营许可和备案管理办法》", "article": "第十五条"}],
        "explanation": "未提交经营场所证明，不符合许可条件。",
        "documentNumber": "测不受〔2026〕1号",
        "inPerson": {"required": False},
    }
    return decided(case_id, task_id, tier, DECIDER if tier == "decision_maker" else CLERK, decision)


def accept(case_id: str, task_id: str | None, tier: str = "reviewer") -> Data:
    """A yes."""
    return decided(case_id, task_id, tier, REVIEWER, {"action": "accept", "note": "材料可以在受理后补交。"})


def decided(case_id: str, task_id: str | None, tier: str, actor: Data, decision: Data) -> Data:
    """What an official of a tier does."""
    named = {} if task_id is None else {"taskId": task_id}
    return {"caseId": case_id, **named, "tier": tier, "actor": actor, "decision": decision}


def delivered(case_id: str, reply_id: str) -> Data:
    """The applicant has been told."""
    return {"caseId": case_id, "replyId": reply_id, "actor": CLERK, "channel": "sms", "deliveredAt": now()}


def as_json(data: Any) -> bytes:
    """The data as a message's value."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def event_headers(event_type: str | None, event_id: str | None) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0, binary mode; what is None is left out."""
    headers = [("ce_specversion", b"1.0"), ("ce_source", b"/tests"), ("content-type", b"application/json")]
    if event_id is not None:
        headers.append(("ce_id", event_id.encode()))
    if event_type is not None:
        headers.append(("ce_type", event_type.encode()))
    return headers


@dataclass(frozen=True, slots=True)
class Heard:
    """One record that a party read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    id: str
    type: str
    data: Data

    @property
    def rejection(self) -> Data:
        """Why, where it is a rejection."""
        found: Data = self.data["rejection"]
        return found


class Party:
    """One party: says what it wants where it may, and hears what stands on its own topics from now on.

    `also` are topics beside its own that it reads; `client` is how it connects, where that takes more than an address.
    """

    def __init__(self, bootstrap: str, prefix: str, name: str, also: tuple[str, ...] = (), **client: Any) -> None:
        self._client = {"bootstrap_servers": bootstrap, **client}
        self._also = also
        self._prefix = prefix
        self.name = name
        self.heard: list[Heard] = []

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(**self._client, max_request_size=64 * 1024 * 1024)
        await self._producer.start()
        self._consumer = AIOKafkaConsumer(
            **self._client,
            isolation_level="read_committed",
            enable_auto_commit=False,
            max_partition_fetch_bytes=8 * 1024 * 1024,
        )
        await self._consumer.start()
        cluster = await self._consumer._client.fetch_all_metadata()
        mine = [topic for topic in cluster.topics() if self._reads(topic)]
        self._consumer.assign(
            [TopicPartition(topic, part) for topic in mine for part in cluster.partitions_for_topic(topic)]
        )
        await self._consumer.seek_to_end()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._producer.stop()

    def _reads(self, topic: str) -> bool:
        written = (
            "window.refusals",
            "tier.decisions",
            "committee.instructions",
            "consultation.replies",
            "government.decisions",
        )
        if not topic.startswith(self._prefix) or topic[len(self._prefix) :].startswith(written):
            return False
        filings = self.name == "committee" and topic.startswith(f"{self._prefix}committee.filings.")
        return filings or topic in self._also or topic.endswith(f".{self.name}")

    async def say(
        self, event_type: str, data: Data, *, event_id: str | None = None, family: str | None = None
    ) -> RecordMetadata:
        """A proper message; its case is the key, its topic follows from its type."""
        case_id = data["caseId"] if "caseId" in data else case_of(data)
        if family is None:
            official = event_type == "tier.decided" and data["tier"] != "clerk"
            family = "tier.decisions" if official else "window.refusals"
        event_id = event_id or f"{self.name}.{next(NUMBERS)}"
        return await self.write(family, case_id.encode(), as_json(data), event_headers(event_type, event_id))

    async def write(self, family: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> RecordMetadata:
        """Any bytes onto the party's topic of a family."""
        return await self.write_to(f"{self._prefix}{family}.{self.name}", key, value, headers)

    async def write_to(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()
    ) -> RecordMetadata:
        """Any bytes anywhere."""
        return await self._producer.send_and_wait(topic, key=key, value=value, headers=headers)

    async def hear(self, wanted: Callable[[Heard], bool], seconds: float = HEAR_SECONDS) -> Heard:
        """The first such record, among those heard already or still to come."""
        for heard in self.heard:
            if wanted(heard):
                return heard
        async with asyncio.timeout(seconds):
            while True:
                record = await self._consumer.getone()
                headers = dict(record.headers)
                heard = Heard(
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    key=record.key,
                    id=headers["ce_id"].decode(),
                    type=headers["ce_type"].decode(),
                    data=json.loads(record.value),
                )
                self.heard.append(heard)
                if wanted(heard):
                    return heard

    async def answer_to(self, sent: RecordMetadata) -> Heard:
        """What came back for a record: rejected or repeated."""
        return await self.hear(lambda heard: is_answer(heard, sent))

    async def task(self, case_id: str, tier: str) -> Heard:
        """The task that a case opened for a tier."""
        return await self.hear(
            lambda heard: heard.type == "task.opened" and heard.data["caseId"] == case_id and heard.data["tier"] == tier
        )

    async def tail(self, case_id: str) -> Heard:
        """The case's tail filing."""
        return await self.hear(lambda heard: heard.type == "filing.tail" and heard.data["caseId"] == case_id)


async def refused(bootstrap: str, prefix: str, opening: Data) -> Heard:
    """A case goes the whole way, from its opening to a refusal properly made; its tail filing."""
    case_id = case_of(opening)
    async with (
        Party(bootstrap, prefix, "windows") as windows,
        Party(bootstrap, prefix, "bureau") as bureau,
        Party(bootstrap, prefix, "committee") as committee,
    ):
        await windows.say("refusal.proposed", opening)
        review = await bureau.task(case_id, "reviewer")
        await bureau.say("tier.decided", escalate(case_id, review.data["taskId"]))
        decision = await bureau.task(case_id, "decision_maker")
        await bureau.say("tier.decided", refuse(case_id, decision.data["taskId"]))
        return await committee.tail(case_id)


def is_answer(heard: Heard, sent: RecordMetadata) -> bool:
    """Whether it names that record as what it answers."""
    source = heard.data.get("source", {})
    place = (source.get("topic"), source.get("partition"), source.get("offset"))
    return heard.topic.rsplit(".", 2)[-2] == "rejections" and place == (sent.topic, sent.partition, sent.offset)
