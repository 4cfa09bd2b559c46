"""Proof of no veto: no sequence of inputs makes a final refusal without the chain, nor talks an applicant away.

The walk (`walk.py`) visits every state of a small world. Then one guard at a time is taken away, and the walk must find the
shortest way through the gap: what could not fail would prove nothing.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from router import acts, clerk, clock, closing, decide, evolve, policy, refusing, supervising, tasks, tier
from router.case import Case, Review
from topics.events import CaseDecided, CaseReturned
from topics.inbound import CaseWithdrawn, Guide, Refuse
from topics.record import changed
from topics.vocabulary import Outcome, RequestKind, ReviewerOpinion, Situation, StageName, Tier

from ..unit.router import world
from . import mechanism
from .walk import Broken, Walked, stage_names, visited, walk


@pytest.mark.rule("R01")
@pytest.mark.rule("R02")
@pytest.mark.rule("R03")
@pytest.mark.rule("R05")
@pytest.mark.rule("R07")
@pytest.mark.rule("R09")
@pytest.mark.rule("R13")
@pytest.mark.rule("R24")
@pytest.mark.rule("R32")
@pytest.mark.parametrize("kind", list(RequestKind))
@pytest.mark.parametrize("unit", [world.BUREAU, world.SMALL])
def test_no_sequence_of_inputs_is_a_veto(
    unit: str, kind: RequestKind, record_property: Callable[[str, str], None]
) -> None:
    """In every state that can be reached, with one side path at a time, every end is one that the opinion allows."""
    walked = visited(unit, kind)

    record_property("visited", _figures(unit, kind, walked))
    assert stage_names(walked) == set(StageName) - ({StageName.AT_REVIEWER} if unit == world.SMALL else set())


def _figures(unit: str, kind: RequestKind, walked: Walked) -> str:
    return (
        f"no veto: {unit}, {kind}: {len(walked.nodes):,} states, {walked.transitions:,} transitions, "
        f"{walked.inputs:,} inputs tried"
    )


@pytest.mark.parametrize("language", list(mechanism.PAGES))
def test_the_page_on_the_mechanism_shows_what_the_code_does(language: str) -> None:
    """The diagram is the walk's, the powers and periods are those that decide (`python -m tests.property.mechanism`)."""
    page = mechanism.PAGES[language].read_text(encoding="utf-8")

    for name, part in mechanism.parts(language).items():
        assert part == mechanism.shown(page, name)


# The guards, one taken away at a time, and the shortest way through each gap.

Patch = Callable[[pytest.MonkeyPatch], None]


def _instead(patch: pytest.MonkeyPatch, table: dict[Any, Any], kind: type[Any], meaning: Callable[..., Any]) -> None:
    patch.setitem(table, kind, meaning)


def _without_reviewer_opinion(patch: pytest.MonkeyPatch) -> None:
    whole = refusing.refusal_problem
    anybody = Review(by=world.REVIEWER, opinion=ReviewerOpinion.UPHOLD, reason="x")

    def guardless(case: Case, decision: Refuse) -> Any:
        return whole(changed(case, {"review": anybody}), decision)

    patch.setattr(acts, "refusal_problem", guardless)


def _without_legal_basis(patch: pytest.MonkeyPatch) -> None:
    whole = refusing.refusal_problem
    patch.setattr(
        acts,
        "refusal_problem",
        lambda case, decision: whole(case, decision.model_copy(update={"legal_basis": world.BASIS})),
    )


def _without_explanation(patch: pytest.MonkeyPatch) -> None:
    whole = refusing.refusal_problem
    patch.setattr(
        acts,
        "refusal_problem",
        lambda case, decision: whole(case, decision.model_copy(update={"explanation": "x"})),
    )


def _without_different_persons(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tier, "same_person", lambda *_, **__: None)


def _with_a_clerk_who_checks_withdrawals(patch: pytest.MonkeyPatch) -> None:
    powers = {**policy.POWERS, Tier.CLERK: policy.POWERS[Tier.CLERK] | {"confirm_withdrawal"}}
    patch.setattr(policy, "POWERS", MappingProxyType(powers))


def _with_a_reviewer_who_refuses(patch: pytest.MonkeyPatch) -> None:
    powers = {**policy.POWERS, Tier.REVIEWER: policy.POWERS[Tier.REVIEWER] | {"refuse"}}
    patch.setattr(policy, "POWERS", MappingProxyType(powers))
    _without_reviewer_opinion(patch)


def _without_confirmation_of_a_withdrawal(patch: pytest.MonkeyPatch) -> None:
    whole = closing.decided

    def ended(case: Case, message: Any, command: Any, context: Any) -> Any:
        return whole(
            case,
            Outcome.WITHDRAWN,
            message.actor,
            command,
            context,
            tier=Tier.CLERK,
            reason=message.reason,
            confirmation=message.confirmation,
        )

    _instead(patch, decide.IN_A_CASE, CaseWithdrawn, ended)


def _without_the_check_of_who_checks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tier, "HARMLESS", policy.HARMLESS | {"confirm_withdrawal"})


def _with_a_grey_area_guided(patch: pytest.MonkeyPatch) -> None:
    whole = acts.MEANINGS[Guide]

    def guided(act: acts.Act, decision: Guide) -> Any:
        case = changed(act.case, {"situation": Situation.CONDITIONS_NOT_MET})
        return whole(act._replace(case=case), decision)

    _instead(patch, acts.MEANINGS, Guide, guided)


def _with_a_grey_area_renamed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(clerk, "_situation_settled", lambda *_: None)


def _with_a_government_that_needs_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(supervising, "refusal_problem", lambda *_: None)


def _with_a_clock_that_refuses(patch: pytest.MonkeyPatch) -> None:
    def refused(case: Case, timer: Any, context: Any) -> Any:
        return CaseDecided(
            at=context.now, outcome=Outcome.REFUSED, reply_id=f"{case.case_id}.0.reply", received_at=context.now
        )

    patch.setattr(clock, "_pass_reviewer", refused)


def _with_an_opinion_that_survives_its_return(patch: pytest.MonkeyPatch) -> None:
    whole = evolve.CHANGES[CaseReturned]
    _instead(patch, evolve.CHANGES, CaseReturned, lambda case, event: {**whole(case, event), "review": case.review})


PROPOSED = "clerk proposes (out_of_scope)"
CONDITIONS = "clerk proposes (conditions_not_met)"
UPHELD = "reviewer (陈宁) upholds"
REPORTED, UNPROVED = "a refusal is reported", "clerk says withdrawn, without proof"
NO_VETO = "R01: no end without a yes that a clerk brought about without the applicant's confirmation"
NO_OPINION = "R02: no refusal without a reviewer's opinion"
NOT_GUIDED = "R13: a grey area is never guided away"

GUARDS: list[tuple[Patch, str, list[str]]] = [
    (_without_reviewer_opinion, NO_OPINION, [PROPOSED, "reviewer_budget red", "decision_maker (郑远) refuses"]),
    (
        _without_legal_basis,
        "R03: no refusal without a legal basis",
        [CONDITIONS, UPHELD, "decision_maker (郑远) refuses without a legal basis"],
    ),
    (
        _without_explanation,
        "R03: no refusal without an explanation",
        [CONDITIONS, UPHELD, "decision_maker (郑远) refuses without an explanation"],
    ),
    (_without_different_persons, NO_VETO, [REPORTED, UNPROVED, "reviewer (林晓) confirms the withdrawal"]),
    (_without_the_check_of_who_checks, NO_VETO, [REPORTED, UNPROVED, "reviewer (林晓) confirms the withdrawal"]),
    (_with_a_clerk_who_checks_withdrawals, NO_VETO, [REPORTED, UNPROVED, "clerk (吴敏) confirms the withdrawal"]),
    (_without_confirmation_of_a_withdrawal, NO_VETO, [REPORTED, UNPROVED]),
    (_with_a_reviewer_who_refuses, NO_OPINION, [PROPOSED, "reviewer (陈宁) refuses"]),
    (_with_a_grey_area_guided, NOT_GUIDED, ["clerk proposes (grey_area)", "clerk (林晓) guides on conditions"]),
    (
        _with_a_grey_area_renamed,
        NOT_GUIDED,
        [
            "clerk proposes (grey_area), nothing else said",
            "clerk supplies (out_of_scope)",
            "clerk (林晓) guides out of scope",
        ],
    ),
    (
        _with_a_government_that_needs_nothing,
        "R03: no refusal without a legal basis",
        [PROPOSED, UPHELD, "decision_maker (郑远) refers it", "government (许宏) refuses without a legal basis"],
    ),
    (_with_a_clock_that_refuses, "R24: the clock alone never closes a case", [PROPOSED, "reviewer_budget red"]),
    (
        _with_an_opinion_that_survives_its_return,
        NO_OPINION,
        [PROPOSED, UPHELD, "decision_maker (郑远) returns it", "reviewer_budget red", "decision_maker (郑远) refuses"],
    ),
]


@pytest.mark.parametrize(("take_away", "rule", "way"), GUARDS, ids=[guard[0].__name__.strip("_") for guard in GUARDS])
def test_the_walk_finds_the_shortest_way_through_a_gap(
    take_away: Patch, rule: str, way: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One guard less, and the walk ends with the rule that it held and the fewest inputs that break it."""
    take_away(monkeypatch)

    with pytest.raises(Broken) as broken:
        walk((world.BUREAU,), (RequestKind.APPLICATION,), sides=1)
    assert (rule, way) == (broken.value.rule, broken.value.path)


@pytest.mark.rule("R32")
def test_the_walk_finds_a_state_from_which_no_refusal_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tier that has the case and no task for it: nobody is told, and nothing but a yes is left."""
    whole = tasks.next_decision
    monkeypatch.setattr(
        acts,
        "next_decision",
        lambda *given, **named: changed(whole(*given, **named), {"kind": "follow_up_supplements"}),
    )

    with pytest.raises(Broken, match="a refusal properly made is not cut off"):
        walk((world.BUREAU,), (RequestKind.APPLICATION,), sides=0)
