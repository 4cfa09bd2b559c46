"""One head and one tail a case, and every step between them to be followed (R30 to R33)."""

import pytest

from router.case import Case
from router.evolve import evolve
from topics.events import Event
from topics.outbound import HeadFiling, TailFiling, TierTask
from topics.registry import FAMILIES, Family

from . import world
from .specification import Specification


@pytest.mark.rule("R32")
def test_a_case_has_one_head_and_one_tail_whatever_repeats() -> None:
    """Every command of the straight path comes twice, and once more after the end."""
    spec = Specification()
    heads = tails = 0
    propose, review = world.proposed(), world.by_reviewer(world.escalate(), "ORG1-0001.1.review")
    uphold = world.by_decider(world.refuse(), "ORG1-0001.2.decide")
    for message in (propose, propose, review, review, propose, uphold, uphold, review, propose):
        spec.when(message)
        heads += len(spec.sent(HeadFiling))
        tails += len(spec.sent(TailFiling))

    assert (heads, tails) == (1, 1)


@pytest.mark.rule("R33")
def test_a_case_can_be_rebuilt_from_its_events_alone() -> None:
    """What the committee follows is what there is: versions without a hole."""
    spec = Specification()
    told: list[Event] = []
    for message in (world.proposed(reason=None), world.supplied(reason="未签字。"), world.instructed()):
        told += spec.given(message).events
    told += spec.given(world.by_reviewer(world.escalate(), spec.task("review"))).events
    told += spec.clock(world.shanghai("2026-11-26T17:00")).events
    told += spec.given(world.by_decider(world.refuse(), spec.task("decide"))).events
    rebuilt: Case | None = None
    for event in told:
        rebuilt = evolve(rebuilt, world.CASE, event)

    assert spec.state == rebuilt
    assert len(told) == spec.state.version


@pytest.mark.rule("R30")
def test_an_incomplete_proposal_is_filed_too() -> None:
    """The head says what the window still owes."""
    spec = Specification().when(world.proposed(reason=None, guidance=None))

    assert [head.lacking for head in spec.sent(HeadFiling)] == [("reason", "guidance.missing")]
    assert "窗口尚需补充：否决理由、一次性告知：全部需补正内容及改进方法。" in spec.sent(HeadFiling)[0].text


@pytest.mark.rule("R31")
def test_the_tail_tells_how_long_it_took() -> None:
    """In working time, from the asking to the receipt of the decision."""
    spec = Specification().escalated()
    spec.when(world.by_decider(world.refuse(), spec.task("decide")), at=world.shanghai("2026-11-24T14:00"))

    assert [tail.working_seconds for tail in spec.sent(TailFiling)] == [(2 + 0.5) * 3600]
    assert "在时限内办结。" in spec.sent(TailFiling)[0].text


def test_filings_go_to_the_committees_centre_and_tasks_to_the_tiers_party() -> None:
    """Where the window is, and who speaks for the tier."""
    spec = Specification().when(world.proposed(reason=None))

    assert [(message.family, message.owner) for message in spec.messages] == [
        (Family.COMMITTEE_FILINGS, "hall"),
        (Family.TIER_TASKS, "bureau"),
        (Family.TIER_TASKS, "windows"),
    ]
    assert {"windows", "bureau"} == set(spec.to(TierTask))


def test_a_message_belongs_to_its_family() -> None:
    """The registry knows every model that rendering uses."""
    spec = Specification().refused()

    assert [said for said in spec.messages if type(said.body) not in FAMILIES[said.family].models] == []
