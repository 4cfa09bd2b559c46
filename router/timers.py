"""When a case needs the clock next. Timers are not kept beside the case: they follow from its limits and the cards given."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from router.case import Case
from topics.events import Limit
from topics.vocabulary import Card, LimitKind


class Timer(NamedTuple):
    """One instant at which a limit wants attention: a share of it used (yellow), or all of it (red)."""

    at: datetime
    card: Card
    limit: Limit


def pending(case: Case) -> Iterator[tuple[datetime, Card, Limit]]:
    """The parts of every timer of the case that has not fired yet."""
    yellow, red = Card.YELLOW, Card.RED
    given = {(card.limit, card.about, card.card) for card in case.cards if not card.superseded}
    for limit in case.limits:
        yellow_at, due_at = limit.yellow_at, limit.due_at
        if given and (limit.kind, limit.about, red) in given:
            continue
        if yellow_at and yellow_at < due_at and not (given and (limit.kind, limit.about, yellow) in given):
            yield yellow_at, yellow, limit
        yield due_at, red, limit


def next_timer(case: Case) -> Timer | None:
    """The earliest; of two at the same instant, in the order of the limits' names, so that every run fires alike."""
    first: tuple[datetime, Card, Limit] | None = None
    for timer in pending(case):
        if first is None or timer[0] < first[0] or (timer[0] == first[0] and _rank(*timer) < _rank(*first)):
            first = timer
    return first and Timer(*first)


def _rank(at: datetime, card: Card, limit: Limit) -> tuple[bool, str, str]:
    return card is Card.RED, limit.kind, limit.about or ""


def without(limits: tuple[Limit, ...], *kinds: LimitKind, about: str | None = None) -> tuple[Limit, ...]:
    """The limits that go on when those of some kinds end; `about` narrows it to one task, request or instruction."""
    kept = [limit for limit in limits if limit.kind not in kinds or (about is not None and limit.about != about)]
    return tuple(kept)


def replaced(limits: tuple[Limit, ...], new: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """The limits with new ones in the place of those of the same kind and thing."""
    if not new:
        return limits
    keys = {(limit.kind, limit.about) for limit in new}
    return (*[limit for limit in limits if (limit.kind, limit.about) not in keys], *new)


def whole_limit(limits: tuple[Limit, ...]) -> Limit | None:
    """The approval's limit among those that run."""
    for limit in limits:
        if limit.kind is LimitKind.APPROVAL:
            return limit
    return None
