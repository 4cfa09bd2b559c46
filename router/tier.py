"""What officials do with a case: who may, when, and what an act must carry (R01 to R05, R07, R12, R36)."""

from typing import Any, assert_never

from router import consulting, limits, supervising
from router.case import Case
from router.closing import already_closed, decided, in_time_corrections
from router.context import Command, Context, WorkingTime
from router.needs import reply_lacking
from router.opening import decision_task, precedents_of, review_task
from router.policy import HARMLESS
from router.refusing import answered_in_person, in_person_missing, refusal_problem, same_person
from router.rejections import reject
from router.timers import whole_limit
from topics.directory import Unit
from topics.events import (
    CaseDeclared,
    CaseEscalated,
    CaseReturned,
    Event,
    InterimAnswered,
    Rejection,
    Task,
)
from topics.fields import changed, trusted
from topics.inbound import (
    Accept,
    AcceptWithSupplements,
    AnswerInstruction,
    ConfirmWithdrawal,
    Consult,
    Declare,
    Escalate,
    Guide,
    Interim,
    Redirect,
    Refer,
    Refuse,
    RequireSupplements,
    Return,
    TierDecided,
)
from topics.vocabulary import LimitKind, MatterClass, Outcome, Situation, StageName, Tier

# Acts open to their tier wherever the case is: they are a yes, or take nothing from the applicant.
ANYWHERE = HARMLESS | {"confirm_withdrawal"}
# Acts that a tier may do without naming one of its tasks: they answer no question.
WITHOUT_TASK = ANYWHERE | {"declare"}
# The tasks that are answered by an act on the case; the others (a committee's question, a follow-up) are answered by their own.
ON_THE_CASE = frozenset({"review", "decide", "opinions_in"})
# What must not come before the government's answer: there is nothing left to ask, and nobody else to say no (R15).
NOT_AT_GOVERNMENT = frozenset({"refuse", "redirect", "require_supplements", "return", "consult", "refer"})


def act(case: Case, message: TierDecided, command: Command, context: Context) -> list[Event] | Rejection:
    """One act of one official; everything that could turn it away stands here, before what it means."""
    unit = context.directory.unit(case.org_code)
    if unit is None:
        return reject("unknown_unit", f"unit {case.org_code} is not in the directory any more", where="caseId")
    act_name = message.decision.action
    if act_name not in context.policy.powers(message.tier, unit):
        return reject("beyond_power", f"a {message.tier} may not {act_name}", where="decision.action")
    if act_name == "answer_instruction":
        assert isinstance(message.decision, AnswerInstruction)
        return supervising.answer(case, message.decision, message, command, context)
    late_opinion = act_name == "escalate" and _opinion_still_needed(case)
    task = None
    if message.task_id is not None:
        task = case.task(message.task_id)
        if (task is None or task.tier is not message.tier) and not late_opinion:
            return _no_such_task(case, message.task_id)
    if not case.open:
        return already_closed(case)
    if act_name not in ANYWHERE and case.holder is not message.tier and not late_opinion:
        return reject(
            "not_at_this_tier",
            f"the case is with the {case.holder}",
            where="tier",
            holder=str(case.holder),
            stage=str(case.stage.name),
        )
    if (task is None or task.kind not in ON_THE_CASE) and act_name not in WITHOUT_TASK and not late_opinion:
        return reject(
            "task_required",
            "name the taskId that this answers",
            where="taskId",
            openTasks=[open_task.task_id for open_task in case.tasks if open_task.tier is message.tier],
        )
    if act_name in NOT_AT_GOVERNMENT and case.stage.name is StageName.AT_GOVERNMENT:
        return reject(
            "at_government",
            "the government has the question: only a yes can come before its answer (R15)",
            where="decision.action",
            stage=str(case.stage.name),
        )
    same = _same_person(case, message)
    if same is not None:
        return same
    departure = _departure(case, message, task, context)
    if isinstance(departure, Rejection):
        return departure
    return _perform(case, message, task, unit, departure, command, context, context.working_time[case.centre])


def _perform(
    case: Case,
    message: TierDecided,
    task: Task | None,
    unit: Unit,
    departs_from: Outcome | None,
    command: Command,
    context: Context,
    time: WorkingTime,
) -> list[Event] | Rejection:
    decision = message.decision
    # The frequent first: a class pattern that does not match costs half a microsecond.
    match decision:
        case Accept():
            return decided(
                case, Outcome.ACCEPTED, message, command, context,
                note=decision.note, departs_from=departs_from, departure_reason=decision.note if departs_from else None,
            )  # fmt: skip
        case Escalate():
            precedents = precedents_of(case.matter.task_code, case.situation, case.ground_code, context)
            whole = whole_limit(case.limits)
            return [
                trusted(CaseEscalated)(
                    at=context.now,
                    by=message.actor,
                    answered_task=message.task_id,
                    opinion=decision.opinion,
                    reason=decision.reason,
                    tasks=(decision_task(case.case_id, case.version + 1, whole, precedents, context),),
                )
            ]
        case Refuse():
            return _refuse(case, decision, message, departs_from, command, context)
        case AcceptWithSupplements():
            return _accept_with_supplements(case, decision, message, unit, departs_from, command, context, time)
        case Guide():
            return _guide(case, decision, message, command, context)
        case Interim():
            if decision.until <= command.received_at:
                return reject("date_passed", "the interim answer promises a time in the past", where="decision.until")
            reply_id = f"{case.case_id}.{case.version + 1}.reply"
            return [
                trusted(InterimAnswered)(
                    at=context.now,
                    by=message.actor,
                    tier=message.tier,
                    reply_id=reply_id,
                    who=decision.who,
                    what=decision.what,
                    until=decision.until,
                )
            ]
        case Return():
            return _return(case, decision, message, unit, context, time)
        case ConfirmWithdrawal():
            if case.withdrawal_asked is None:
                return reject(
                    "withdrawal_not_asked", "the window has not said that the applicant withdraws", where="decision"
                )
            return decided(
                case,
                Outcome.WITHDRAWN,
                message,
                command,
                context,
                reason=case.withdrawal_asked,
                note=decision.how_checked,
            )
        case Consult():
            return consulting.ask(case, decision, message, context, time)
        case Redirect():
            if decision.in_person is not None and not answered_in_person(decision.in_person):
                return in_person_missing()
            if decision.guidance.competent_unit is None:
                return reject(
                    "guidance_missing",
                    "say who handles it, how and where (R10)",
                    where="decision.guidance.competentUnit",
                )
            return decided(
                case, Outcome.REDIRECTED, message, command, context, guidance=decision.guidance, in_person=decision.in_person,
                departs_from=departs_from, departure_reason=decision.departure_reason,
            )  # fmt: skip
        case RequireSupplements():
            if decision.in_person is not None and not answered_in_person(decision.in_person):
                return in_person_missing()
            missing = reply_lacking(Situation.CONDITIONS_NOT_MET, decision.guidance)
            if missing:
                return reject(
                    "guidance_missing",
                    "list everything missing at once, with a guide, sample or standard (R11)",
                    where=f"decision.{missing[0]}",
                )
            return decided(
                case, Outcome.SUPPLEMENTS_REQUIRED, message, command, context, guidance=decision.guidance, in_person=decision.in_person,
                departs_from=departs_from, departure_reason=decision.departure_reason,
            )  # fmt: skip
        case Refer():
            return supervising.refer(case, decision, message, unit, context)
        case Declare():
            return _declare(case, decision, message, unit, command, context, time)
        case AnswerInstruction():
            return supervising.answer(case, decision, message, command, context)
        case _:
            assert_never(decision)


def _opinion_still_needed(case: Case) -> bool:
    """Whether the case moved on without its reviewer, who may still give the opinion that a refusal needs (R24)."""
    return (
        case.open and case.review is None and Tier.REVIEWER in case.passed_over and case.holder is Tier.DECISION_MAKER
    )


def _no_such_task(case: Case, task_id: str) -> Rejection:
    """Answers a late command with what happened meanwhile: who did what, when."""
    closed = next((done for done in case.closed_tasks if done.task_id == task_id), None)
    meanwhile: dict[str, Any] = {"stage": str(case.stage.name), "openTasks": [task.task_id for task in case.tasks]}
    if not case.open:
        meanwhile["outcome"] = str(getattr(case.stage, "outcome", ""))
    if closed is None:
        return reject("task_closed", f"this case has no open task {task_id} for that tier", where="taskId", **meanwhile)
    who = f"{closed.by.name}（{closed.by.post}）" if closed.by else "the clock (R24)"
    return reject(
        "task_closed",
        f"the task was closed by {closed.how}: {who}, {closed.at.isoformat()}",
        where="taskId",
        closedBy=closed.how,
        by=closed.by.model_dump(mode="json", by_alias=True, exclude_none=True) if closed.by else None,
        at=closed.at.isoformat(),
        **meanwhile,
    )


def _same_person(case: Case, message: TierDecided) -> Rejection | None:
    """R07: whoever proposed cannot review, whoever proposed or reviewed cannot decide; a deputy stands for both persons."""
    if message.decision.action in HARMLESS:
        return None
    return same_person(case, message.actor, message.decision.action, reviewed=message.tier is Tier.DECISION_MAKER)


OUTCOME_OF = {
    "accept": Outcome.ACCEPTED,
    "accept_with_supplements": Outcome.ACCEPTED_WITH_SUPPLEMENTS,
    "refuse": Outcome.REFUSED,
    "redirect": Outcome.REDIRECTED,
    "require_supplements": Outcome.SUPPLEMENTS_REQUIRED,
}


def _departure(case: Case, message: TierDecided, task: Task | None, context: Context) -> Outcome | Rejection | None:
    """R36: a decision that departs from the settled line which its task showed says why, whether it names the task or not."""
    outcome = OUTCOME_OF.get(message.decision.action)
    if outcome is None:
        return None
    if task is None or task.precedents is None:
        task = next((shown for shown in case.tasks if shown.tier is message.tier and shown.precedents), None)
    if task is None or task.precedents is None:
        return None
    settled = task.precedents.settled(context.policy.settled_least, context.policy.settled_share)
    if settled is None or settled is outcome:
        return None
    decision = message.decision
    given = (
        decision.departure_reason
        if isinstance(decision, Refuse | Redirect | RequireSupplements)
        else getattr(decision, "note", None)
    )
    if given is None:
        where = (
            "decision.departureReason"
            if isinstance(decision, Refuse | Redirect | RequireSupplements)
            else "decision.note"
        )
        return reject(
            "departure_unexplained",
            f"earlier cases of this kind ended with {settled}: say why this one does not (R36)",
            where=where,
            precedents=task.precedents.model_dump(mode="json", by_alias=True),
        )
    return settled


def _refuse(
    case: Case, decision: Refuse, message: TierDecided, departs_from: Outcome | None, command: Command, context: Context
) -> list[Event] | Rejection:
    problem = refusal_problem(case, decision)
    if problem is not None:
        return problem
    return decided(
        case,
        Outcome.REFUSED,
        message,
        command,
        context,
        legal_basis=decision.legal_basis,
        explanation=decision.explanation,
        in_person=decision.in_person,
        document_number=decision.document_number,
        remedies=decision.remedies,
        guidance=decision.guidance or case.guidance,
        departs_from=departs_from,
        departure_reason=decision.departure_reason,
    )


def _accept_with_supplements(
    case: Case,
    decision: AcceptWithSupplements,
    message: TierDecided,
    unit: Unit,
    departs_from: Outcome | None,
    command: Command,
    context: Context,
    time: WorkingTime,
) -> list[Event] | Rejection:
    """R12: named supplements by a named date; the clerk only within the matter's list."""
    if message.tier is Tier.CLERK:
        allowed = unit.policy.supplements_allowed.get(case.matter.task_code, ())
        beyond = [supplement.item for supplement in decision.due.supplements if supplement.item not in allowed]
        if beyond:
            return reject(
                "not_on_list",
                f"not on the matter's list: {'、'.join(beyond)}",
                where="decision.due.supplements",
                allowed=list(allowed),
            )
    limit = limits.supplements(decision.due.promise_date, context, time)
    if limit.due_at <= command.received_at:
        return reject("date_passed", "the supplements' date lies in the past", where="decision.due.promiseDate")
    return decided(
        case,
        Outcome.ACCEPTED_WITH_SUPPLEMENTS,
        message,
        command,
        context,
        note=decision.note,
        supplements=decision.due.supplements,
        promise_date=decision.due.promise_date.isoformat(),
        departs_from=departs_from,
        departure_reason=decision.note if departs_from else None,
        after=(limit,),
    )


def _guide(
    case: Case, decision: Guide, message: TierDecided, command: Command, context: Context
) -> list[Event] | Rejection:
    """R05: guidance ends a case only with the applicant's confirmation, and never a grey area (R13)."""
    if case.situation is None:
        return reject("situation_missing", "the clerk has not said which situation this is", where="decision")
    if case.situation is Situation.GREY_AREA:
        return reject("grey_area", "a grey area goes up for study; guidance cannot end it (R13)", where="decision")
    missing = reply_lacking(case.situation, decision.guidance)
    if missing:
        return reject(
            "guidance_missing", f"guidance of {case.situation} needs {missing[0]}", where=f"decision.{missing[0]}"
        )
    return decided(
        case, Outcome.GUIDED, message, command, context, guidance=decision.guidance, confirmation=decision.confirmation
    )


def _return(
    case: Case, decision: Return, message: TierDecided, unit: Unit, context: Context, time: WorkingTime
) -> list[Event] | Rejection:
    version = case.version + 1
    if message.tier is Tier.REVIEWER or unit.without_reviewer:
        to_tier = Tier.CLERK
        task = trusted(Task)(
            task_id=f"{case.case_id}.{version}.supply",
            tier=Tier.CLERK,
            kind="supply",
            opened_at=context.now,
            question=decision.question,
            lacking=case.lacking,
        )
        budget = limits.clerk_budget(task.task_id, unit, context, time)
        task = changed(task, {"due_at": budget.due_at})
    else:
        to_tier = Tier.REVIEWER
        precedents = precedents_of(case.matter.task_code, case.situation, case.ground_code, context)
        task, budget = review_task(
            case.case_id, version, whole_limit(case.limits), precedents, unit, context, time, decision.question
        )
    return [
        trusted(CaseReturned)(
            at=context.now,
            by=message.actor,
            from_tier=message.tier,
            to_tier=to_tier,
            answered_task=message.task_id,
            question=decision.question,
            limits=(budget,),
            tasks=(task,),
        )
    ]


def _declare(
    case: Case,
    decision: Declare,
    message: TierDecided,
    unit: Unit,
    command: Command,
    context: Context,
    time: WorkingTime,
) -> list[Event] | Rejection:
    """R21, R22: a declaration moves the limits; a breach that was stays in the record."""
    major = decision.matter_class is MatterClass.MAJOR
    if decision.matter_class is case.matter_class and not major:
        return reject("class_unchanged", f"the case is {case.matter_class} already", where="decision.matterClass")
    if major and (decision.ground is None or decision.promise_date is None):
        return reject(
            "ground_missing",
            "a major and difficult matter needs its ground and a promised date (R22)",
            where="decision.ground",
        )
    if major and decision.promise_date is not None:
        limit = limits.promised(decision.promise_date, context, time, context.now)
        if limit.due_at <= context.now:
            return reject("date_passed", "the promised date lies in the past", where="decision.promiseDate")
    else:
        limit = limits.approval(case.clock_start, decision.matter_class, unit, context, time, needs_study=True)
    return [
        *in_time_corrections(case, LimitKind.APPROVAL, command.received_at, context),
        trusted(CaseDeclared)(
            at=context.now,
            by=message.actor,
            matter_class=decision.matter_class,
            ground=decision.ground,
            reason=decision.reason,
            limits=(limit,),
        ),
    ]
