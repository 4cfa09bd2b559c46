"""What a fact makes of a case. Total and without judgement: every decision was taken when the fact was made."""

from collections.abc import Callable, Mapping
from typing import Any

from router.case import Case
from router.changes import asking, beginning, clock, ending, tiers
from topics.events import (
    CardCorrected,
    CardGiven,
    CaseDecided,
    CaseDeclared,
    CaseEscalated,
    CaseOpened,
    CaseReferred,
    CaseReturned,
    ConsultationAsked,
    ConsultationClosed,
    DeemedAccepted,
    DeliveryConfirmed,
    Event,
    Fact,
    GovernmentRuled,
    GuidanceRecorded,
    InstructionAnswered,
    InstructionGiven,
    InterimAnswered,
    LimitsMoved,
    OpinionGiven,
    ProposalSupplied,
    StatutoryNoticeNear,
    SupervisionNoticed,
    SupplementsCame,
    SupplementsOverdue,
    TierPassed,
    TierRestored,
    WithdrawalAsked,
)
from topics.record import changed


def _open_already(case: Case, event: CaseOpened | GuidanceRecorded) -> dict[str, Any]:
    raise ValueError(f"{case.case_id} is open already")


# Tables, since a pattern that does not match costs more than the change itself.
BEGINNINGS: Mapping[type[Fact], Callable[[str, Any], Case]] = {
    CaseOpened: beginning.opened,
    GuidanceRecorded: beginning.guided,
}
CHANGES: dict[type[Fact], Callable[[Case, Any], dict[str, Any]]] = {
    **dict.fromkeys(BEGINNINGS, _open_already),
    CaseEscalated: tiers.escalated,
    CaseReturned: tiers.returned,
    ProposalSupplied: tiers.supplied,
    TierPassed: tiers.passed,
    TierRestored: tiers.restored,
    CaseDeclared: tiers.declared,
    WithdrawalAsked: tiers.withdrawal_asked,
    CaseDecided: ending.decided,
    InterimAnswered: ending.interim,
    DeliveryConfirmed: ending.delivered,
    SupplementsCame: ending.supplements_came,
    SupplementsOverdue: ending.supplements_overdue,
    ConsultationAsked: asking.consulted,
    OpinionGiven: asking.opinion_given,
    ConsultationClosed: asking.silent,
    CaseReferred: asking.referred,
    GovernmentRuled: asking.ruled,
    InstructionGiven: asking.instructed,
    InstructionAnswered: asking.instruction_answered,
    CardGiven: clock.card_given,
    CardCorrected: clock.card_corrected,
    StatutoryNoticeNear: clock.notice_near,
    DeemedAccepted: clock.deemed_accepted,
    SupervisionNoticed: clock.supervised,
    LimitsMoved: clock.limits_moved,
}


def evolve(case: Case | None, case_id: str, event: Event) -> Case:
    """The case after one more fact. `case` is None before its first."""
    fact = type(event)
    if case is None:
        if fact not in BEGINNINGS:
            raise ValueError(f"a case does not begin with {event.type}")
        return BEGINNINGS[fact](case_id, event)
    changes = CHANGES[fact](case, event)
    changes["version"] = case.version + 1
    if case.passing is not None and "stage" in changes:
        # Somebody has acted since: what comes now comes too late to have the case back.
        changes.setdefault("passing", None)
    return changed(case, changes)
