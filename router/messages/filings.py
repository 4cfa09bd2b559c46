"""What the committee is told: the head, the tail, and what lies between them (R30 to R33)."""

from deadlines import working_seconds_between
from router import wording
from router.case import Case
from router.context import Context
from router.messages.message import Message, about, opinions
from topics.events import CaseDecided, CaseDeclared, CaseOpened, InstructionAnswered, SupplementsCame
from topics.fields import trusted
from topics.outbound import HeadFiling, Outbound, ProgressFiling, TailFiling
from topics.registry import Family
from topics.vocabulary import LimitKind, outcome_in_chinese


def head(case: Case, event: CaseOpened) -> Message:
    """The approval starts (R30)."""
    limit = case.limit(LimitKind.APPROVAL)
    body = trusted(
        HeadFiling,
        **about(case),
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
    return _filed(case, body)


def tail(case: Case, event: CaseDecided, context: Context) -> Message:
    """The final result, also when it is a yes (R31)."""
    time = context.working_time[case.centre]
    cards = wording.cards(case)
    body = trusted(
        TailFiling,
        **about(case),
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
        opinions=opinions(case),
        late_filing=case.late_filing,
        unfiled=case.unfiled,
    )
    return _filed(case, body)


def declared(case: Case, event: CaseDeclared) -> Message:
    """Special, or major and difficult: the limits move (R21, R22)."""
    text = wording.declared(case, event.matter_class, case.limit(LimitKind.APPROVAL))
    return _progress(case, event, "case_declared", text)


def instruction_answered(case: Case, event: InstructionAnswered) -> Message:
    """The unit's answer to the committee's instruction (R37)."""
    text = f"{case.unit_name}答复督办：{wording.sentence(event.answer)}"
    return _progress(case, event, "instruction_answered", text, instruction_id=event.instruction_id)


def supplements_came(case: Case, event: SupplementsCame) -> Message:
    """What was accepted with supplements is complete (R12)."""
    return _progress(case, event, "supplements_came", f"容缺受理的材料已补齐：“{case.matter.task_name}”。")


def _progress(
    case: Case,
    event: CaseDeclared | InstructionAnswered | SupplementsCame,
    what: str,
    text: str,
    instruction_id: str | None = None,
) -> Message:
    body = trusted(
        ProgressFiling,
        **about(case),
        text=text,
        filed_at=event.at,
        what=what,
        by=event.by,
        instruction_id=instruction_id,
    )
    return _filed(case, body)


def _filed(case: Case, body: Outbound) -> Message:
    return Message(Family.COMMITTEE_FILINGS, case.centre, body)
