"""Limits come due on the real stack: each card once, at its time, whatever dies or is late in between."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..parties import Data, Party, accept, as_json, case_of, event_headers
from ..support import Router, Worker
from ..timing import Time, at, events, eventually, opening, value
from ..timing import case_of as case_in
from .test_calendar_reload import assert_whole, propose

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

YESTERDAY = at("2026-11-24T16:00").isoformat()
CLOSING = at("2026-11-25T17:00")
"""When the limit of what was asked yesterday ends."""
RED = ("approval", "red")


def asked_yesterday(time: Time, refusal_id: str | None = None) -> Data:
    """A refusal that was asked yesterday and comes only now: its limit ends today at closing time."""
    return {**opening(time, refusal_id), "askedAt": YESTERDAY}


class Hall:
    """A router whose workers come and go, and whose clock shows closing time so many real seconds from its making."""

    def __init__(self, router: Router, time: Time) -> None:
        self.router = router
        self.time = time
        self.workers: list[Worker] = []

    async def worker(self, *stages: str, time: Time | None = None, **settings: Any) -> Worker:
        """A worker that is ready; `time` where its clock is set otherwise."""
        name = f"{self.router.name}-{'-'.join(stages) or 'all'}"
        worker = self.router.worker(name, stages, **{**(time or self.time).settings, **settings})
        self.workers.append(worker)
        return await worker.ready()

    async def cards(self) -> Counter[tuple[str, str, str]]:
        """How often each card was given, by case, limit and colour."""
        given = await events(self.router, "card.given")
        return Counter((fact["caseId"], fact["limit"], fact["card"]) for fact in given)

    async def reds(self) -> int:
        """How many cases' limits were breached, by their cards."""
        return sum(key[1:] == RED for key in await self.cards())

    def close(self) -> None:
        """Stop what still runs."""
        for worker in self.workers:
            if worker.process.alive:
                worker.stop()


@contextlib.asynccontextmanager
async def hall_of(
    stack: LocalStack, supervisor: Supervisor, folder: Any, name: str, speed: float, closing_in: float
) -> AsyncIterator[Hall]:
    """A hall with topics and schema, no worker yet."""
    router = Router(stack, supervisor, folder, name)
    await router.prepare()
    time = Time.beginning("2026-11-25T17:00", speed, closing_in)
    hall = Hall(router, time)
    try:
        yield hall
    finally:
        hall.close()


async def say(hall: Hall, party: str, event_type: str, data: Data) -> datetime:
    """Say it; when the broker received it, by the router's clock."""
    async with Party(hall.router.stack.bootstrap, hall.router.prefix, party) as who:
        sent = await who.say(event_type, data)
    return hall.time.of(datetime.fromtimestamp(sent.timestamp / 1000, UTC))


async def alerts_of(hall: Hall, party: str) -> Counter[str]:
    """The ids of all alerts that a party can read."""
    from aiokafka import AIOKafkaConsumer, TopicPartition

    topic = f"{hall.router.prefix}deadline.alerts.{party}"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=hall.router.stack.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, lane) for lane in range(hall.router.settings.lanes)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        ids: Counter[str] = Counter()
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                ids.update(dict(record.headers)["ce_id"].decode() for record in records)
        return ids
    finally:
        await consumer.stop()


@pytest.mark.rule("R27")
@pytest.mark.rule("R24")
async def test_killed_between_due_and_fired(stack: LocalStack, supervisor: Supervisor, folder: Any) -> None:
    """Kill -9 when the limits come due and again while they fire: each card once, in due order, both times recorded."""
    async with hall_of(stack, supervisor, folder, "killed", speed=20, closing_in=30) as hall:
        worker = await hall.worker()
        cases = [asked_yesterday(hall.time, f"k{number}") for number in range(1000)]
        await propose(hall.router, cases)
        await hall.time.until(CLOSING)
        worker.kill()
        fired_before = await hall.reds()
        await asyncio.sleep(1)
        worker.start()

        async def fires() -> bool:
            return await hall.reds() > fired_before

        await eventually(fires, 60)
        worker.kill()
        fired_midway = await hall.reds()
        worker.start()
        await worker.ready()

        async def all_fired() -> bool:
            return await hall.reds() == len(cases)

        await eventually(all_fired, 60)
        await hall.router.settled()
        given = await events(hall.router, "card.given")

        assert fired_before < fired_midway < len(cases)
        assert {1} == set((await hall.cards()).values())
        by_lane: dict[int, list[Data]] = {}
        for fact in given:
            by_lane.setdefault(fact["lane"], []).append(fact)
            assert fact["at"] >= fact["fellDueAt"]
        for facts in by_lane.values():
            assert all(a["fellDueAt"] <= b["fellDueAt"] for a, b in pairwise(facts))
        for party in ("bureau", "committee"):
            assert {1} == set((await alerts_of(hall, party)).values())
        await assert_whole(hall.router)


@pytest.mark.rule("R27")
async def test_clock_steps_backward_and_forward_by_an_hour(
    stack: LocalStack, supervisor: Supervisor, folder: Any
) -> None:
    """Set forward, limits end; set back, the lane's time stands still and nothing is undone or told again."""
    async with hall_of(stack, supervisor, folder, "steps", speed=1, closing_in=1800) as hall:
        worker = await hall.worker()
        cases = [asked_yesterday(hall.time, f"s{number}") for number in range(20)]
        await propose(hall.router, cases)
        worker.stop()

        assert 0 == await hall.reds()

        forward = hall.time.stepped(timedelta(hours=1))
        worker = await hall.worker(time=forward)

        async def all_fired() -> bool:
            return await hall.reds() == len(cases)

        await eventually(all_fired)
        worker.stop()
        worker = await hall.worker(time=hall.time)
        later = [asked_yesterday(hall.time, f"b{number}") for number in range(20)]
        await propose(hall.router, later)
        await say(hall, "bureau", "tier.decided", accept(case_of(later[0]), None))

        async def decided() -> bool:
            return bool(await events(hall.router, "case.decided", case_of(later[0])))

        await eventually(decided)
        worker.stop()
        worker = await hall.worker(time=forward)
        await asyncio.sleep(2)
        await hall.router.settled()

        assert {1} == set((await hall.cards()).values())
        last: dict[int, str] = {}
        for fact in await events(hall.router):
            assert last.get(fact["lane"], "") <= fact["at"]
            last[fact["lane"]] = fact["at"]
        await assert_whole(hall.router)


@pytest.mark.rule("R27")
async def test_database_away_when_limits_come_due(stack: LocalStack, supervisor: Supervisor, folder: Any) -> None:
    """The database takes no connections over the due time: afterwards each card is given once, late and not behind."""
    async with hall_of(stack, supervisor, folder, "outage", speed=20, closing_in=25) as hall:
        await hall.worker(most_lag_seconds=4)
        cases = [asked_yesterday(hall.time, f"d{number}") for number in range(50)]
        await propose(hall.router, cases)
        await hall.time.until(CLOSING - timedelta(seconds=20))
        async with hall.router.database_away():
            await hall.time.until(CLOSING + timedelta(seconds=140))
            decided_at = await say(hall, "bureau", "tier.decided", accept(case_of(cases[0]), None))

        async def all_fired() -> bool:
            return await hall.reds() == len(cases)

        await eventually(all_fired, 60)
        given = [fact for fact in await events(hall.router, "card.given") if fact["card"] == "red"]

        assert decided_at > CLOSING
        assert {1} == set((await hall.cards()).values())
        assert [] == [fact for fact in given if fact.get("routerBehind")]
        assert min(datetime.fromisoformat(fact["at"]) for fact in given) > CLOSING + timedelta(seconds=140)
        await assert_whole(hall.router)


@pytest.mark.rule("R29")
@pytest.mark.parametrize("left", [("intake",), ()], ids=["desk", "everything"])
async def test_decision_received_a_second_before_the_limit(
    left: tuple[str, ...], stack: LocalStack, supervisor: Supervisor, folder: Any
) -> None:
    """The desk, or the whole router, is away until a minute after the limit: the decision is in time, and no red card is given."""
    name = f"intime{len(left)}"
    async with hall_of(stack, supervisor, folder, name, speed=5, closing_in=40) as hall:
        worker = await hall.worker()
        case, other = asked_yesterday(hall.time), asked_yesterday(hall.time)
        await propose(hall.router, [case, other])
        worker.stop()
        if left:
            await hall.worker(*left)
        await hall.time.until(CLOSING - timedelta(seconds=1.5))
        received = await say(hall, "bureau", "tier.decided", accept(case_of(case), None))
        await hall.time.until(CLOSING + timedelta(seconds=60))
        await hall.worker(*(("desk", "relay") if left else ()), most_lag_seconds=5)

        async def decided() -> bool:
            return bool(await events(hall.router, "case.decided", case_of(case)))

        await eventually(decided)

        async def breached() -> bool:
            return bool((await hall.cards())[case_of(other), *RED])

        await eventually(breached)

        assert CLOSING - timedelta(seconds=3) < received <= CLOSING
        assert 0 == (await hall.cards())[case_of(case), *RED]
        assert [] == await events(hall.router, "card.corrected", case_of(case))
        await assert_whole(hall.router)


@pytest.mark.rule("R29")
async def test_card_of_a_router_that_is_behind_is_corrected(
    stack: LocalStack, supervisor: Supervisor, folder: Any
) -> None:
    """Intake is away for too long: the card says that the router is behind, and the decision in time takes it back."""
    async with hall_of(stack, supervisor, folder, "behind", speed=10, closing_in=30) as hall:
        worker = await hall.worker()
        case = asked_yesterday(hall.time)
        await propose(hall.router, [case])
        worker.stop()
        await hall.time.until(CLOSING - timedelta(seconds=5))
        received = await say(hall, "bureau", "tier.decided", accept(case_of(case), None))
        await hall.worker("desk", "relay", most_lag_seconds=3)

        async def carded() -> bool:
            return bool((await hall.cards())[case_of(case), *RED])

        await eventually(carded)
        given = [fact for fact in await events(hall.router, "card.given") if fact["card"] == "red"]

        assert received <= CLOSING
        assert [True] == [fact["routerBehind"] for fact in given if fact["limit"] == "approval"]

        await hall.worker("intake")

        async def corrected() -> bool:
            return bool(await events(hall.router, "card.corrected", case_of(case)))

        await eventually(corrected)
        found = await case_in(hall.router, case_of(case)) or {}

        assert "accepted" == found["stage"]["outcome"]
        assert [] == [card for card in found["cards"] if card["card"] == "red" and not card["corrected"]]
        await assert_whole(hall.router)


@pytest.mark.rule("R29")
async def test_party_that_writes_in_transactions_holds_no_limit_up(
    stack: LocalStack, supervisor: Supervisor, folder: Any
) -> None:
    """A transaction leaves a marker behind its records: intake has read all there is all the same."""
    async with hall_of(stack, supervisor, folder, "transacts", speed=20, closing_in=25) as hall:
        await hall.worker()
        case = asked_yesterday(hall.time)
        producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, transactional_id="windows")
        await producer.start()
        async with producer.transaction():
            await producer.send(
                f"{hall.router.prefix}window.refusals.windows",
                key=case_of(case).encode(),
                value=as_json(case),
                headers=event_headers("refusal.proposed", "transacted"),
            )
        await producer.stop()
        await hall.time.until(CLOSING)

        async def breached() -> bool:
            return bool((await hall.cards())[case_of(case), *RED])

        await eventually(breached, 20)
        given = await events(hall.router, "card.given", case_of(case))
        assert [] == [fact for fact in given if fact.get("routerBehind")]
        progress = await value(hall.router, "select min(until) from intake_progress")
        assert datetime.now(UTC) - progress < timedelta(seconds=10)
        assert json.loads(await value(hall.router, "select state from cases"))["caseId"] == case_of(case)
