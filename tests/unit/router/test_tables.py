"""Tables say what each kind of thing means: none is missing, and each meaning is that of its own kind."""

from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

import pytest

from router import acts, decide, evolve
from router.context import CalendarChanged, LimitsDue
from topics.events import Event
from topics.inbound import INBOUND, AnswerInstruction, Decision

EVENTS = set(get_args(get_args(Event)[0]))
DECISIONS = set(get_args(get_args(Decision)[0]))
BY_THE_CLOCK = {LimitsDue, CalendarChanged}


def test_everything_that_can_be_said_has_a_meaning() -> None:
    """Whether there is a case or not."""
    assert {*INBOUND.values(), *BY_THE_CLOCK} == set(decide.IN_A_CASE)
    assert set(decide.BY_THE_CLOCK) == BY_THE_CLOCK


def test_every_fact_changes_a_case_in_its_own_way() -> None:
    """And two of them begin one."""
    assert EVENTS == set(evolve.CHANGES)
    assert EVENTS > set(evolve.BEGINNINGS)


def test_every_act_has_a_meaning() -> None:
    """But the answer to the committee, which is no act on the case."""
    assert DECISIONS - {AnswerInstruction} == set(acts.MEANINGS)


@pytest.mark.parametrize(
    "table", [decide.OPENINGS, decide.BY_THE_CLOCK, decide.IN_A_CASE, evolve.BEGINNINGS, evolve.CHANGES, acts.MEANINGS]
)
def test_each_meaning_takes_what_it_is_the_meaning_of(table: Mapping[type[Any], Callable[..., Any]]) -> None:
    """A table holds functions of any type, so this is what the type checker does not see."""
    for kind, meaning in table.items():
        assert any(issubclass(kind, get_args(taken) or taken) for taken in _taken(meaning)), kind


def _taken(meaning: Callable[..., Any]) -> list[Any]:
    hints = get_type_hints(meaning)
    return [hint for name, hint in hints.items() if name in ("message", "event", "decision", "due", "change")]
