"""The program against due times worked out by hand."""

import pytest

from deadlines import Calendar, OpeningHours, working_days_due

from .hand_checked import FROM_THE_NEXT_CALENDAR_DAY, FROM_THE_NEXT_WORKING_DAY, HandChecked
from .moments import at


@pytest.mark.rule("R20")
@pytest.mark.rule("R21")
@pytest.mark.rule("R25")
@pytest.mark.parametrize("case", FROM_THE_NEXT_CALENDAR_DAY, ids=lambda case: f"{case.start}+{case.days}")
def test_due_as_by_hand(case: HandChecked, calendar: Calendar, hours: OpeningHours) -> None:
    """The due time is the one worked out by hand, it is certain, and the notice is in its derivation."""
    due = working_days_due(at(case.start), case.days, calendar, hours)

    assert at(f"{case.due}T17:00") == due.due
    assert not due.provisional
    assert not case.notice or case.notice in {derived.day.notice for derived in due.derivation}


@pytest.mark.rule("R25")
@pytest.mark.parametrize("case", FROM_THE_NEXT_WORKING_DAY, ids=lambda case: f"{case.start}+{case.days}")
def test_due_by_the_policy_as_by_hand(case: HandChecked, calendar: Calendar, hours: OpeningHours) -> None:
    """Counting from the next working day gives the due time worked out by hand."""
    due = working_days_due(at(case.start), case.days, calendar, hours, counting="next_working_day")

    assert at(f"{case.due}T17:00") == due.due
    assert not case.notice or case.notice in {derived.day.notice for derived in due.derivation}


def test_the_table_is_long_enough() -> None:
    """At least sixty cases, from every year 2018 to 2026."""
    years = {case.due[:4] for case in FROM_THE_NEXT_CALENDAR_DAY}

    assert len(FROM_THE_NEXT_CALENDAR_DAY) >= 60
    assert {str(year) for year in range(2018, 2027)} == years
