"""Others are asked about a case, and answer: departments (R14), the government (R15), the committee its own questions (R37)."""

from typing import Any

from router.case import AtGovernment, Case, Consulted, InConsultation, Instruction, stage_of
from router.changes import tasks
from router.changes.people import joined
from router.timers import replaced, without
from topics.events import (
    CaseReferred,
    ConsultationAsked,
    ConsultationClosed,
    GovernmentRuled,
    InstructionAnswered,
    InstructionGiven,
    OpinionGiven,
)
from topics.inbound import Direct
from topics.record import changed
from topics.vocabulary import LimitKind, Tier

DECISION_MAKER = frozenset({Tier.DECISION_MAKER})


def consulted(case: Case, event: ConsultationAsked) -> dict[str, Any]:
    """Departments have questions; the asker holds the case."""
    asked = tuple(Consulted(request=request, asked_by=event.tier) for request in event.requests)
    return {
        "stage": InConsultation(since=event.at, asker=event.tier),
        "consultations": case.consultations + asked,
        "reviewers": joined(case.reviewers, event.by) if event.tier is Tier.REVIEWER else case.reviewers,
        "limits": replaced(case.limits, event.limits),
    }


def opinion_given(case: Case, event: OpinionGiven) -> dict[str, Any]:
    """One answer, or another department that has the question now."""
    consultations = tuple(
        _answered(asked, event) if asked.request.request_id == event.request_id else asked
        for asked in case.consultations
    )
    if event.handed_over is not None:
        asked_by = next(c.asked_by for c in case.consultations if c.request.request_id == event.request_id)
        consultations += (Consulted(request=event.handed_over, asked_by=asked_by),)
    return {
        "consultations": consultations,
        "limits": replaced(without(case.limits, LimitKind.CONSULTATION, about=event.request_id), event.limits),
        **_back_to_asker(case, consultations, event),
    }


def silent(case: Case, event: ConsultationClosed) -> dict[str, Any]:
    """A department did not answer: neither consent nor objection."""
    consultations = tuple(
        changed(asked, {"silent": True}) if asked.request.request_id == event.request_id else asked
        for asked in case.consultations
    )
    return {
        "consultations": consultations,
        "limits": without(case.limits, LimitKind.CONSULTATION, about=event.request_id),
        **_back_to_asker(case, consultations, event),
    }


def referred(case: Case, event: CaseReferred) -> dict[str, Any]:
    """The government has the question."""
    return {"stage": AtGovernment(since=event.at, referral_id=event.referral_id)}


def ruled(case: Case, event: GovernmentRuled) -> dict[str, Any]:
    """A direction gives the case back to the decision-maker; a yes or a no is the next fact's."""
    if not isinstance(event.ruling, Direct):
        return {}
    return {
        **tasks.handed_on(case, event, DECISION_MAKER, event.by),
        "stage": stage_of(Tier.DECISION_MAKER, event.at),
    }


def instructed(case: Case, event: InstructionGiven) -> dict[str, Any]:
    """The unit owes the committee an answer."""
    instruction = Instruction(instruction_id=event.instruction_id, kind=event.kind)
    return {
        "instructions": (*case.instructions, instruction),
        "limits": replaced(case.limits, event.limits),
        "tasks": case.tasks + event.tasks,
    }


def instruction_answered(case: Case, event: InstructionAnswered) -> dict[str, Any]:
    """The committee has its answer."""
    return {
        "instructions": tuple(
            changed(given, {"answered": True}) if given.instruction_id == event.instruction_id else given
            for given in case.instructions
        ),
        "limits": without(case.limits, LimitKind.INSTRUCTION, about=event.instruction_id),
        "tasks": tuple(task for task in case.tasks if task.task_id != event.instruction_id),
    }


def _answered(asked: Consulted, event: OpinionGiven) -> Consulted:
    return changed(
        asked,
        {
            "answer": event.answer,
            "reason": event.reason,
            "silent": False,
            "handed_over": asked.handed_over or event.handed_over is not None,
        },
    )


def _back_to_asker(
    case: Case, consultations: tuple[Consulted, ...], event: OpinionGiven | ConsultationClosed
) -> dict[str, Any]:
    """When all have answered or were silent, the asker has the case again, with a task that sums it up."""
    changes: dict[str, Any] = {"tasks": case.tasks + event.tasks}
    if isinstance(case.stage, InConsultation) and all(c.answer or c.silent for c in consultations):
        changes["stage"] = stage_of(case.stage.asker, event.at)
    return changes
