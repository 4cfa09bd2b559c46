"""A party says only what is its own: for its units, its tiers, its centre, on its topic."""

from typing import Any

import pytest

from router.authority import may_say
from router.context import Command
from router.decide import decide
from topics.directory import Directory
from topics.events import Rejection
from topics.inbound import Inbound
from topics.registry import Family
from topics.vocabulary import Tier

from . import world
from .specification import Specification, small_unit

W, T = Family.WINDOW_REFUSALS, Family.TIER_DECISIONS


@pytest.mark.parametrize(
    ("party", "family", "message"),
    [
        ("windows", W, world.proposed()),
        ("windows", W, world.supplied()),
        ("windows", W, world.guidance_given()),
        ("windows", W, world.by_clerk(world.accept())),
        ("windows", W, world.withdrawn()),
        ("windows", W, world.told("ORG1-0001.1.reply")),
        ("windows", W, world.supplements_received()),
        ("desk", W, world.reported()),
        ("committee", Family.COMMITTEE_INSTRUCTIONS, world.reported()),
        ("committee", Family.COMMITTEE_INSTRUCTIONS, world.instructed()),
        ("bureau", T, world.by_reviewer(world.escalate())),
        ("bureau", T, world.by_decider(world.refuse())),
        ("water", Family.CONSULTATION_REPLIES, world.replied("ORG1-0001.2.ask1")),
        ("government", Family.GOVERNMENT_DECISIONS, world.ruled("ORG1-0001.2.referral", world.accept())),
    ],
)
def test_a_party_says_what_is_its_own(party: str, family: Family, message: Inbound) -> None:
    """The directory gives it the right."""
    assert None is may_say(world.DIRECTORY, party, family, message)


@pytest.mark.rule("R01")
@pytest.mark.parametrize(
    ("party", "family", "message", "code"),
    [
        ("stranger", W, world.proposed(), "party_may_not"),
        ("bureau", W, world.proposed(), "party_may_not"),
        ("windows", W, world.proposed(org_code="ORG9"), "unknown_unit"),
        ("windows", W, world.proposed(org_code=world.WATER), "unknown_unit"),
        ("windows", W, world.by_decider(world.refuse()), "party_may_not"),
        ("windows", W, world.by_reviewer(world.escalate()), "party_may_not"),
        ("windows", T, world.by_decider(world.refuse()), "party_may_not"),
        ("bureau", W, world.by_decider(world.refuse()), "party_may_not"),
        ("windows", W, world.reported(), "party_may_not"),
        ("desk", W, world.proposed(), "party_may_not"),
        ("small", T, world.by_decider(world.refuse()), "party_may_not"),
        ("committee", Family.COMMITTEE_INSTRUCTIONS, world.by_decider(world.refuse()), "unknown_type"),
        ("bureau", Family.COMMITTEE_INSTRUCTIONS, world.instructed(), "party_may_not"),
        ("fire", Family.CONSULTATION_REPLIES, world.replied("ORG1-0001.2.ask1"), "party_may_not"),
        ("bureau", Family.GOVERNMENT_DECISIONS, world.ruled("ORG1-0001.2.referral", world.accept()), "party_may_not"),
    ],
)
def test_a_party_does_not_say_what_is_anothers(party: str, family: Family, message: Inbound, code: str) -> None:
    """Least of all does a window's system decide."""
    rejection = may_say(world.DIRECTORY, party, family, message)

    assert code == (rejection and rejection.code)


def test_a_command_about_an_unknown_case_may_come_again() -> None:
    """Its refusal may still be on the way."""
    result = decide(None, Command(world.CASE, world.withdrawn(), world.MORNING), world.context())

    assert isinstance(result, Rejection)
    assert (result.code, result.retryable) == ("unknown_case", True)


def test_a_unit_that_left_the_directory_cannot_act() -> None:
    """Nor can a refusal be proposed for it; an unproved withdrawal has nobody to check it."""
    spec = Specification().opened(reason=None)
    kept: dict[str, Any] = world.DIRECTORY.model_dump()
    kept["units"] = [unit for unit in kept["units"] if unit["org_code"] != world.BUREAU]
    kept["parties"] = [party for party in kept["parties"] if party["id"] != "bureau"]
    kept["parties"][0]["speaks_for"][0]["units"] = [world.SMALL]
    directory = Directory.model_validate(kept)
    spec.make_context = lambda now: world.context(now, directory=directory)

    assert spec.when(world.by_reviewer(world.accept())).code == "unknown_unit"
    assert spec.when(world.supplied(reason="未签字。")).code == "unknown_unit"
    assert spec.when(world.withdrawn(None)).code == "confirmation_missing"
    spec.clock(world.shanghai("2026-11-26T17:00"))
    assert spec.state.open
    reported = Specification(make_context=spec.make_context)
    assert reported.when(world.reported()).code == "unknown_unit"
    assert None is spec.when(world.withdrawn()).code


def test_a_reported_refusal_waits_with_its_clerk_when_its_unit_leaves() -> None:
    """The clock moves it on, to a tier that comes back with its unit."""
    spec = Specification().given(world.reported())
    kept: dict[str, Any] = world.DIRECTORY.model_dump()
    kept["units"] = [unit for unit in kept["units"] if unit["org_code"] != world.BUREAU]
    kept["parties"] = [party for party in kept["parties"] if party["id"] != "bureau"]
    kept["parties"][0]["speaks_for"][0]["units"] = [world.SMALL]
    directory = Directory.model_validate(kept)
    spec.make_context = lambda now: world.context(now, directory=directory)
    spec.clock(world.shanghai("2026-11-24T16:00"))

    assert spec.state.holder == Tier.REVIEWER


def test_small_and_large_units_share_their_windows_system() -> None:
    """One party speaks for the clerks of both."""
    spec = small_unit().when(world.proposed(org_code=world.SMALL))

    assert None is spec.code
    assert Specification().opened().when(world.by_reviewer(world.confirm_withdrawal())).code == "withdrawal_not_asked"


def test_a_reply_is_delivered_once_and_only_if_there_is_one() -> None:
    """An unknown or a delivered reply changes nothing."""
    spec = Specification().refused()

    assert spec.when(world.told("ORG1-0001.99.reply")).code == "unknown_reply"
    spec.given(world.told(spec.reply, at=spec.now))
    assert spec.when(world.told(spec.reply, at=spec.now)).code == "already_delivered"
