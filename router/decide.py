"""decide(case, command, context): what a command means. Pure: no I/O, no clock, no randomness."""

from collections.abc import Callable
from typing import Any

from router import clerk, clock, consulting, opening, restoring, supervising, tier
from router.case import Case
from router.context import CalendarChanged, Command, Context, LimitsDue
from router.rejections import reject
from topics.events import Event, Rejection
from topics.inbound import (
    CaseWithdrawn,
    CommitteeInstructed,
    ConsultationReplied,
    GovernmentDecided,
    GuidanceGiven,
    Opening,
    RefusalProposed,
    RefusalReported,
    RefusalSupplied,
    ReplyDelivered,
    SupplementsReceived,
    TierDecided,
)
from topics.vocabulary import Tier

Meaning = list[Event] | Rejection


def decide(case: Case | None, command: Command, context: Context) -> Meaning:
    """The facts that follow from a command, or why nothing does. Never an exception for anything a sender can send."""
    message = command.message
    said = type(message)
    if case is not None:
        return IN_A_CASE[said](case, message, command, context)
    if said in OPENINGS:
        return OPENINGS[said](message, command, context)
    if said in BY_THE_CLOCK:
        return []
    return reject(
        "unknown_case",
        f"no case {command.case_id} is known; send again once its refusal has been sent",
        where="caseId",
        retryable=True,
    )


def _supply(case: Case, message: RefusalSupplied, command: Command, context: Context) -> Meaning:
    return restoring.in_time(
        lambda case: clerk.supply(case, message, command, context), case, Tier.CLERK, message.task_id, command, context
    )


def _act(case: Case, message: TierDecided, command: Command, context: Context) -> Meaning:
    """What needs no task needs no task back either: it is open to its tier wherever the case is."""
    if case.passing is None or message.task_id is None:
        return tier.act(case, message, command, context)
    return restoring.in_time(
        lambda case: tier.act(case, message, command, context), case, message.tier, message.task_id, command, context
    )


def _open_already(case: Case, message: Opening, command: Command, context: Context) -> Rejection:
    return reject(
        "already_open",
        f"case {case.case_id} was opened {case.opened_at.isoformat()}; a new refusal needs a new refusalId",
        where="refusalId",
        stage=str(case.stage.name),
    )


# Tables, since a pattern that does not match costs more than most of what a command leads to.
OPENINGS: dict[type[Any], Callable[[Any, Command, Context], Meaning]] = {
    RefusalProposed: opening.propose,
    RefusalReported: opening.report,
    GuidanceGiven: opening.guide,
}
BY_THE_CLOCK: dict[type[Any], Callable[[Case, Any, Command, Context], Meaning]] = {
    LimitsDue: clock.limits_due,
    CalendarChanged: clock.calendar_changed,
}
IN_A_CASE: dict[type[Any], Callable[[Case, Any, Command, Context], Meaning]] = {
    **dict.fromkeys(OPENINGS, _open_already),
    **BY_THE_CLOCK,
    TierDecided: _act,
    RefusalSupplied: _supply,
    CaseWithdrawn: clerk.withdraw,
    SupplementsReceived: clerk.supplements,
    ReplyDelivered: clerk.delivered,
    ConsultationReplied: consulting.reply,
    CommitteeInstructed: supervising.instruct,
    GovernmentDecided: supervising.rule,
}
