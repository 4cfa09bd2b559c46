"""The messages a fact means: to which topic, saying what. Pure, and complete before anything is stored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deadlines import working_seconds_between
from router import alerting, wording
from router.case import AtGovernment, Case
from router.consulting import in_conflict
from router.context import Context
from topics.events import (
    CaseDecided,
    CaseDeclared,
    CaseOpened,
    CaseReferred,
    ConsultationAsked,
    ConsultationRequest,
    Event,
    InstructionAnswered,
    InterimAnswered,
    OpinionGiven,
    SupplementsCame,
    Task,
)
from topics.fields import trusted
from topics.outbound import (
    ApplicantReply,
    ConsultationRequested,
    DeadlineAlert,
    GovernmentReferred,
    HeadFiling,
    Opinion,
    OpinionForwarded,
    Outbound,
    ProgressFiling,
    ReferralClosed,
    RequestClosed,
    TailFiling,
    TaskClosed,
    TierTask,
)
from topics.parts import UnitName
from topics.registry import Family
from topics.vocabulary import CHINESE, LimitKind, Outcome, Tier, outcome_in_chinese


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one party (or centre); its id is made of the case, the version and its place in the list."""

    family: Family
    owner: str | None
    body: Outbound


def render(before: Case | None, after: Case, event: Event, context: Context) -> list[Message]:
    """Everything that a fact says to others, in order: filings first, then replies, tasks, alerts."""
    return [
        *_of_event(after, event, context),
        *_tasks_opened(after, event, context),
        *_tasks_closed(before, after, event, context),
        *_questions_closed(before, event, context),
    ]


def _of_event(case: Case, event: Event, context: Context) -> Iterator[Message]:
    match event:
        case CaseOpened():
            yield Message(Family.COMMITTEE_FILINGS, case.centre, _head(case, event))
        case CaseDecided():
            yield Message(Family.COMMITTEE_FILINGS, case.centre, _tail(case, event, context))
            yield from _reply(case, _final_reply(case, event, context), context)
        case InterimAnswered():
            yield from _reply(case, _interim_reply(case, event), context)
        case CaseDeclared(matter_class=matter_class):
            text = wording.declared(case, matter_class, case.limit(LimitKind.APPROVAL))
            yield _progress(case, event, "case_declared", text)
        case InstructionAnswered():
            text = f"{case.unit_name}答复督办：{wording.sentence(event.answer)}"
            yield _progress(case, event, "instruction_answered", text, instruction_id=event.instruction_id)
        case SupplementsCame():
            yield _progress(case, event, "supplements_came", f"容缺受理的材料已补齐：“{case.matter.task_name}”。")
        case ConsultationAsked(requests=requests):
            for request in requests:
                yield from _consultation(case, request, context)
        case OpinionGiven():
            if event.handed_over is not None:
                yield from _consultation(case, event.handed_over, context)
            yield from _opinion(case, event, context)
        case CaseReferred():
            yield from _referral(case, event, context)
        case _:
            yield from _alerts(case, event, context)


def _about(case: Case) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "project_no": case.project_no,
        "org_code": case.org_code,
        "unit": case.unit_name,
        "centre": case.centre,
        "matter": case.matter,
        "request_kind": case.request_kind,
        "situation": case.situation,
    }


def _head(case: Case, event: CaseOpened) -> HeadFiling:
    limit = case.limit(LimitKind.APPROVAL)
    return trusted(HeadFiling)(
        **_about(case),
        text=wording.head(event),
        filed_at=event.at,
        asked_at=event.asked_at,
        received_at=event.received_at,
        approval_due_at=limit and limit.due_at,
        provisional=bool(limit and limit.provisional),
        matter_class=case.matter_class,
        ground_code=event.ground_code,
        reason=event.reason,
        legal_basis=event.legal_basis,
        fast_response_grounds=event.fast_response_grounds,
        first_asked=event.first_asked,
        proposed_by=event.proposed_by,
        late_filing=event.late_filing,
        unfiled=event.unfiled,
        reported_by=event.reported_by,
        reviewer_skipped=event.reviewer_skipped,
        lacking=event.lacking,
        linked_case=event.linked_case,
    )


def _tail(case: Case, event: CaseDecided, context: Context) -> TailFiling:
    time = context.working_time[case.centre]
    cards = wording.cards(case)
    return trusted(TailFiling)(
        **_about(case),
        text=wording.tail(case, event, cards),
        filed_at=event.at,
        outcome=event.outcome,
        outcome_name=outcome_in_chinese(event.outcome, case.request_kind),
        matter_class=case.matter_class,
        decided_by=event.by,
        decided_at_tier=event.tier,
        by_government=event.by_government,
        reviewed_by=case.review and case.review.by,
        reviewer_opinion=case.review and case.review.opinion,
        reviewer_skipped=case.reviewer_skipped,
        first_asked=case.first_asked,
        legal_basis=event.legal_basis,
        explanation=event.explanation,
        in_person=event.in_person,
        document_number=event.document_number,
        guidance=event.guidance,
        supplements=event.supplements,
        promise_date=event.promise_date,
        opened_at=case.opened_at,
        received_at=event.received_at,
        in_time=event.in_time,
        working_seconds=max(
            0, int(working_seconds_between(case.clock_start, event.received_at, time.calendar, time.hours))
        ),
        cards=cards,
        departs_from=event.departs_from,
        departure_reason=event.departure_reason,
        opinions=_opinions(case),
        late_filing=case.late_filing,
        unfiled=case.unfiled,
    )


def _final_reply(case: Case, event: CaseDecided, context: Context) -> ApplicantReply:
    limit = case.limit(LimitKind.FAST_RESPONSE)
    return trusted(ApplicantReply)(
        reply_id=event.reply_id,
        case_id=case.case_id,
        project_no=case.project_no,
        org_code=case.org_code,
        unit=case.unit_name,
        matter=case.matter,
        request_kind=case.request_kind,
        applicant_ref=case.applicant_ref,
        kind="final",
        outcome=event.outcome,
        outcome_name=outcome_in_chinese(event.outcome, case.request_kind),
        text=wording.final_reply(case, event),
        issued_at=event.at,
        first_asked=case.first_asked,
        answered_by=event.by,
        in_person=event.in_person,
        legal_basis=event.legal_basis,
        explanation=event.explanation,
        document_number=event.document_number,
        remedies=tuple(wording.remedies(case, event)) if event.outcome is Outcome.REFUSED else (),
        guidance=event.guidance,
        supplements=event.supplements,
        promise_date=event.promise_date,
        deliver_by=limit.due_at if limit else None,
    )


def _interim_reply(case: Case, event: InterimAnswered) -> ApplicantReply:
    limit = case.limit(LimitKind.FAST_RESPONSE)
    return trusted(ApplicantReply)(
        reply_id=event.reply_id,
        case_id=case.case_id,
        project_no=case.project_no,
        org_code=case.org_code,
        unit=case.unit_name,
        matter=case.matter,
        request_kind=case.request_kind,
        applicant_ref=case.applicant_ref,
        kind="interim",
        text=wording.interim_reply(case, event),
        issued_at=event.at,
        first_asked=case.first_asked,
        answered_by=event.by,
        until=event.until,
        deliver_by=limit.due_at if limit else None,
    )


def _reply(case: Case, reply: ApplicantReply, context: Context) -> Iterator[Message]:
    party = context.directory.speaker(case.org_code, Tier.CLERK) or case.window_party
    yield Message(Family.APPLICANT_REPLIES, party, reply)


def _progress(
    case: Case,
    event: CaseDeclared | InstructionAnswered | SupplementsCame,
    what: str,
    text: str,
    instruction_id: str | None = None,
) -> Message:
    body = trusted(ProgressFiling)(
        **_about(case),
        text=text,
        filed_at=event.at,
        what=what,
        by=event.by,
        instruction_id=instruction_id,
    )
    return Message(Family.COMMITTEE_FILINGS, case.centre, body)


def _opinions(case: Case) -> tuple[Opinion, ...]:
    return tuple(
        trusted(Opinion)(
            request_id=consulted.request.request_id,
            org_code=consulted.request.question.org_code,
            unit=consulted.request.unit_name,
            question=consulted.request.question.question,
            answer=consulted.answer,
            reason=consulted.reason,
            silent=consulted.silent,
        )
        for consulted in case.consultations
    )


def _tasks_opened(case: Case, event: Event, context: Context) -> Iterator[Message]:
    opened: tuple[Task, ...] = getattr(event, "tasks", ())
    for task in opened:
        party = context.directory.speaker(case.org_code, task.tier)
        if party is not None:
            yield Message(Family.TIER_TASKS, party, _task(case, task))


def _task(case: Case, task: Task) -> TierTask:
    whole = case.limit(LimitKind.APPROVAL)
    return trusted(TierTask)(
        **_about(case),
        text=wording.task(case, task),
        task_id=task.task_id,
        tier=task.tier,
        kind=task.kind,
        matter_class=case.matter_class,
        opened_at=task.opened_at,
        due_at=task.due_at,
        approval_due_at=whole and whole.due_at,
        provisional=bool(whole and whole.provisional),
        ground_code=case.ground_code,
        reason=case.reason,
        legal_basis=case.legal_basis,
        guidance=case.guidance,
        fast_response_grounds=case.fast_response_grounds,
        first_asked=case.first_asked,
        proposed_by=case.proposed_by,
        reviewed_by=case.review and case.review.by,
        reviewer_opinion=case.review and case.review.opinion,
        reviewer_reason=case.review and case.review.reason,
        question=task.question,
        lacking=task.lacking,
        passed_over=case.passed_over,
        precedents=task.precedents,
        opinions=_opinions(case),
        opinions_conflict=in_conflict(case),
        linked_case=case.linked_case,
    )


def _tasks_closed(before: Case | None, after: Case, event: Event, context: Context) -> Iterator[Message]:
    """Tasks that somebody else made needless; whoever did their own knows it."""
    if before is None:
        return
    answered = getattr(event, "answered_task", None)
    still_open = {task.task_id for task in after.tasks}
    for task in before.tasks:
        if task.task_id in still_open or task.task_id == answered or task.kind == "answer_instruction":
            continue
        party = context.directory.speaker(after.org_code, task.tier)
        if party is not None:
            body = trusted(TaskClosed)(
                case_id=after.case_id,
                task_id=task.task_id,
                tier=task.tier,
                why=event.type,
                text=f"“{after.matter.task_name}”的该项任务已无需办理。",
            )
            yield Message(Family.TIER_TASKS, party, body)


def _questions_closed(before: Case | None, event: Event, context: Context) -> Iterator[Message]:
    """Whoever still studies a case that was decided without them is told to stop."""
    if before is None or not isinstance(event, CaseDecided):
        return
    text = f"“{before.matter.task_name}”已办结，无需再答复。"
    for consulted in before.consultations:
        request = consulted.request
        party = context.directory.consulted_party(request.question.org_code) if consulted.answer is None else None
        if party is not None:
            body = trusted(RequestClosed)(
                request_id=request.request_id,
                case_id=before.case_id,
                asked_of=trusted(UnitName)(org_code=request.question.org_code, name=request.unit_name),
                text=text,
            )
            yield Message(Family.CONSULTATION_REQUESTS, party, body)
    centre = context.directory.centre(before.centre)
    if isinstance(before.stage, AtGovernment) and event.by_government is None and centre is not None:
        party = context.directory.government_party(centre.area_code)
        if party is not None:
            referral = trusted(ReferralClosed)(
                referral_id=before.stage.referral_id, case_id=before.case_id, area_code=centre.area_code, text=text
            )
            yield Message(Family.GOVERNMENT_REFERRALS, party, referral)


def _consultation(case: Case, request: ConsultationRequest, context: Context) -> Iterator[Message]:
    party = context.directory.consulted_party(request.question.org_code)
    if party is None:
        return
    limit = case.limit(LimitKind.CONSULTATION, request.request_id)
    due = f"请于{wording.moment(limit.due_at, provisional=limit.provisional)}前答复。" if limit else ""
    body = trusted(ConsultationRequested)(
        request_id=request.request_id,
        case_id=case.case_id,
        asked_of=trusted(UnitName)(org_code=request.question.org_code, name=request.unit_name),
        asked_by=trusted(UnitName)(org_code=case.org_code, name=case.unit_name),
        centre=case.centre,
        matter=case.matter,
        request_kind=case.request_kind,
        situation=case.situation,
        ground_code=case.ground_code,
        reason=case.reason,
        question=request.question.question,
        due_at=limit.due_at if limit else None,
        provisional=limit.provisional if limit else False,
        handed_over_from=request.handed_over_from,
        text=f"{case.unit_name}就“{case.matter.task_name}”征询贵单位意见：{wording.sentence(request.question.question)}{due}",
    )
    yield Message(Family.CONSULTATION_REQUESTS, party, body)


def _opinion(case: Case, event: OpinionGiven, context: Context) -> Iterator[Message]:
    consulted = next(c for c in case.consultations if c.request.request_id == event.request_id)
    # Who asked may have lost the case upward meanwhile (R24): the answer goes to whoever holds it.
    tier = case.holder if consulted.asked_by in case.passed_over else consulted.asked_by
    party = context.directory.speaker(case.org_code, tier)
    if party is None:
        return
    opinion = next(o for o in _opinions(case) if o.request_id == event.request_id)
    body = trusted(OpinionForwarded)(
        **_about(case),
        text=f"{event.unit_name}答复征询：{CHINESE[event.answer]}。{wording.sentence(event.reason)}",
        tier=tier,
        opinion=opinion,
        corrected=event.corrected,
        awaited=sum(1 for c in case.consultations if c.answer is None and not c.silent),
    )
    yield Message(Family.TIER_TASKS, party, body)


def _referral(case: Case, event: CaseReferred, context: Context) -> Iterator[Message]:
    party = context.directory.government_party(event.area_code)
    if party is None:
        return
    whole = case.limit(LimitKind.APPROVAL)
    body = trusted(GovernmentReferred)(
        **_about(case),
        text=f"{case.unit_name}就“{case.matter.task_name}”报请{event.government}研究决定：{wording.sentence(event.question)}建议：{wording.sentence(event.proposal)}",
        referral_id=event.referral_id,
        area_code=event.area_code,
        government=event.government,
        question=event.question,
        proposal=event.proposal,
        referred_by=event.by,
        opinions=_opinions(case),
        approval_due_at=whole and whole.due_at,
    )
    yield Message(Family.GOVERNMENT_REFERRALS, party, body)


def _alerts(case: Case, event: Event, context: Context) -> Iterator[Message]:
    for alert in alerting.alerts(event, case, context):
        body = trusted(DeadlineAlert)(**_about(case), **alerting.message(case, event, alert))
        for party in alerting.alerted(case, alert, context):
            yield Message(Family.DEADLINE_ALERTS, party, body)
