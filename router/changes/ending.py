"""The answer: what the applicant is told, and what still runs after the end (R12, R31, R38)."""

from typing import Any

from router.case import Case, Closed, Reply
from router.changes import tasks
from router.timers import without
from topics.events import CaseDecided, DeliveryConfirmed, InterimAnswered, SupplementsCame, SupplementsOverdue
from topics.record import changed
from topics.vocabulary import LimitKind, Tier

EVERYBODY = frozenset(Tier)


def decided(case: Case, event: CaseDecided) -> dict[str, Any]:
    """It is closed, and the applicant is to be told."""
    in_person = event.in_person is not None and event.in_person.required
    reply = Reply(reply_id=event.reply_id, kind="final", in_person=in_person)
    return {
        **tasks.handed_on(case, event, EVERYBODY, event.by),
        "stage": Closed(since=event.at, outcome=event.outcome),
        "limits": event.limits,
        "replies": (*case.replies, reply),
        "supplements": event.supplements,
        "guidance": event.guidance or case.guidance,
    }


def interim(case: Case, event: InterimAnswered) -> dict[str, Any]:
    """The applicant is to be told who is studying what until when (R23)."""
    return {"replies": (*case.replies, Reply(reply_id=event.reply_id, kind="interim"))}


def delivered(case: Case, event: DeliveryConfirmed) -> dict[str, Any]:
    """The applicant was told: that is what the fast response and the delivery's own limit waited for."""
    replies = tuple(
        changed(reply, {"delivered": True}) if reply.reply_id == event.reply_id else reply for reply in case.replies
    )
    awaited = without(case.limits, LimitKind.FAST_RESPONSE)
    return {"replies": replies, "limits": without(awaited, LimitKind.DELIVERY, about=event.reply_id)}


def supplements_came(case: Case, event: SupplementsCame) -> dict[str, Any]:
    """Nothing is owed any more."""
    return {
        "supplements": (),
        "limits": without(case.limits, LimitKind.SUPPLEMENTS),
        "tasks": tuple(task for task in case.tasks if task.kind != "follow_up_supplements"),
    }


def supplements_overdue(case: Case, event: SupplementsOverdue) -> dict[str, Any]:
    """Somebody is to follow up; nothing else changes."""
    return {"limits": without(case.limits, LimitKind.SUPPLEMENTS), "tasks": case.tasks + event.tasks}
