"""How a case ends, and what runs on after it: the reply's delivery, supplements that were promised."""

from datetime import datetime
from typing import Any

from router import limits
from router.case import Case, Closed
from router.context import Command, Context
from router.rejections import reject
from topics.events import CardCorrected, CaseDecided, Event, Limit, Rejection
from topics.fields import trusted
from topics.inbound import CaseWithdrawn, GovernmentDecided, TierDecided
from topics.parts import Actor, UnitName
from topics.vocabulary import Card, LimitKind, Outcome, Tier


def decided(
    case: Case,
    outcome: Outcome,
    message: TierDecided | CaseWithdrawn | GovernmentDecided,
    command: Command,
    context: Context,
    *,
    after: tuple[Limit, ...] = (),
    **carried: Any,
) -> list[Event]:
    """The outcome (R31), and the correction of cards that a decision received in time proves wrong (R29)."""
    by: Actor | None = message.actor
    tier: Tier | None
    match message:
        case TierDecided():
            tier = message.tier
        case CaseWithdrawn():
            tier = Tier.CLERK
        case GovernmentDecided():
            tier = None
    whole = case.limit(LimitKind.APPROVAL)
    corrections = [
        *in_time_corrections(case, LimitKind.APPROVAL, command.received_at, context),
        *in_time_corrections(case, LimitKind.STATUTORY_NOTICE, command.received_at, context),
    ]
    breached = any(
        given.limit is LimitKind.APPROVAL and given.card is Card.RED and not given.corrected for given in case.cards
    )
    corrected = any(done.card is Card.RED and done.limit is LimitKind.APPROVAL for done in corrections)
    in_time = corrected or (not breached and (whole is None or command.received_at <= whole.due_at))
    silent = tuple(
        trusted(UnitName)(org_code=consulted.request.question.org_code, name=consulted.request.unit_name)
        for consulted in case.consultations
        if consulted.answer is None
    )
    running = tuple(limit for limit in case.limits if limit.kind is LimitKind.INSTRUCTION)
    fast = case.limit(LimitKind.FAST_RESPONSE)
    reply_id = f"{case.case_id}.{case.version + len(corrections) + 1}.reply"
    told = limits.delivery(reply_id, context, context.working_time[case.centre])
    return [
        *corrections,
        trusted(CaseDecided)(
            at=context.now,
            outcome=outcome,
            by=by,
            tier=tier,
            by_government=message.minutes_number if isinstance(message, GovernmentDecided) else None,
            answered_task=message.task_id if isinstance(message, TierDecided) else None,
            reply_id=reply_id,
            received_at=command.received_at,
            in_time=in_time,
            silent_departments=silent,
            limits=(*running, *((fast,) if fast else ()), told, *after),
            **carried,
        ),
    ]


def in_time_corrections(
    case: Case, kind: LimitKind, in_time_at: datetime, context: Context, about: str | None = None
) -> list[CardCorrected]:
    """Cards of a limit that were given although what they say was missing had been there before they fell due (R29)."""
    return [
        trusted(CardCorrected)(at=context.now, limit=kind, about=about, card=given.card, received_at=in_time_at)
        for given in case.cards
        if given.limit is kind and given.about == about and not given.superseded
        if not given.corrected and in_time_at <= given.fell_due_at
    ]


def already_closed(case: Case) -> Rejection:
    """The answer to whoever comes after the end: what it was, and when."""
    outcome = case.stage.outcome if isinstance(case.stage, Closed) else None
    return reject(
        "case_closed",
        f"the case ended with {outcome}, {case.stage.since.isoformat()}",
        where="caseId",
        outcome=str(outcome),
        at=case.stage.since.isoformat(),
    )
