"""A message and where it goes, and what most messages say of their case."""

from dataclasses import dataclass
from typing import Any

from router.case import Case
from topics.fields import trusted
from topics.outbound import Opinion, Outbound
from topics.registry import Family


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one party (or centre); its id is made of the case, the version and its place in the list."""

    family: Family
    owner: str | None
    body: Outbound


def about(case: Case) -> dict[str, Any]:
    """Which case, whose, about what: the fields of `AboutUnitsCase`, but for its text."""
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


def opinions(case: Case) -> tuple[Opinion, ...]:
    """What each asked department said, or that it was silent (R14)."""
    return tuple(
        trusted(
            Opinion,
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
