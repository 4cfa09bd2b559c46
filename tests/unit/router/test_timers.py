"""Which timer is next: the earliest, and the same one in every run."""

import pytest

from router.timers import next_timer
from topics.record import changed
from topics.vocabulary import Card, LimitKind

from . import world
from .specification import Specification


@pytest.mark.parametrize("turn", [1, -1])
def test_of_timers_at_the_same_instant_a_warning_comes_first_then_the_limits_name_decides(turn: int) -> None:
    """In whatever order the limits stand."""
    case = Specification().opened().state
    limit = changed(case.limits[0], {"due_at": world.MORNING, "yellow_at": None})
    budget = changed(limit, {"kind": LimitKind.REVIEWER_BUDGET})
    warned = changed(limit, {"due_at": world.shanghai("2026-11-24T12:00"), "yellow_at": world.MORNING})
    first = next_timer(changed(case, {"limits": (limit, budget)[::turn]}))
    warning = next_timer(changed(case, {"limits": (limit, changed(warned, {"kind": LimitKind.DELIVERY}))[::turn]}))

    assert first is not None
    assert (LimitKind.APPROVAL, Card.RED) == (first.limit.kind, first.card)
    assert warning is not None
    assert (LimitKind.DELIVERY, Card.YELLOW) == (warning.limit.kind, warning.card)
