"""What the applicant is to be told, for the window software that tells them (R03, R23)."""

from typing import Any

from router import wording
from router.case import Case
from router.context import Context
from router.messages.message import Message
from topics.events import CaseDecided, InterimAnswered
from topics.fields import trusted
from topics.outbound import ApplicantReply
from topics.registry import Family
from topics.vocabulary import LimitKind, Outcome, Tier, outcome_in_chinese


def final(case: Case, event: CaseDecided, context: Context) -> Message:
    """The result, why, and what to do next."""
    body = trusted(
        ApplicantReply,
        **_of_reply(case, event),
        kind="final",
        outcome=event.outcome,
        outcome_name=outcome_in_chinese(event.outcome, case.request_kind),
        text=wording.final_reply(case, event),
        in_person=event.in_person,
        legal_basis=event.legal_basis,
        explanation=event.explanation,
        document_number=event.document_number,
        remedies=tuple(wording.remedies(case, event)) if event.outcome is Outcome.REFUSED else (),
        guidance=event.guidance,
        supplements=event.supplements,
        promise_date=event.promise_date,
    )
    return _to_window(case, body, context)


def interim(case: Case, event: InterimAnswered, context: Context) -> Message:
    """Who is studying what until when."""
    body = trusted(
        ApplicantReply,
        **_of_reply(case, event),
        kind="interim",
        text=wording.interim_reply(case, event),
        until=event.until,
    )
    return _to_window(case, body, context)


def _of_reply(case: Case, event: CaseDecided | InterimAnswered) -> dict[str, Any]:
    limit = case.limit(LimitKind.FAST_RESPONSE)
    return {
        "reply_id": event.reply_id,
        "case_id": case.case_id,
        "project_no": case.project_no,
        "org_code": case.org_code,
        "unit": case.unit_name,
        "matter": case.matter,
        "request_kind": case.request_kind,
        "applicant_ref": case.applicant_ref,
        "issued_at": event.at,
        "first_asked": case.first_asked,
        "answered_by": event.by,
        "deliver_by": limit and limit.due_at,
    }


def _to_window(case: Case, body: ApplicantReply, context: Context) -> Message:
    party = context.directory.speaker(case.org_code, Tier.CLERK) or case.window_party
    return Message(Family.APPLICANT_REPLIES, party, body)
