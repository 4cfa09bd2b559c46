"""What only a window says about a case: what was lacking, a withdrawal, supplements that came, a reply delivered."""

from datetime import datetime

from router import limits
from router.case import AtClerk, Case
from router.closing import already_closed, decided, in_time_corrections
from router.context import MINUTE, Command, Context
from router.needs import lacking
from router.rejections import reject
from router.tasks import decision_task, precedents_of, review_task
from router.timers import whole_limit
from topics.directory import Unit
from topics.events import (
    DeliveryConfirmed,
    Event,
    Limit,
    ProposalSupplied,
    Rejection,
    SupplementsCame,
    Task,
    WithdrawalAsked,
)
from topics.inbound import CaseWithdrawn, RefusalSupplied, ReplyDelivered, SupplementsReceived
from topics.vocabulary import LimitKind, Outcome, Situation, Tier


def supply(case: Case, message: RefusalSupplied, command: Command, context: Context) -> list[Event] | Rejection:
    """The clerk supplies what is lacking, answers a question, or takes position on a reported refusal (R08)."""
    if not case.open:
        return already_closed(case)
    unit = context.directory.unit(case.org_code)
    if unit is None:
        return reject("unknown_unit", f"unit {case.org_code} is not in the directory any more", where="caseId")
    owed = [task for task in case.tasks if task.tier is Tier.CLERK and task.kind == "supply"]
    if not owed and not case.lacking:
        return reject("nothing_to_supply", "nothing is asked of the clerk at present", where="taskId")
    if message.task_id is not None and message.task_id not in [task.task_id for task in owed] and not case.lacking:
        return reject("task_closed", f"this case has no open task {message.task_id}", where="taskId")
    reviewed = set(case.reviewers) & {message.actor.person_id, message.actor.acting_for}
    if reviewed:
        return reject(
            "same_person", "whoever reviewed this refusal cannot also propose it (R07)", where="actor.personId"
        )
    settled = _situation_settled(case, message, owed)
    if settled is not None:
        return settled
    situation = message.situation or case.situation
    ground_code = message.ground_code or case.ground_code
    missing = lacking(
        situation,
        ground_code,
        message.reason or case.reason,
        message.legal_basis or case.legal_basis,
        message.guidance or case.guidance,
    )
    back_to: Tier | None = None
    tasks: tuple[Task, ...] = ()
    running: tuple[Limit, ...] = ()
    if isinstance(case.stage, AtClerk):
        back_to, tasks, running = onward(case, unit, situation, ground_code, context)
    first_asked = case.first_asked or message.first_asked or message.actor
    return [
        ProposalSupplied(
            at=context.now,
            by=message.actor,
            first_asked=first_asked if case.first_asked is None else None,
            answered_task=message.task_id,
            answer=message.answer,
            situation=message.situation,
            ground_code=message.ground_code,
            reason=message.reason,
            legal_basis=message.legal_basis,
            guidance=message.guidance,
            lacking=missing,
            back_to=back_to,
            limits=(*running, *_fast_response(case, situation, unit, context)),
            tasks=tasks,
        )
    ]


def _situation_settled(case: Case, message: RefusalSupplied, owed: list[Task]) -> Rejection | None:
    """A situation once stated is changed only in answer to a question from above: a grey area is not talked away (R13)."""
    if case.situation is None or message.situation in (None, case.situation):
        return None
    if isinstance(case.stage, AtClerk) and any(task.question for task in owed):
        return None
    return reject("situation_stated", f"this case's situation is {case.situation}", where="situation")


def onward(
    case: Case, unit: Unit, situation: Situation | None, ground_code: str | None, context: Context
) -> tuple[Tier, tuple[Task, ...], tuple[Limit, ...]]:
    """From the clerk back to whoever asked, or up for the first time: the tier, its task and its budget."""
    precedents = precedents_of(case.matter.task_code, situation, ground_code, context)
    whole = whole_limit(case.limits)
    version = case.version + 1
    asked_by_decision_maker = isinstance(case.stage, AtClerk) and case.stage.back_to is Tier.DECISION_MAKER
    if asked_by_decision_maker or unit.without_reviewer:
        return Tier.DECISION_MAKER, (decision_task(case.case_id, version, whole, precedents, context),), ()
    time = context.working_time[case.centre]
    task, budget = review_task(case.case_id, version, whole, precedents, unit, context, time)
    return Tier.REVIEWER, (task,), (budget,)


def _fast_response(case: Case, situation: Situation | None, unit: Unit, context: Context) -> tuple[Limit, ...]:
    """A refusal that turns out to be a grey area is under the fast response from then on (R23)."""
    if situation is not Situation.GREY_AREA or case.situation is Situation.GREY_AREA:
        return ()
    if case.limit(LimitKind.FAST_RESPONSE) or any(reply.delivered for reply in case.replies):
        return ()
    return (limits.fast_response(context.now, unit, context, context.working_time[case.centre]),)


def withdraw(case: Case, message: CaseWithdrawn, command: Command, context: Context) -> list[Event] | Rejection:
    """R09: with the applicant's verifiable confirmation it ends the case; without, the reviewer checks it first."""
    if not case.open:
        return already_closed(case)
    if message.confirmation is not None:
        return decided(
            case,
            Outcome.WITHDRAWN,
            message.actor,
            command,
            context,
            tier=Tier.CLERK,
            reason=message.reason,
            confirmation=message.confirmation,
        )
    unit = context.directory.unit(case.org_code)
    if case.withdrawal_asked is not None or unit is None or unit.without_reviewer:
        return reject(
            "confirmation_missing",
            "a withdrawal needs the applicant's verifiable confirmation (R09)",
            where="confirmation",
        )
    check = Task(
        task_id=f"{case.case_id}.{case.version + 1}.check",
        tier=Tier.REVIEWER,
        kind="check_withdrawal",
        opened_at=context.now,
        question=message.reason,
    )
    return [WithdrawalAsked(at=context.now, by=message.actor, reason=message.reason, tasks=(check,))]


def supplements(
    case: Case, message: SupplementsReceived, command: Command, context: Context
) -> list[Event] | Rejection:
    """R12: the obligation of an acceptance with supplements is met."""
    if not case.supplements:
        return reject("no_supplements_due", "no supplements are awaited for this case", where="caseId")
    return [SupplementsCame(at=context.now, by=message.actor, received_at=message.received_at)]


def delivered(case: Case, message: ReplyDelivered, command: Command, context: Context) -> list[Event] | Rejection:
    """R38: the applicant was told. Only this satisfies the fast response (R23)."""
    reply = next((reply for reply in case.replies if reply.reply_id == message.reply_id), None)
    if reply is None:
        return reject("unknown_reply", f"there is no reply {message.reply_id}", where="replyId")
    if reply.delivered:
        return reject("already_delivered", "this reply is recorded as delivered", where="replyId")
    if reply.in_person and message.explained_by is None:
        return reject("explainer_missing", "this reply is explained in person: say by whom (R04)", where="explainedBy")
    delivered_at = _credible(message, command, context)
    corrections: list[Event] = []
    if case.limit(LimitKind.FAST_RESPONSE):
        corrections += in_time_corrections(case, LimitKind.FAST_RESPONSE, delivered_at, context)
    corrections += in_time_corrections(case, LimitKind.DELIVERY, delivered_at, context, reply.reply_id)
    return [
        *corrections,
        DeliveryConfirmed(
            at=context.now,
            reply_id=message.reply_id,
            by=message.actor,
            channel=message.channel,
            delivered_at=delivered_at,
            received_at=command.received_at,
            explained_by=message.explained_by,
        ),
    ]


def _credible(message: ReplyDelivered, command: Command, context: Context) -> datetime:
    """The time of delivery as told, unless it was told too late to be credited: then the time it was received."""
    told = message.delivered_at
    earliest = command.received_at - context.policy.late_filing_minutes * MINUTE
    return told if earliest <= told <= command.received_at else command.received_at
