"""What other departments and the government are told: what they are asked, and that nobody waits for it any more (R14, R15)."""

from collections.abc import Iterable, Iterator

from router import wording
from router.case import AtGovernment, Case
from router.context import Context
from router.messages.message import Message, about, opinions
from topics.events import CaseDecided, CaseReferred, ConsultationRequest, Event
from topics.fields import trusted
from topics.outbound import ConsultationRequested, GovernmentReferred, ReferralClosed, RequestClosed
from topics.parts import UnitName
from topics.registry import Family
from topics.vocabulary import LimitKind


def departments(case: Case, requests: Iterable[ConsultationRequest], context: Context) -> Iterator[Message]:
    """A question each, without the applicant's identity (R14)."""
    for request in requests:
        party = context.directory.consulted_party(request.question.org_code)
        if party is not None:
            yield Message(Family.CONSULTATION_REQUESTS, party, _request(case, request))


def _request(case: Case, request: ConsultationRequest) -> ConsultationRequested:
    limit = case.limit(LimitKind.CONSULTATION, request.request_id)
    due = f"请于{wording.moment(limit.due_at, provisional=limit.provisional)}前答复。" if limit else ""
    return trusted(
        ConsultationRequested,
        request_id=request.request_id,
        case_id=case.case_id,
        asked_of=_asked_of(request),
        asked_by=trusted(UnitName, org_code=case.org_code, name=case.unit_name),
        centre=case.centre,
        matter=case.matter,
        request_kind=case.request_kind,
        situation=case.situation,
        ground_code=case.ground_code,
        reason=case.reason,
        question=request.question.question,
        due_at=limit and limit.due_at,
        provisional=bool(limit and limit.provisional),
        handed_over_from=request.handed_over_from,
        text=f"{case.unit_name}就“{case.matter.task_name}”征询贵单位意见：{wording.sentence(request.question.question)}{due}",
    )


def government(case: Case, event: CaseReferred, context: Context) -> Iterator[Message]:
    """The case, with all that was said so far (R15)."""
    party = context.directory.government_party(event.area_code)
    if party is None:
        return
    whole = case.limit(LimitKind.APPROVAL)
    body = trusted(
        GovernmentReferred,
        **about(case),
        text=f"{case.unit_name}就“{case.matter.task_name}”报请{event.government}研究决定：{wording.sentence(event.question)}建议：{wording.sentence(event.proposal)}",
        referral_id=event.referral_id,
        area_code=event.area_code,
        government=event.government,
        question=event.question,
        proposal=event.proposal,
        referred_by=event.by,
        opinions=opinions(case),
        approval_due_at=whole and whole.due_at,
    )
    yield Message(Family.GOVERNMENT_REFERRALS, party, body)


def closed(before: Case | None, event: Event, context: Context) -> Iterator[Message]:
    """Whoever still studies a case that was decided without them is told to stop."""
    if before is None or not isinstance(event, CaseDecided):
        return
    text = f"“{before.matter.task_name}”已办结，无需再答复。"
    yield from _requests_closed(before, text, context)
    if event.by_government is None:
        yield from _referral_closed(before, text, context)


def _requests_closed(case: Case, text: str, context: Context) -> Iterator[Message]:
    for consulted in case.consultations:
        request = consulted.request
        party = context.directory.consulted_party(request.question.org_code) if consulted.answer is None else None
        if party is not None:
            body = trusted(
                RequestClosed,
                request_id=request.request_id,
                case_id=case.case_id,
                asked_of=_asked_of(request),
                text=text,
            )
            yield Message(Family.CONSULTATION_REQUESTS, party, body)


def _referral_closed(case: Case, text: str, context: Context) -> Iterator[Message]:
    if not isinstance(case.stage, AtGovernment):
        return
    centre = context.directory.centre(case.centre)
    party = context.directory.government_party(centre.area_code) if centre is not None else None
    if centre is not None and party is not None:
        body = trusted(
            ReferralClosed,
            referral_id=case.stage.referral_id,
            case_id=case.case_id,
            area_code=centre.area_code,
            text=text,
        )
        yield Message(Family.GOVERNMENT_REFERRALS, party, body)


def _asked_of(request: ConsultationRequest) -> UnitName:
    return trusted(UnitName, org_code=request.question.org_code, name=request.unit_name)
