"""How a case begins: a refusal proposed, a refusal reported, or guidance that needed none."""

from datetime import datetime, timedelta

from router import limits
from router.context import MINUTE, Command, Context, WorkingTime
from router.needs import lacking, reply_lacking
from router.rejections import reject
from router.tasks import decision_task, precedents_of, review_task, supply_task
from topics.directory import Unit
from topics.events import CaseOpened, Event, GuidanceRecorded, Limit, Rejection, Task
from topics.inbound import GuidanceGiven, Opening, RefusalProposed, RefusalReported
from topics.parts import Precedents
from topics.vocabulary import MatterClass, RequestKind, Situation, Tier

# An asking time further back than this is a clock that is wrong, not a window that is late.
OLDEST_REQUEST = timedelta(days=366)


def propose(message: RefusalProposed, command: Command, context: Context) -> list[Event] | Rejection:
    """R02, R30: the internal approval starts, and the committee is told at the same moment."""
    placed = _placed(message, command, context)
    if isinstance(placed, Rejection):
        return placed
    unit, centre, time = placed
    missing = lacking(message.situation, message.ground_code, message.reason, message.legal_basis, message.guidance)
    start = min(message.asked_at, command.received_at)
    running = _limits(
        message.situation,
        message.request_kind,
        message.fast_response_grounds,
        start,
        unit,
        context,
        time,
        needs_study=message.needs_study,
    )
    precedents = precedents_of(message.matter.task_code, message.situation, message.ground_code, context)
    tasks, budgets = _first_tasks(command.case_id, missing, precedents, running[0], unit, context, time)
    return [
        CaseOpened(
            at=context.now,
            org_code=unit.org_code,
            unit_name=unit.name,
            centre=centre,
            window_party=command.party,
            project_no=message.project_no,
            matter=message.matter,
            request_kind=message.request_kind,
            situation=message.situation,
            ground_code=message.ground_code,
            reason=message.reason,
            legal_basis=message.legal_basis,
            guidance=message.guidance,
            proposed_by=message.proposed_by,
            first_asked=message.first_asked,
            fast_response_grounds=message.fast_response_grounds,
            linked_case=message.linked_case,
            applicant_ref=command.applicant_ref,
            asked_at=message.asked_at,
            received_at=command.received_at,
            clock_start=start,
            late_filing=command.received_at - message.asked_at > context.policy.late_filing_minutes * MINUTE,
            reviewer_skipped=unit.without_reviewer.document if unit.without_reviewer else None,
            lacking=missing,
            limits=running + budgets,
            tasks=tasks,
        )
    ]


def report(message: RefusalReported, command: Command, context: Context) -> list[Event] | Rejection:
    """R08: a refusal that the window never filed; its clerk must take position first."""
    placed = _placed(message, command, context)
    if isinstance(placed, Rejection):
        return placed
    unit, centre, time = placed
    missing = lacking(message.situation, None, None, (), None)
    start = min(message.asked_at, command.received_at)
    running = _limits(message.situation, message.request_kind, (), start, unit, context, time, needs_study=True)
    task, budget = supply_task(command.case_id, 1, missing, unit, context, time)
    return [
        CaseOpened(
            at=context.now,
            org_code=unit.org_code,
            unit_name=unit.name,
            centre=centre,
            window_party=context.directory.speaker(unit.org_code, Tier.CLERK) or command.party,
            project_no=message.project_no,
            matter=message.matter,
            request_kind=message.request_kind,
            situation=message.situation,
            first_asked=message.first_asked,
            applicant_ref=command.applicant_ref,
            asked_at=message.asked_at,
            received_at=command.received_at,
            clock_start=start,
            unfiled=True,
            reported_by=message.reported_by,
            account=message.account,
            work_order=message.work_order,
            reviewer_skipped=unit.without_reviewer.document if unit.without_reviewer else None,
            lacking=missing,
            limits=(*running, budget),
            tasks=(task,),
        )
    ]


def guide(message: GuidanceGiven, command: Command, context: Context) -> list[Event] | Rejection:
    """R05: guidance that the applicant confirmed is the clerk's own duty, recorded without a head."""
    placed = _placed(message, command, context)
    if isinstance(placed, Rejection):
        return placed
    unit, centre, _ = placed
    if message.situation is Situation.GREY_AREA:
        return reject("grey_area", "a grey area is never guided away: propose the refusal (R13)", where="situation")
    missing = reply_lacking(message.situation, message.guidance)
    if missing:
        return reject("guidance_missing", f"guidance of {message.situation} needs {missing[0]}", where=missing[0])
    return [
        GuidanceRecorded(
            at=context.now,
            org_code=unit.org_code,
            unit_name=unit.name,
            centre=centre,
            window_party=command.party,
            matter=message.matter,
            request_kind=message.request_kind,
            situation=message.situation,
            guidance=message.guidance,
            confirmation=message.confirmation,
            given_by=message.given_by,
            asked_at=message.asked_at,
            applicant_ref=command.applicant_ref,
        )
    ]


def _placed(message: Opening, command: Command, context: Context) -> tuple[Unit, str, WorkingTime] | Rejection:
    unit = context.directory.unit(message.org_code)
    if unit is None or unit.centre is None:
        return reject(
            "unknown_unit",
            f"unit {message.org_code} is not in the directory, or has no window in a centre",
            where="orgCode",
        )
    if command.received_at - message.asked_at > OLDEST_REQUEST:
        return reject("implausible_time", "askedAt lies more than a year back", where="askedAt")
    return unit, unit.centre, context.working_time[unit.centre]


def _limits(
    situation: Situation | None,
    kind: RequestKind,
    grounds: tuple[object, ...],
    start: datetime,
    unit: Unit,
    context: Context,
    time: WorkingTime,
    *,
    needs_study: bool,
) -> tuple[Limit, ...]:
    running = [limits.approval(start, MatterClass.GENERAL, unit, context, time, needs_study=needs_study)]
    if grounds or situation is Situation.GREY_AREA:
        running.append(limits.fast_response(start, unit, context, time))
    if kind is RequestKind.APPLICATION and situation is not Situation.OUT_OF_SCOPE:
        running.append(limits.statutory_notice(start, context, time))
    return tuple(running)


def _first_tasks(
    case_id: str,
    missing: tuple[str, ...],
    precedents: Precedents | None,
    whole: Limit,
    unit: Unit,
    context: Context,
    time: WorkingTime,
) -> tuple[tuple[Task, ...], tuple[Limit, ...]]:
    tasks: list[Task] = []
    budgets: list[Limit] = []
    if unit.without_reviewer:
        tasks.append(decision_task(case_id, 1, whole, precedents, context))
    else:
        task, budget = review_task(case_id, 1, whole, precedents, unit, context, time)
        tasks.append(task)
        budgets.append(budget)
    if missing:
        task, budget = supply_task(case_id, 1, missing, unit, context, time)
        tasks.append(task)
        budgets.append(budget)
    return tuple(tasks), tuple(budgets)
