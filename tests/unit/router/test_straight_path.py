"""The straight path: proposed, reviewed, decided, told; a filing at both ends."""

import pytest

from topics.events import CaseDecided
from topics.outbound import ApplicantReply, HeadFiling, TailFiling, TierTask
from topics.vocabulary import Outcome, ReviewerOpinion, StageName, Tier

from . import world
from .specification import Specification


@pytest.mark.rule("R02")
@pytest.mark.rule("R30")
def test_a_proposal_starts_the_approval_and_files_the_head() -> None:
    """The committee is told at the same moment as the reviewer."""
    spec = Specification().when(world.proposed())

    assert spec.types == ["case.opened"]
    assert spec.at() == StageName.AT_REVIEWER
    assert spec.to(HeadFiling) == ["hall"]
    assert spec.to(TierTask) == ["bureau"]
    assert spec.sent(HeadFiling)[0].filed_at == spec.sent(TierTask)[0].opened_at


@pytest.mark.rule("R02")
def test_the_reviewers_opinion_takes_it_up() -> None:
    """The decision-maker's task carries the opinion."""
    spec = Specification().escalated()

    assert spec.types == ["case.escalated"]
    assert spec.at() == StageName.AT_DECISION_MAKER
    assert spec.sent(TierTask)[0].reviewer_opinion == ReviewerOpinion.UPHOLD


@pytest.mark.rule("R02")
@pytest.mark.rule("R31")
def test_only_the_decision_maker_makes_it_final() -> None:
    """The refusal ends the case, files the tail and answers the applicant."""
    spec = Specification().refused()

    assert spec.types == ["case.decided"]
    assert spec.sent(TailFiling)[0].outcome == Outcome.REFUSED
    assert spec.to(TailFiling) == ["hall"]
    assert spec.to(ApplicantReply) == ["windows"]


@pytest.mark.rule("R31")
@pytest.mark.parametrize("tier", list(Tier))
def test_any_tier_may_say_yes_and_the_tail_is_filed(tier: Tier) -> None:
    """A yes ends the case at whatever tier it is said."""
    spec = Specification().opened().when(world.decided(tier, world.accept()))

    assert [event.outcome for event in spec.events if isinstance(event, CaseDecided)] == [Outcome.ACCEPTED]
    assert [tail.outcome_name for tail in spec.sent(TailFiling)] == ["予以受理"]


@pytest.mark.rule("R38")
def test_the_clerk_confirms_that_the_applicant_was_told() -> None:
    """Delivery ends what runs on after the decision."""
    spec = Specification().refused()
    spec.when(world.told(spec.reply, at=spec.now))

    assert spec.types == ["delivery.confirmed"]
    assert spec.state.replies[-1].delivered
    assert spec.state.limits == ()
