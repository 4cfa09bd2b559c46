"""Cards and notices about limits: what a fact means for whoever must know of it (R24, R26 to R28, R12, R14)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from deadlines import working_seconds_between
from router import wording
from router.case import Case
from router.context import Context
from topics.events import (
    CardCorrected,
    CardGiven,
    ConsultationClosed,
    DeemedAccepted,
    Event,
    Limit,
    LimitsMoved,
    StatutoryNoticeNear,
    SupervisionNoticed,
    SupplementsOverdue,
)
from topics.vocabulary import CHINESE, LimitKind, Tier


class Alert(NamedTuple):
    """What is to be told beside the case itself, and the department that must know of it too (its orgCode)."""

    fields: dict[str, Any]
    department: str | None = None


def alerts(event: Event, case: Case, context: Context) -> Iterator[Alert]:
    """The alerts that a fact means; most facts mean none."""
    match event:
        case CardGiven():
            yield _card(event, case, context)
        case CardCorrected():
            yield _card_corrected(event, case)
        case SupervisionNoticed():
            yield _supervision(event, case)
        case StatutoryNoticeNear() | DeemedAccepted():
            yield _statutory(event, case)
        case SupplementsOverdue(due_at=due_at):
            text = f"“{case.matter.task_name}”容缺受理的补正期限已过，请跟进。"
            yield Alert({"kind": "supplements_overdue", "limit": LimitKind.SUPPLEMENTS, "due_at": due_at, "text": text})
        case ConsultationClosed():
            text = f"{event.unit_name}逾期未答复征询（记为未答复，不视为同意或反对）：“{case.matter.task_name}”。"
            fields = {
                "kind": "consultation_silent",
                "limit": LimitKind.CONSULTATION,
                "due_at": event.due_at,
                "text": text,
            }
            yield Alert(fields, event.org_code)
        case LimitsMoved():
            for new, old in zip(event.limits, event.previous, strict=True):
                yield _moved(new, old, case)
        case _:
            return


def alerted(case: Case, alert: Alert, context: Context) -> list[str]:
    """Who is told: the unit and the committee, and a department whose own limit it is (R27)."""
    directory = context.directory
    parties = (
        directory.speaker(case.org_code, Tier.DECISION_MAKER),
        directory.committee_party(case.centre),
        directory.consulted_party(alert.department) if alert.department else None,
    )
    return list(dict.fromkeys(party for party in parties if party))


def message(case: Case, event: Event, alert: Alert) -> dict[str, Any]:
    """The fields of a `DeadlineAlert`, but for those that name the case."""
    return {"at": event.at, "matter_class": case.matter_class, **alert.fields}


def _card(event: CardGiven, case: Case, context: Context) -> Alert:
    time = context.working_time[case.centre]
    department = _asked(case, event.about) if event.limit is LimitKind.CONSULTATION else None
    return Alert(
        {
            "kind": "card",
            "card": event.card,
            "limit": event.limit,
            "due_at": event.due_at,
            "provisional": event.provisional,
            "holder": event.holder,
            "holder_name": event.holder_name,
            "held_since": event.held_since,
            "working_seconds_left": int(working_seconds_between(event.at, event.due_at, time.calendar, time.hours)),
            "router_behind": event.router_behind,
            "text": wording.card(case, event),
        },
        department,
    )


def _card_corrected(event: CardCorrected, case: Case) -> Alert:
    given = next(
        card for card in case.cards if (card.limit, card.card, card.about) == (event.limit, event.card, event.about)
    )
    text = (
        f"更正：{case.unit_name}“{case.matter.task_name}”的{CHINESE[event.limit]}{CHINESE[event.card]}不予计入："
        f"有关办理于{wording.moment(event.received_at)}到达，未超时限。"
    )
    return Alert(
        {"kind": "card_corrected", "card": event.card, "limit": event.limit, "due_at": given.due_at, "text": text}
    )


def _supervision(event: SupervisionNoticed, case: Case) -> Alert:
    text = f"督办提示（第{event.times}次）：{case.unit_name}“{case.matter.task_name}”超期未决定，现由{CHINESE[case.holder]}办理。"
    return Alert(
        {
            "kind": "supervision_notice",
            "limit": LimitKind.APPROVAL,
            "due_at": event.due_at,
            "holder": case.holder,
            "holder_name": case.unit_name,
            "held_since": case.stage.since,
            "times": event.times,
            "text": text,
        }
    )


def _statutory(event: StatutoryNoticeNear | DeemedAccepted, case: Case) -> Alert:
    if isinstance(event, StatutoryNoticeNear):
        kind = "statutory_near"
        text = f"“{case.matter.task_name}”尚未一次性告知补正内容，逾{wording.moment(event.due_at)}依法视为受理。"
    else:
        kind = "deemed_accepted"
        text = f"“{case.matter.task_name}”逾期未一次性告知补正内容，依据行政许可法第三十二条，自收到申请材料之日起即为受理。"
    return Alert({"kind": kind, "limit": LimitKind.STATUTORY_NOTICE, "due_at": event.due_at, "text": text})


def _moved(new: Limit, old: Limit, case: Case) -> Alert:
    text = (
        f"“{case.matter.task_name}”的{CHINESE[new.kind]}因节假日安排调整，由{wording.moment(old.due_at, provisional=old.provisional)}"
        f"改为{wording.moment(new.due_at, provisional=new.provisional)}。"
    )
    return Alert(
        {
            "kind": "limits_moved",
            "limit": new.kind,
            "due_at": new.due_at,
            "previous_due_at": old.due_at,
            "provisional": new.provisional,
            "text": text,
        }
    )


def _asked(case: Case, request_id: str | None) -> str | None:
    """The department of a consultation request."""
    return next((c.request.question.org_code for c in case.consultations if c.request.request_id == request_id), None)
