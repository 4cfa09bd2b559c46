"""What a scrape is told at an instant, in the sample centre's working time: 09:00 to 12:00 and 13:30 to 17:00."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from consumers.exporter import Surroundings
from consumers.reference import load_reference
from consumers.settings import Settings
from metrics.counting import UNKNOWN
from metrics.table import JOURNAL
from metrics.totals import RESULTS, WINDOWS, WITHIN, Totals

from ...timing import at

DIRECTORY = Path(__file__).parents[3] / "deploy" / "sample" / "directory.yaml"
CENTRE = "fz-shimin"
UNIT = "11350100SAMPLE0003"
DEPARTMENT = "11350100SAMPLE0010"
HOUR = 3600.0
DAY = 6.5 * HOUR
MONDAY = at("2026-11-23 10:00")


@pytest.fixture(scope="module")
def world() -> Surroundings:
    """The sample directory in the shipped calendar."""
    return Surroundings(load_reference(Settings(directory=DIRECTORY)))


def told(totals: Totals, world: Surroundings, now: datetime) -> dict[str, dict[tuple[str, ...], float]]:
    """Every series that is no histogram."""
    return {one.metric.name: dict(one.values) for one in totals.series(now, world) if one.histograms is None}


def test_every_metric_is_told(world: Surroundings) -> None:
    """In the table's order, before anything was counted."""
    assert list(JOURNAL) == [one.metric for one in Totals().series(MONDAY, world)]


def test_limits_due_are_those_that_end_within_the_hours(world: Surroundings) -> None:
    """To the minute; what has passed is not due any more, and what ends later is not yet."""
    totals = Totals()
    for minutes in (-1, 0, 1, 60, 61, 120, 121, 240, 241):
        totals.running[UNIT, "approval", MONDAY + timedelta(minutes=minutes)] += 1
    found = told(totals, world, MONDAY)

    assert {"1h": 2, "2h": 4, "4h": 6} == {
        within: found["noveto_limits_due"][UNIT, "approval", within] for within in WITHIN
    }


def test_the_oldest_overdue_is_the_longest_over(world: Surroundings) -> None:
    """By the clock on the wall, for each limit; only approvals are heads past their limit (R32)."""
    totals = Totals()
    totals.running[UNIT, "approval", MONDAY - timedelta(hours=70)] += 2
    totals.running[UNIT, "approval", MONDAY - timedelta(minutes=5)] += 1
    totals.running[UNIT, "delivery", MONDAY - timedelta(minutes=7)] += 1
    totals.running[UNIT, "delivery", MONDAY - timedelta(minutes=9)] += 0
    totals.running[UNIT, "fast_response", MONDAY + timedelta(minutes=7)] += 1
    found = told(totals, world, MONDAY)

    assert 3 == found["noveto_limits_overdue"][UNIT, "approval"]
    assert 1 == found["noveto_limits_overdue"][UNIT, "delivery"]
    assert (UNIT, "fast_response") not in found["noveto_limits_overdue"]
    assert 70 * HOUR == found["noveto_oldest_overdue_seconds"][UNIT, "approval"]
    assert 420 == found["noveto_oldest_overdue_seconds"][UNIT, "delivery"]
    assert 3 == found["noveto_heads_without_tail_past_due"][UNIT,]


def test_a_limit_that_ended_and_one_of_another_kind_are_told_as_0(world: Surroundings) -> None:
    """A limit that a unit ever had stays in sight."""
    totals = Totals()
    totals.values["noveto_limits_started", (UNIT, "approval")] = 4
    found = told(totals, world, MONDAY)

    assert 0 == found["noveto_limits_overdue"][UNIT, "approval"]
    assert 0 == found["noveto_oldest_overdue_seconds"][UNIT, "approval"]
    assert {0} == {found["noveto_limits_due"][UNIT, "approval", within] for within in WITHIN}


@pytest.mark.rule("R25")
@pytest.mark.parametrize(
    ("moment", "opened"),
    [
        ("2026-11-23 08:59", 0),
        ("2026-11-23 09:00", 1),
        ("2026-11-23 12:00", 0),
        ("2026-11-23 13:30", 1),
        ("2026-11-23 17:00", 0),
        ("2026-11-22 10:00", 0),
        ("2026-10-05 10:00", 0),
        ("2026-10-10 10:00", 1),
    ],
)
def test_the_centre_is_open_in_its_hours_on_working_days(world: Surroundings, moment: str, opened: int) -> None:
    """Not at noon, on Sunday or in a holiday; on a make-up Saturday it is."""
    assert {(CENTRE,): opened} == told(Totals(), world, at(moment))["noveto_centre_open"]


@pytest.mark.parametrize(
    ("moment", "working"),
    [("2026-11-20 16:30", 0.5 * HOUR), ("2026-11-22 12:00", HOUR), ("2026-11-23 10:00", 2 * HOUR)],
)
def test_silence_is_counted_in_working_time(world: Surroundings, moment: str, working: float) -> None:
    """Heard on Friday at 16:00: a weekend is no silence. Who was never heard is silent since the journal began."""
    totals = Totals(heard={UNIT: at("2026-11-20 16:00")}, began=at("2026-11-19 17:00"))
    silent = told(totals, world, at(moment))["noveto_unit_silent_working_seconds"]

    assert working == silent[UNIT,]
    assert {working + DAY - HOUR} == {seconds for (unit,), seconds in silent.items() if unit != UNIT}
    assert (DEPARTMENT,) not in silent


def test_the_working_day_is_six_and_a_half_hours(world: Surroundings) -> None:
    """Three before noon, three and a half after."""
    assert {(CENTRE,): DAY} == told(Totals(), world, MONDAY)["noveto_centre_working_day_seconds"]


@pytest.mark.rule("R26")
@pytest.mark.parametrize(("day", "left"), [("2026-11-23", 38), ("2026-12-31", 0), ("2027-01-05", 0)])
def test_the_certain_calendar_ends_with_the_announced_year(world: Surroundings, day: str, left: int) -> None:
    """In whole days from today."""
    found = told(Totals(), world, at(f"{day} 10:00"))

    assert {(CENTRE,): left * 86400} == found["noveto_calendar_certain_seconds"]


@pytest.mark.parametrize(
    ("moment", "late"),
    [
        ("2026-11-20 17:00", {"15m": 1, "1h": 1, "1d": 1, "3d": 1}),
        ("2026-11-23 09:10", {"15m": 1, "1h": 1, "1d": 1, "3d": 1}),
        ("2026-11-23 09:20", {"15m": 0, "1h": 1, "1d": 1, "3d": 1}),
        ("2026-11-23 10:05", {"15m": 0, "1h": 0, "1d": 1, "3d": 1}),
        ("2026-11-24 09:10", {"15m": 0, "1h": 0, "1d": 0, "3d": 1}),
        ("2026-11-25 17:10", {"15m": 0, "1h": 0, "1d": 0, "3d": 1}),
        ("2026-11-26 09:10", {"15m": 0, "1h": 0, "1d": 0, "3d": 0}),
    ],
)
def test_windows_of_answers_are_of_working_time(world: Surroundings, moment: str, late: dict[str, int]) -> None:
    """An answer late at Friday's closing time is within the last working quarter of an hour on Monday morning."""
    totals = Totals()
    totals.answers[CENTRE, at("2026-11-20 17:00"), "late"] += 1
    found = told(totals, world, at(moment))["noveto_answers_in_window"]

    assert late == {window: found[CENTRE, window, "late"] for window in WINDOWS}
    assert {0} == {found[CENTRE, window, "in_time"] for window in WINDOWS}
    assert len(WINDOWS) * len(RESULTS) == len(found)


def test_what_will_be_counted_is_seen_at_0_first(world: Surroundings) -> None:
    """Else `increase()` misses the first breach, the first late filing, the first record of an unknown sender."""
    found = told(Totals(), world, MONDAY)

    assert 0 == found["noveto_deadline_breaches"][UNIT, "decision_maker", "approval", "general"]
    assert 0 == found["noveto_deadline_breaches"][DEPARTMENT, "department", "consultation", "general"]
    assert 0 == found["noveto_late_filings"][UNIT,] == found["noveto_unfiled_refusals"][UNIT,]
    assert 0 == found["noveto_statutory_notices_near"][UNIT,] == found["noveto_cases_open"][UNIT, "at_reviewer"]
    assert 0 == found["noveto_interim_answers"][UNIT, "clerk"] == found["noveto_cases_returned"][UNIT, "reviewer"]
    assert {("hall-windows", "bad_field"), (UNKNOWN, "bad_field")} <= found["noveto_dead_letters"].keys()


def test_units_have_their_names_and_departments_no_centre(world: Surroundings) -> None:
    """What dashboards and alerts take names and centres from."""
    found = told(Totals(), world, MONDAY)["noveto_unit_info"]

    assert 1 == found[UNIT, CENTRE, "福州市人力资源和社会保障局"]
    assert [""] == [centre for unit, centre, _ in found if unit == DEPARTMENT]
