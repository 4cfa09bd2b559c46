"""What time and the calendar leave in a case: cards, notices, limits that moved (R24, R26 to R29)."""

from datetime import datetime
from typing import Any

from router.case import Case, GivenCard
from router.changes import tasks
from router.timers import replaced, whole_limit
from topics.events import (
    CardCorrected,
    CardGiven,
    DeemedAccepted,
    LimitsMoved,
    StatutoryNoticeNear,
    SupervisionNoticed,
)
from topics.record import changed
from topics.vocabulary import Card, LimitKind


def card_given(case: Case, event: CardGiven) -> dict[str, Any]:
    """A card stays in the record."""
    card = GivenCard(
        card=event.card,
        limit=event.limit,
        about=event.about,
        at=event.at,
        fell_due_at=event.fell_due_at or event.due_at,
        due_at=event.due_at,
    )
    return {"cards": (*case.cards, card)}


def card_corrected(case: Case, event: CardCorrected) -> dict[str, Any]:
    """It stays, and does not count."""
    return {
        "cards": tuple(
            changed(card, {"corrected": True})
            if (card.limit, card.card, card.about) == (event.limit, event.card, event.about)
            else card
            for card in case.cards
        )
    }


def notice_near(case: Case, event: StatutoryNoticeNear) -> dict[str, Any]:
    """Told once, as by a yellow card."""
    running = case.limit(LimitKind.STATUTORY_NOTICE)
    return _statutory(case, event, Card.YELLOW, (running and running.yellow_at) or event.due_at)


def deemed_accepted(case: Case, event: DeemedAccepted) -> dict[str, Any]:
    """Told once, as by a red card."""
    return _statutory(case, event, Card.RED, event.due_at)


def supervised(case: Case, event: SupervisionNoticed) -> dict[str, Any]:
    """How often the committee was told that nobody acts."""
    return {"supervised": event.times, "limits": replaced(case.limits, event.limits)}


def limits_moved(case: Case, event: LimitsMoved) -> dict[str, Any]:
    """Limits by the new calendar, and the tasks that are due with them."""
    return {
        "limits": replaced(case.limits, event.limits),
        "tasks": tasks.moved(case, whole_limit(event.previous), whole_limit(event.limits)),
    }


def _statutory(
    case: Case, event: StatutoryNoticeNear | DeemedAccepted, card: Card, fell_due_at: datetime
) -> dict[str, Any]:
    given = GivenCard(
        card=card,
        limit=LimitKind.STATUTORY_NOTICE,
        at=event.at,
        fell_due_at=fell_due_at,
        due_at=event.due_at,
    )
    return {"cards": (*case.cards, given)}
