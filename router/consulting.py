"""Asking departments (R14): in parallel, each with its own limit; silence is recorded as silence; the clock runs on."""

from router import limits
from router.case import Case, Consulted, InConsultation
from router.closing import in_time_corrections
from router.context import Command, Context, WorkingTime
from router.rejections import reject
from router.tasks import precedents_for
from router.timers import whole_limit
from topics.events import ConsultationAsked, ConsultationRequest, Event, Limit, OpinionGiven, Rejection, Task
from topics.fields import trusted
from topics.inbound import Consult, ConsultationReplied, Question, TierDecided
from topics.vocabulary import ConsultationAnswer, LimitKind


def ask(
    case: Case, decision: Consult, message: TierDecided, context: Context, time: WorkingTime
) -> list[Event] | Rejection:
    """Reviewer or decision-maker asks one or more departments a question each."""
    asked = [consulted.request.question.org_code for consulted in case.consultations if not consulted.handed_over]
    requests = []
    for number, question in enumerate(decision.questions, 1):
        department = context.directory.unit(question.org_code)
        if department is None or context.directory.consulted_party(question.org_code) is None:
            return reject(
                "unknown_department",
                f"no party answers consultations for {question.org_code}",
                where=f"decision.questions.{number - 1}.orgCode",
            )
        if question.org_code in asked:
            return reject(
                "already_asked",
                f"{department.name} has been asked already",
                where=f"decision.questions.{number - 1}.orgCode",
            )
        asked.append(question.org_code)
        requests.append(
            ConsultationRequest(
                request_id=f"{case.case_id}.{case.version + 1}.ask{number}",
                question=question,
                unit_name=department.name,
            )
        )
    return [
        ConsultationAsked(
            at=context.now,
            by=message.actor,
            tier=message.tier,
            requests=tuple(requests),
            limits=tuple(_limit(request, case, context, time) for request in requests),
        )
    ]


def _limit(request: ConsultationRequest, case: Case, context: Context, time: WorkingTime) -> Limit:
    return limits.consultation(request.request_id, whole_limit(case.limits), context, time)


def reply(case: Case, message: ConsultationReplied, command: Command, context: Context) -> list[Event] | Rejection:
    """A department answers, corrects its answer until the decision, or hands over once to the competent one."""
    consulted = next((c for c in case.consultations if c.request.request_id == message.request_id), None)
    if consulted is None or consulted.request.question.org_code != message.org_code:
        return reject("unknown_request", f"{message.org_code} was not asked {message.request_id}", where="requestId")
    if not case.open:
        return reject("request_over", "the case is decided; an opinion changes nothing any more", where="caseId")
    corrections = in_time_corrections(
        case, LimitKind.CONSULTATION, command.received_at, context, consulted.request.request_id
    )
    handed: ConsultationRequest | None = None
    new_limits: tuple[Limit, ...] = ()
    if message.hand_over_to is not None:
        passed = _hand_over(case, consulted, message.hand_over_to, context)
        if isinstance(passed, Rejection):
            return passed
        handed = passed
        new_limits = (_limit(handed, case, context, context.working_time[case.centre]),)
    return [
        *corrections,
        OpinionGiven(
            at=context.now,
            request_id=message.request_id,
            org_code=message.org_code,
            unit_name=consulted.request.unit_name,
            by=message.actor,
            answer=message.answer,
            reason=message.reason,
            legal_basis=message.legal_basis,
            corrected=consulted.answer is not None,
            handed_over=handed,
            limits=new_limits,
            tasks=() if handed else summary(case, message.request_id, context, after=len(corrections)),
        ),
    ]


def _hand_over(case: Case, consulted: Consulted, to: str, context: Context) -> ConsultationRequest | Rejection:
    if consulted.request.handed_over_from is not None or consulted.handed_over:
        return reject("handed_over_once", "a question is handed over once", where="handOverTo")
    department = context.directory.unit(to)
    if department is None or context.directory.consulted_party(to) is None:
        return reject("unknown_department", f"no party answers consultations for {to}", where="handOverTo")
    if any(c.request.question.org_code == to for c in case.consultations):
        return reject("already_asked", f"{department.name} has been asked already", where="handOverTo")
    return ConsultationRequest(
        request_id=f"{consulted.request.request_id}.over",
        question=trusted(Question, org_code=to, question=consulted.request.question.question),
        unit_name=department.name,
        handed_over_from=consulted.request.question.org_code,
    )


def summary(case: Case, request_id: str, context: Context, after: int = 0) -> tuple[Task, ...]:
    """The asker's task when this was the last answer, or silence, that was waited for; else none.

    `after` is the number of facts that go before the one it belongs to.
    """
    if not isinstance(case.stage, InConsultation):
        return ()
    if any(c.answer is None and not c.silent for c in case.consultations if c.request.request_id != request_id):
        return ()
    asker = case.stage.asker
    whole = whole_limit(case.limits)
    return (
        Task(
            task_id=f"{case.case_id}.{case.version + after + 1}.opinions",
            tier=asker,
            kind="opinions_in",
            opened_at=context.now,
            due_at=whole.due_at if whole else None,
            precedents=precedents_for(case, context),
        ),
    )


def in_conflict(case: Case) -> bool:
    """Whether one department agrees and another objects: referral to the government is then offered (R15)."""
    answers = {consulted.answer for consulted in case.consultations}
    return {ConsultationAnswer.AGREE, ConsultationAnswer.OBJECT} <= answers
