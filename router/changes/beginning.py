"""How a case begins: its state after its first fact."""

from router.case import AtClerk, Case, Closed, Stage, stage_of
from router.changes.people import joined
from topics.events import CaseOpened, GuidanceRecorded
from topics.vocabulary import Outcome, Tier


def opened(case_id: str, event: CaseOpened) -> Case:
    """A refusal was proposed or reported (R30)."""
    return Case(
        case_id=case_id,
        version=1,
        org_code=event.org_code,
        unit_name=event.unit_name,
        centre=event.centre,
        window_party=event.window_party,
        project_no=event.project_no,
        matter=event.matter,
        request_kind=event.request_kind,
        situation=event.situation,
        ground_code=event.ground_code,
        reason=event.reason,
        legal_basis=event.legal_basis,
        guidance=event.guidance,
        proposed_by=event.proposed_by,
        first_asked=event.first_asked,
        fast_response_grounds=event.fast_response_grounds,
        linked_case=event.linked_case,
        applicant_ref=event.applicant_ref,
        asked_at=event.asked_at,
        received_at=event.received_at,
        clock_start=event.clock_start,
        opened_at=event.at,
        late_filing=event.late_filing,
        unfiled=event.unfiled,
        reviewer_skipped=event.reviewer_skipped,
        lacking=event.lacking,
        stage=_first_stage(event),
        tasks=event.tasks,
        proposers=joined((), event.proposed_by),
        limits=event.limits,
    )


def guided(case_id: str, event: GuidanceRecorded) -> Case:
    """Guidance that needed no refusal: the case ends as it begins (R05)."""
    return Case(
        case_id=case_id,
        version=1,
        org_code=event.org_code,
        unit_name=event.unit_name,
        centre=event.centre,
        window_party=event.window_party,
        matter=event.matter,
        request_kind=event.request_kind,
        situation=event.situation,
        guidance=event.guidance,
        proposed_by=event.given_by,
        first_asked=event.given_by,
        applicant_ref=event.applicant_ref,
        asked_at=event.asked_at,
        received_at=event.at,
        clock_start=event.asked_at,
        opened_at=event.at,
        headless=True,
        stage=Closed(since=event.at, outcome=Outcome.GUIDED),
    )


def _first_stage(event: CaseOpened) -> Stage:
    tiers = {task.tier for task in event.tasks}
    if Tier.DECISION_MAKER in tiers:
        return stage_of(Tier.DECISION_MAKER, event.at)
    if Tier.REVIEWER in tiers:
        return stage_of(Tier.REVIEWER, event.at)
    return AtClerk(since=event.at, back_to=Tier.DECISION_MAKER if event.reviewer_skipped else Tier.REVIEWER)
