"""A case moving between the tiers: up with an opinion, back with a question, on without whoever did not act (R02, R24)."""

from typing import Any

from router.case import AtClerk, Case, Passing, Review, stage_of
from router.changes import tasks
from router.changes.people import joined
from router.timers import replaced, whole_limit, without
from topics.events import (
    CaseDeclared,
    CaseEscalated,
    CaseReturned,
    ProposalSupplied,
    TierPassed,
    TierRestored,
    WithdrawalAsked,
)
from topics.record import changed
from topics.vocabulary import LimitKind, MatterClass, Situation, Tier

CLERK = frozenset({Tier.CLERK})
ABOVE_THE_CLERK = frozenset({Tier.REVIEWER, Tier.DECISION_MAKER})

BUDGET_OF = {
    Tier.CLERK: LimitKind.CLERK_BUDGET,
    Tier.REVIEWER: LimitKind.REVIEWER_BUDGET,
    Tier.DECISION_MAKER: LimitKind.DECISION_MAKER_BUDGET,
}


def escalated(case: Case, event: CaseEscalated) -> dict[str, Any]:
    """The decision-maker has the case; what the clerk still owes stays asked, and the withdrawal unchecked."""
    return {
        **tasks.handed_on(case, event, ABOVE_THE_CLERK, event.by),
        # An opinion given after the case moved on (R24) leaves it where it is.
        "stage": case.stage if case.holder is Tier.DECISION_MAKER else stage_of(Tier.DECISION_MAKER, event.at),
        "review": Review(by=event.by, opinion=event.opinion, reason=event.reason),
        "reviewers": joined(case.reviewers, event.by),
        "limits": replaced(without(case.limits, LimitKind.REVIEWER_BUDGET), event.limits),
    }


def returned(case: Case, event: CaseReturned) -> dict[str, Any]:
    """One level back; an opinion that the decision-maker sent back is none any more (R02)."""
    by_reviewer = event.from_tier is Tier.REVIEWER
    to_clerk = event.to_tier is Tier.CLERK
    running = without(case.limits, LimitKind.CLERK_BUDGET, LimitKind.REVIEWER_BUDGET)
    return {
        **tasks.handed_on(case, event, ABOVE_THE_CLERK, event.by),
        "stage": AtClerk(since=event.at, back_to=event.from_tier) if to_clerk else stage_of(Tier.REVIEWER, event.at),
        "limits": replaced(running, event.limits),
        "reviewers": joined(case.reviewers, event.by) if by_reviewer else case.reviewers,
        "review": case.review if by_reviewer else None,
    }


def supplied(case: Case, event: ProposalSupplied) -> dict[str, Any]:
    """What the clerk said stands beside, or instead of, what was said before."""
    ended = [LimitKind.CLERK_BUDGET]
    if event.situation is Situation.OUT_OF_SCOPE:
        # What is not for this unit to accept cannot be deemed accepted by it (R28).
        ended.append(LimitKind.STATUTORY_NOTICE)
    changes = {
        **tasks.handed_on(case, event, CLERK, event.by),
        "situation": event.situation or case.situation,
        "ground_code": event.ground_code or case.ground_code,
        "reason": event.reason or case.reason,
        "legal_basis": event.legal_basis or case.legal_basis,
        "guidance": event.guidance or case.guidance,
        "lacking": event.lacking,
        "proposers": joined(case.proposers, event.by),
        "proposed_by": case.proposed_by or event.by,
        "first_asked": case.first_asked or event.first_asked,
        "limits": replaced(without(case.limits, *ended), event.limits),
    }
    if event.back_to is not None:
        changes["stage"] = stage_of(event.back_to, event.at)
    return changes


def passed(case: Case, event: TierPassed) -> dict[str, Any]:
    """The case is with the next tier, unless it was elsewhere already."""
    changes = {
        **tasks.handed_on(case, event, frozenset({event.tier}), None),
        "limits": replaced(without(case.limits, BUDGET_OF[event.tier]), event.limits),
        "passed_over": tuple(dict.fromkeys((*case.passed_over, event.tier))),
    }
    if event.tier is case.holder:
        changes["passing"] = _passing(case, event)
        changes["stage"] = stage_of(event.to_tier, event.at)
    return changes


def restored(case: Case, event: TierRestored) -> dict[str, Any]:
    """As it was before the tier was passed over; the task of whoever had the case meanwhile is needless."""
    if case.passing is None:
        raise ValueError(f"{case.case_id}: nobody was passed over")
    return {
        **tasks.handed_on(case, event, frozenset({case.holder}), None),
        "stage": case.passing.stage,
        "limits": replaced(case.limits, event.limits),
        "passed_over": case.passing.passed_over,
        "passing": None,
    }


def declared(case: Case, event: CaseDeclared) -> dict[str, Any]:
    """The limits move (R22). A limit that is yet to come has cards of its own; one that is over keeps those given."""
    new = whole_limit(event.limits)
    changes: dict[str, Any] = {
        "matter_class": event.matter_class,
        "promised": event.matter_class is MatterClass.MAJOR,
        "limits": replaced(case.limits, event.limits),
        "tasks": tasks.moved(case, whole_limit(case.limits), new),
    }
    if new is not None and new.due_at > event.at:
        # Somebody has acted: the daily notices end until the new limit is breached (R24).
        changes["limits"] = without(changes["limits"], LimitKind.DECISION_MAKER_BUDGET)
        changes["cards"] = tuple(
            changed(card, {"superseded": True}) if card.limit is LimitKind.APPROVAL else card for card in case.cards
        )
    return changes


def withdrawal_asked(case: Case, event: WithdrawalAsked) -> dict[str, Any]:
    """The reviewer has something to check; who said it is a proposer (R09)."""
    return {
        "withdrawal_asked": event.reason,
        "proposers": joined(case.proposers, event.by),
        "tasks": case.tasks + event.tasks,
    }


def _passing(case: Case, event: TierPassed) -> Passing | None:
    """What the tier had, should it turn out to have acted in time (R29)."""
    kind = BUDGET_OF[event.tier]
    limit = next((limit for limit in case.limits if limit.kind is kind and limit.due_at == event.due_at), None)
    task = case.task(limit.about) if limit and limit.about else None
    if limit is None or task is None:
        return None
    return Passing(tier=event.tier, stage=case.stage, task=task, limit=limit, passed_over=case.passed_over)
