"""Policy is data, in the strictest reading of the opinion: what would let a clerk or a reviewer refuse does not load."""

from typing import Any

import pytest
from pydantic import ValidationError

from router.policy import DEFAULT_POLICY, POWERS, Policy
from topics.directory import Directory, Unit, UnitPolicy
from topics.outbound import TailFiling
from topics.vocabulary import Outcome, Tier

from . import world
from .specification import Specification

NOS = ["refuse", "redirect", "require_supplements"]


@pytest.mark.rule("R01")
@pytest.mark.rule("R02")
@pytest.mark.parametrize("tier", [Tier.CLERK, Tier.REVIEWER])
def test_nobody_below_the_decision_maker_can_refuse(tier: Tier) -> None:
    """Neither by the table nor by anything that a policy may add."""
    assert "refuse" not in POWERS[tier]
    with pytest.raises(ValidationError, match="only the decision-maker can say no"):
        Policy(grant={tier: ("refuse",)})


@pytest.mark.rule("R01")
@pytest.mark.parametrize("act", [*NOS, "return", "escalate", "confirm_withdrawal", "refer", "declare"])
def test_nothing_can_be_granted_to_a_clerk(act: str) -> None:
    """The clerk has only the power to say yes."""
    with pytest.raises(ValidationError, match="grant"):
        Policy(grant={Tier.CLERK: (act,)})


@pytest.mark.rule("R02")
@pytest.mark.parametrize(
    "outcome", [outcome for outcome in Outcome if outcome not in ("redirected", "supplements_required")]
)
def test_a_directory_grants_a_reviewer_two_outcomes_at_most(outcome: Outcome) -> None:
    """Telling who handles it and what is missing; never a refusal."""
    with pytest.raises(ValidationError, match="reviewerMay"):
        UnitPolicy(reviewer_may=(outcome,))


@pytest.mark.rule("R02")
def test_a_directory_that_would_let_a_reviewer_refuse_does_not_load() -> None:
    """The whole of it is turned away, and the message names the field."""
    directory = world.DIRECTORY.model_dump(mode="json", by_alias=True)
    directory["units"][0]["policy"]["reviewerMay"] = ["refused"]

    with pytest.raises(ValidationError, match="reviewerMay"):
        Directory.model_validate(directory)


@pytest.mark.rule("R02")
def test_a_unit_without_a_reviewer_needs_the_committees_recorded_consent() -> None:
    """A directory in which nobody reviews, and nobody consented, does not load."""
    directory = world.DIRECTORY.model_dump(mode="json", by_alias=True)
    directory["parties"][1]["speaksFor"][0]["tiers"] = ["decision_maker"]

    with pytest.raises(ValidationError, match="0 parties speak for its reviewer"):
        Directory.model_validate(directory)
    with pytest.raises(ValidationError, match="document"):
        Unit.model_validate({**directory["units"][1], "withoutReviewer": {}})


@pytest.mark.rule("R20")
@pytest.mark.rule("R21")
@pytest.mark.rule("R23")
@pytest.mark.parametrize(
    "looser",
    [
        {"general_days": 2},
        {"special_days": 3},
        {"fast_response_days": 2},
        {"statutory_notice_days": 6},
        {"late_filing_minutes": 31},
        {"settled_share": 0.5},
    ],
)
def test_a_policy_may_be_stricter_than_the_opinion_and_never_looser(looser: dict[str, Any]) -> None:
    """One day, two days, one day, five days, half an hour: those are bounds."""
    with pytest.raises(ValidationError):
        Policy(**looser)


@pytest.mark.rule("R10")
@pytest.mark.rule("R11")
def test_what_a_unit_grants_its_reviewer_holds_for_that_unit() -> None:
    """The reviewer then tells who handles it, or what is missing, once and for all."""
    units = [unit.model_dump() for unit in world.DIRECTORY.units]
    units[0]["policy"]["reviewer_may"] = ["redirected", "supplements_required"]
    directory = Directory.model_validate({**world.DIRECTORY.model_dump(), "units": units})
    for decision in (world.redirect(), world.require_supplements()):
        spec = Specification(make_context=lambda now: world.context(now, directory=directory)).opened()
        spec.when(world.by_reviewer(decision, spec.task("review")))

        assert [tail.decided_at_tier for tail in spec.sent(TailFiling)] == [Tier.REVIEWER]


def test_the_policy_itself_may_grant_the_same_to_every_reviewer() -> None:
    """It is a default for all units."""
    policy = Policy(grant={Tier.REVIEWER: ("redirect",)})

    assert "redirect" in policy.powers(Tier.REVIEWER, world.DIRECTORY.units[0])
    assert "redirect" not in DEFAULT_POLICY.powers(Tier.REVIEWER, world.DIRECTORY.units[0])


def test_the_version_that_decides_is_named() -> None:
    """It stands in the journal."""
    versions = world.context().versions(world.CENTRE)

    assert (versions.directory, versions.policy) == ("test-1", "default-1")
