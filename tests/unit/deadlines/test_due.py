"""Due times as values: recomputed, kept and read back."""

from datetime import date
from importlib import resources

import pytest
from pydantic import BaseModel, ValidationError

from deadlines import (
    Calendar,
    DueTime,
    OpeningHours,
    end_of_statutory_days,
    named_day_close,
    read_year,
    same_day_close,
    working_days_due,
)

from .moments import at


class Kept(BaseModel):
    """A record that keeps a due time."""

    due: DueTime
    hours: OpeningHours
    calendar: Calendar | None = None


@pytest.fixture
def before_announcement(calendar: Calendar) -> Calendar:
    """The calendar as it was before the notice for 2026."""
    return Calendar(years=tuple(year for year in calendar.years if year.year < 2026))


@pytest.mark.rule("R26")
def test_a_due_time_moves_when_its_year_is_announced(
    before_announcement: Calendar, calendar: Calendar, hours: OpeningHours
) -> None:
    """A provisional due time is worked out again, and it says so where it moved."""
    old = working_days_due(at("2026-02-13T10:00"), 2, before_announcement, hours, rule="R21")
    new = old.recompute(calendar)

    assert (at("2026-02-17T17:00"), True) == (old.due, old.provisional)
    assert (at("2026-02-24T17:00"), False) == (new.due, new.provisional)
    assert (calendar.version, "R21", old.start) == (new.calendar_version, new.rule, new.start)
    assert new.moved_from(old)


@pytest.mark.rule("R26")
def test_a_due_time_that_becomes_certain_is_a_new_one_that_has_not_moved(
    before_announcement: Calendar, calendar: Calendar, hours: OpeningHours
) -> None:
    """Where the instant stays and only the doubt goes, the due time is new but not moved."""
    old = working_days_due(at("2026-03-10T10:00"), 1, before_announcement, hours)
    new = old.recompute(calendar)

    assert new is not old
    assert old.provisional
    assert not new.provisional
    assert not new.moved_from(old)


@pytest.mark.rule("R26")
def test_a_due_time_that_nothing_changes_is_the_same_one(
    before_announcement: Calendar, calendar: Calendar, hours: OpeningHours
) -> None:
    """A due time that a new calendar leaves alone is handed back itself."""
    due = working_days_due(at("2025-03-10T10:00"), 1, before_announcement, hours)

    assert due is due.recompute(calendar)
    assert due is due.recompute(before_announcement)


@pytest.mark.rule("R26")
@pytest.mark.parametrize(
    ("year", "start", "before", "after"),
    [(2019, "2019-04-30T10:00", "2019-05-02", "2019-05-05"), (2020, "2020-01-23T10:00", "2020-01-31", "2020-02-03")],
)
def test_an_amendment_moves_open_due_times(
    year: int, start: str, before: str, after: str, calendar: Calendar, hours: OpeningHours
) -> None:
    """May Day 2019 and Spring Festival 2020: due times under the first notice move with the amendment."""
    text = (resources.files("deadlines") / "years" / f"{year}.yaml").read_text("utf-8")
    amended = read_year(text, f"{year}.yaml")
    first = calendar.with_year(amended.model_copy(update={"notices": amended.notices[:1]}))
    due = working_days_due(at(start), 1, first, hours)

    assert at(f"{before}T17:00") == due.due
    assert at(f"{after}T17:00") == due.recompute(calendar.with_year(amended)).due


@pytest.mark.rule("R25")
def test_other_opening_hours_move_a_due_time(calendar: Calendar, hours: OpeningHours) -> None:
    """A centre that closes later moves its due times to its new closing time."""
    due = working_days_due(at("2026-11-23T10:00"), 1, calendar, hours)

    assert at("2026-11-24T18:00") == due.recompute(calendar, OpeningHours.parse("09:00-18:00")).due


@pytest.mark.rule("R25")
def test_a_due_time_is_kept_and_read_back_with_its_derivation(calendar: Calendar, hours: OpeningHours) -> None:
    """The record holds the due time with its days; read back it is equal, explains itself and can be recomputed."""
    start = at("2026-12-31T16:50")
    for due in (
        working_days_due(start, 2, calendar, hours, rule="R21"),
        working_days_due(start, 1, calendar, hours, counting="next_working_day"),
        end_of_statutory_days(start, 5, calendar, hours),
        same_day_close(at("2026-09-30T18:00"), calendar, hours),
        named_day_close(date(2026, 10, 4), calendar, hours),
    ):
        kept = Kept.model_validate_json(Kept(due=due, hours=hours).model_dump_json())

        assert due == kept.due
        assert due.derivation == kept.due.derivation
        assert hours == kept.hours
        assert kept.due is kept.due.recompute(calendar)


def test_a_calendar_goes_into_a_model_as_it_is(calendar: Calendar, hours: OpeningHours) -> None:
    """A calendar is no record: a model takes it as it is."""
    due = same_day_close(at("2026-11-23T10:00"), calendar, hours)

    assert calendar is Kept(due=due, hours=hours, calendar=calendar).calendar


@pytest.mark.parametrize("written", ["soon", {"rule": "R20"}, {"rule": "R20", "start": 7}])
def test_what_is_no_due_time_is_refused(written: object) -> None:
    """An object that is no due time is a validation error, not a crash."""
    with pytest.raises(ValidationError):
        Kept.model_validate({"due": written, "hours": "09:00-17:00"})


@pytest.mark.rule("R25")
def test_the_record_is_compact(calendar: Calendar, hours: OpeningHours) -> None:
    """What is empty or usual is left out of a day's record."""
    written = working_days_due(at("2026-11-21T10:00"), 1, calendar, hours, rule="R20").to_json()

    assert {
        "rule": "R20",
        "start": "2026-11-21T10:00:00+08:00",
        "workingDays": 1,
        "reckoning": "next_calendar_day",
        "due": "2026-11-23T17:00:00+08:00",
        "provisional": False,
        "calendarVersion": calendar.version,
        "openingHours": "09:00-12:00 13:30-17:00",
        "days": [
            {"date": "2026-11-21", "counts": False, "role": "start", "kind": "weekend"},
            {"date": "2026-11-22", "counts": False, "role": "skipped", "kind": "weekend"},
            {"date": "2026-11-23", "counts": True, "role": "counted", "kind": "workday", "number": 1},
        ],
    } == written
