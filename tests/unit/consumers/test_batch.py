"""What a lane makes of timers and commands when the calendar has changed and its cases have not been worked out again yet."""

from datetime import datetime, timedelta

import pytest

from consumers.batch import Batch
from consumers.clock import Clock
from consumers.contents import CalendarContent, Content, Reference, References
from consumers.delivered import Delivered
from consumers.loading import Loaded
from consumers.results import Head
from consumers.settings import Settings
from deadlines import Centre
from router.case import Case
from router.context import Command, Context
from router.decide import decide
from router.evolve import evolve
from router.policy import DEFAULT_POLICY
from topics.command import CommandRecord
from topics.events import Rejection
from topics.inbound import Inbound
from topics.parts import Source
from topics.vocabulary import LimitKind

from ..router import world

CLOSING = world.shanghai("2026-11-25T17:00")
"""When the case's limit ends by the calendar that it was opened by."""
CLOSED_ON_THE_25TH = Centre.model_validate(
    {"centre": world.CENTRE, "closed": [{"days": "2026-11-25", "reason": "检修"}]}
)


def references(*calendars: CalendarContent) -> tuple[References, list[Reference]]:
    """The sets of reference data with each of these calendars."""
    known = References(Settings(topic_prefix="", lanes=1))
    for content in (Content.of(world.DIRECTORY), Content.of(DEFAULT_POLICY), *map(Content.of, calendars)):
        known.add(content)
    first = Reference.assemble(world.DIRECTORY, DEFAULT_POLICY, calendars[0], known._names, 1)
    return known, [known.made(first.versions._replace(calendar=calendar.version)) for calendar in calendars]


def opened(reference: Reference) -> Case:
    """A case by these reference data, on the Tuesday morning."""
    context = Context(world.MORNING, reference.directory, reference.policy, reference.working_time, {})
    events = decide(None, Command(world.CASE, world.proposed(), world.MORNING, "windows"), context)
    assert not isinstance(events, Rejection)
    return evolve(None, world.CASE, events[0])


def batch(case: Case, known: References, reference: Reference, now: datetime) -> Batch:
    """A batch of the only lane, to which the case is due."""
    loaded = Loaded(now, {case.case_id: case}, {}, {}, {}, due=[case])
    return Batch(Head(0, 1, b""), loaded, now, Clock(), known, reference.versions, 60)


def fired(case: Case, known: References, reference: Reference, now: datetime) -> Batch:
    """What came of its due timers."""
    made = batch(case, known, reference, now)
    for _ in made.fire([case], now):
        pass
    return made


def delivered(message: Inbound, party: str, received_at: datetime) -> Delivered:
    """A command as the lane gets it."""
    topic = f"tier.decisions.{party}"
    source = Source(topic=topic, partition=0, offset=0, broker_time=received_at)
    record = CommandRecord(
        kind="said", source=source, party=party, id="1", type=message.TYPE, case_id=world.CASE, fingerprint="f"
    )
    return Delivered(0, record, message.wire())


@pytest.mark.rule("R26")
def test_limit_is_worked_out_again_before_it_fires() -> None:
    """The centre was declared closed on the day that the limit ended: no card by the old calendar, however early its timer."""
    shipped = CalendarContent.shipped()
    known, (before, after) = references(shipped, shipped.with_file(CLOSED_ON_THE_25TH))
    case = opened(before)

    by_the_old = fired(case, known, before, CLOSING)
    by_the_new = fired(case, known, after, CLOSING)

    moved = by_the_new.results.cases[world.CASE].limit(LimitKind.APPROVAL)
    assert by_the_old.results.facts["card.given"] == 2
    assert "card.given" not in by_the_new.results.facts
    assert by_the_new.results.facts["limits.moved"] == 1
    assert moved is not None
    assert moved.due_at == world.shanghai("2026-11-26T17:00")


@pytest.mark.rule("R26")
def test_limit_is_worked_out_again_before_a_command_is_decided() -> None:
    """An answer on that evening comes in time by the calendar in force, and no card is given first."""
    shipped = CalendarContent.shipped()
    known, (before, after) = references(shipped, shipped.with_file(CLOSED_ON_THE_25TH))
    case = opened(before)
    evening = CLOSING + timedelta(hours=1)
    acceptance = delivered(world.by_decider(world.accept()), "bureau", evening)

    late, in_time = batch(case, known, before, evening), batch(case, known, after, evening)
    late.take(acceptance)
    in_time.take(acceptance)

    assert late.results.facts["card.given"] == 2
    assert in_time.results.facts == {"limits.moved": 1, "tier.passed": 1, "case.decided": 1}
