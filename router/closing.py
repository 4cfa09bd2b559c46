"""How a case ends, and what runs on after it: the reply's delivery, supplements that were promised."""

from datetime import datetime
from typing import Any

from router import limits
from router.case import Case, Closed
from router.context import Command, Context
from router.rejections import reject
from router.timers import whole_limit
from topics.events import CardCorrected, CaseDecided, Event, Limit, Rejection
from topics.fields import trusted
from topics.parts import Actor, UnitName
from topics.vocabulary import Card, LimitKind, Outcome

# What goes on after the end: the committee still waits for its answer, and the applicant for theirs.
AFTER_THE_END = frozenset({LimitKind.INSTRUCTION, LimitKind.FAST_RESPONSE})


def decided(
    case: Case,
    outcome: Outcome,
    by: Actor,
    command: Command,
    context: Context,
    *,
    after: tuple[Limit, ...] = (),
    **carried: Any,
) -> list[Event]:
    """The outcome (R31), and the correction of cards that a decision received in time proves wrong (R29)."""
    received_at = command.received_at
    corrections = [
        *in_time_corrections(case, LimitKind.APPROVAL, received_at, context),
        *in_time_corrections(case, LimitKind.STATUTORY_NOTICE, received_at, context),
    ]
    running = tuple(limit for limit in case.limits if limit.kind in AFTER_THE_END)
    reply_id = f"{case.case_id}.{case.version + len(corrections) + 1}.reply"
    told = limits.delivery(reply_id, context, context.working_time[case.centre])
    return [
        *corrections,
        CaseDecided(
            at=context.now,
            outcome=outcome,
            by=by,
            reply_id=reply_id,
            received_at=received_at,
            in_time=_in_time(case, received_at, corrections),
            silent_departments=_silent_departments(case),
            limits=(*running, told, *after),
            **carried,
        ),
    ]


def _in_time(case: Case, received_at: datetime, corrections: list[CardCorrected]) -> bool:
    """Whether the whole limit was kept; a breach that was stays one, also where a declaration moved the limit (R22)."""
    for done in corrections:
        if done.limit is LimitKind.APPROVAL and done.card is Card.RED:
            return True
    for given in case.cards:
        if given.limit is LimitKind.APPROVAL and given.card is Card.RED and not given.corrected:
            return False
    whole = whole_limit(case.limits)
    return whole is None or received_at <= whole.due_at


def _silent_departments(case: Case) -> tuple[UnitName, ...]:
    return tuple(
        trusted(UnitName, org_code=consulted.request.question.org_code, name=consulted.request.unit_name)
        for consulted in case.consultations
        if consulted.answer is None
    )


def in_time_corrections(
    case: Case, kind: LimitKind, in_time_at: datetime, context: Context, about: str | None = None
) -> list[CardCorrected]:
    """Cards of a limit that were given although what they say was missing had been there before they fell due (R29)."""
    if not case.cards:
        return []
    return [
        CardCorrected(at=context.now, limit=kind, about=about, card=given.card, received_at=in_time_at)
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
