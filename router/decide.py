"""decide(case, command, context): what a command means. Pure: no I/O, no clock, no randomness."""

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
    RefusalProposed,
    RefusalReported,
    RefusalSupplied,
    ReplyDelivered,
    SupplementsReceived,
    TierDecided,
)
from topics.vocabulary import Tier


def decide(case: Case | None, command: Command, context: Context) -> list[Event] | Rejection:
    """The facts that follow from a command, or why nothing does. Never an exception for anything a sender can send."""
    # The frequent first: a class pattern that does not match costs half a microsecond.
    match command.message:
        case TierDecided() as message if case is not None:
            return _act(case, message, command, context)
        case RefusalProposed() | RefusalReported() | GuidanceGiven() as message:
            if case is not None:
                return _open_already(case)
            return _open(message, command, context)
        case LimitsDue(until=until):
            return clock.limits_due(case, until, context) if case else []
        case CalendarChanged():
            return clock.calendar_changed(case, context) if case else []
        case message:
            if case is None:
                return reject(
                    "unknown_case",
                    f"no case {command.case_id} is known; send again once its refusal has been sent",
                    where="caseId",
                    retryable=True,
                )
    match message:
        case RefusalSupplied():
            return restoring.in_time(
                lambda case: clerk.supply(case, message, command, context),
                case,
                Tier.CLERK,
                message.task_id,
                command,
                context,
            )
        case CaseWithdrawn():
            return clerk.withdraw(case, message, command, context)
        case SupplementsReceived():
            return clerk.supplements(case, message, command, context)
        case ReplyDelivered():
            return clerk.delivered(case, message, command, context)
        case ConsultationReplied():
            return consulting.reply(case, message, command, context)
        case CommitteeInstructed():
            return supervising.instruct(case, message, context)
        case GovernmentDecided():
            return supervising.rule(case, message, command, context)
        case _:
            raise TypeError(f"no command: {type(message).__name__}")


def _act(case: Case, message: TierDecided, command: Command, context: Context) -> list[Event] | Rejection:
    """What needs no task needs no task back either: it is open to its tier wherever the case is."""
    if case.passing is None or message.task_id is None:
        return tier.act(case, message, command, context)
    return restoring.in_time(
        lambda case: tier.act(case, message, command, context), case, message.tier, message.task_id, command, context
    )


def _open(
    message: RefusalProposed | RefusalReported | GuidanceGiven, command: Command, context: Context
) -> list[Event] | Rejection:
    match message:
        case RefusalProposed():
            return opening.propose(message, command, context)
        case RefusalReported():
            return opening.report(message, command, context)
        case GuidanceGiven():
            return opening.guide(message, command, context)


def _open_already(case: Case) -> Rejection:
    return reject(
        "already_open",
        f"case {case.case_id} was opened {case.opened_at.isoformat()}; a new refusal needs a new refusalId",
        where="refusalId",
        stage=str(case.stage.name),
    )
