"""The calendar: kinds of days, certainty, versions, and years loaded or amended."""

from datetime import date
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from deadlines import (
    SHANGHAI,
    Calendar,
    Closing,
    Day,
    DayKind,
    OpeningHours,
    OutsideCalendarError,
    Year,
    read_year,
    working_days_due,
)

from .moments import at

NOTICE_2026 = "国办发明电〔2025〕7号"


def closing(days: str, reason: str = "消防演练") -> Closing:
    return Closing.model_validate({"days": days, "reason": reason})


def shipped_year(year: int) -> str:
    return (resources.files("deadlines") / "years" / f"{year}.yaml").read_text("utf-8")


def as_first_announced(year: int) -> Year:
    """The year as it was before its amendment."""
    amended = read_year(shipped_year(year), f"{year}.yaml")
    return amended.model_copy(update={"notices": amended.notices[:1]})


@pytest.mark.rule("R25")
@pytest.mark.parametrize(
    ("text", "kind", "name", "notice"),
    [
        ("2026-11-23", DayKind.WORKDAY, "", ""),
        ("2026-11-22", DayKind.WEEKEND, "", ""),
        ("2026-10-01", DayKind.HOLIDAY, "国庆节", NOTICE_2026),
        ("2026-10-03", DayKind.HOLIDAY, "国庆节", NOTICE_2026),
        ("2026-10-10", DayKind.MAKEUP_WORKDAY, "国庆节", NOTICE_2026),
        ("2018-12-29", DayKind.MAKEUP_WORKDAY, "元旦", "国办发明电〔2018〕15号"),
        ("2020-01-30", DayKind.HOLIDAY, "春节", "国办发明电〔2019〕16号"),
        ("2020-01-31", DayKind.HOLIDAY, "春节", "国办发明电〔2020〕1号"),
        ("2020-02-01", DayKind.HOLIDAY, "春节", "国办发明电〔2020〕1号"),
        ("2020-01-19", DayKind.MAKEUP_WORKDAY, "春节", "国办发明电〔2019〕16号"),
    ],
)
def test_a_day_has_its_kind_and_notice(text: str, kind: DayKind, name: str, notice: str, calendar: Calendar) -> None:
    """A day says what it is, and by which notice."""
    day = calendar.day(date.fromisoformat(text))

    assert (kind, name, notice, True) == (day.kind, day.name, day.notice, day.certain)


@pytest.mark.rule("R26")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2027-01-01", DayKind.FIXED_HOLIDAY),
        ("2027-01-04", DayKind.WORKDAY),
        ("2027-02-08", DayKind.WORKDAY),
        ("2027-05-01", DayKind.FIXED_HOLIDAY),
        ("2027-05-03", DayKind.WORKDAY),
        ("2028-05-02", DayKind.FIXED_HOLIDAY),
        ("2027-10-01", DayKind.FIXED_HOLIDAY),
        ("2027-10-04", DayKind.WORKDAY),
        ("2027-10-09", DayKind.WEEKEND),
        ("2014-05-02", DayKind.WORKDAY),
        ("2014-10-03", DayKind.FIXED_HOLIDAY),
    ],
)
def test_an_unannounced_year_has_weekends_and_fixed_dates_only(text: str, kind: DayKind, calendar: Calendar) -> None:
    """Nothing is guessed of an unannounced year but weekends and holidays on fixed dates, and no day is certain.

    The second of May is a holiday since 2025 only.
    """
    day = calendar.day(date.fromisoformat(text))

    assert (kind, False) == (day.kind, day.certain)


@pytest.mark.rule("R26")
def test_certain_days_run_out_at_the_last_announced_year(calendar: Calendar) -> None:
    """The days of certain calendar that are left are counted to the end of the last announced year."""
    expected = {date(2026, 11, 16): 45, date(2026, 12, 31): 0, date(2027, 3, 1): 0}

    assert expected == {today: calendar.certain_days_left(today) for today in expected}


@pytest.mark.rule("R26")
def test_a_year_loaded_ahead_of_a_gap_makes_nothing_certain(calendar: Calendar) -> None:
    """Certainty ends before the first gap, and an old year loaded apart does not shorten it."""
    text = shipped_year(2026)
    entry = read_year(text, "2026.yaml")
    ahead, behind = (entry.model_copy(update={"year": year}) for year in (2028, 2013))

    assert date(2026, 12, 31) == calendar.with_year(ahead).with_year(behind).certain_until
    assert calendar.with_year(ahead).is_certain(date(2028, 5, 5))
    assert not calendar.with_year(ahead).is_certain(date(2027, 5, 5))


@pytest.mark.rule("R26")
def test_what_is_announced_holds_and_not_the_fixed_dates(calendar: Calendar) -> None:
    """The fixed dates stand in for a notice only until there is one, whatever it says of them."""
    entry = read_year(shipped_year(2026), "2026.yaml").model_copy(update={"year": 2028})
    labour_day = date(2028, 5, 1)

    assert Day(labour_day, DayKind.FIXED_HOLIDAY, "劳动节", "Labour Day", certain=False) == calendar.day(labour_day)
    assert Day(labour_day, DayKind.WORKDAY) == calendar.with_year(entry).day(labour_day)


@pytest.mark.rule("R26")
def test_a_stretch_guesses_if_any_of_its_days_does(calendar: Calendar) -> None:
    """The first day of an unannounced year is enough, at either end of a stretch."""
    last, first = date(2026, 12, 31).toordinal(), date(2027, 1, 1).toordinal()
    expected = {(last - 9, last): False, (last, first): True, (first, first): True, (first + 5, first + 9): True}

    assert expected == {stretch: calendar.guesses(*stretch) for stretch in expected}


@pytest.mark.rule("R26")
def test_loading_a_year_gives_another_calendar_with_another_version(calendar: Calendar) -> None:
    """A year loaded moves what was provisional, in a new calendar: the old one stays as it was."""
    without = Calendar(years=tuple(year for year in calendar.years if year.year < 2026))
    with_it = without.with_year(read_year(shipped_year(2026), "2026.yaml"))

    assert without.version != with_it.version
    assert calendar.version == with_it.version
    assert calendar == with_it
    assert date(2025, 12, 31) == without.certain_until
    assert without.is_working(date(2026, 2, 16))
    assert not with_it.is_working(date(2026, 2, 16))


@pytest.mark.rule("R26")
@pytest.mark.parametrize(
    ("year", "text", "before", "after"),
    [(2019, "2019-05-02", True, False), (2019, "2019-05-05", False, True), (2020, "2020-02-01", True, False)],
)
def test_an_amended_year_replaces_the_one_before(
    year: int, text: str, before: bool, after: bool, calendar: Calendar
) -> None:
    """May Day 2019 and Spring Festival 2020 were amended; the version tells the calendars apart."""
    first = calendar.with_year(as_first_announced(year))
    day = date.fromisoformat(text)

    assert before == first.is_working(day)
    assert after == calendar.is_working(day)
    assert first.version != calendar.version


@pytest.mark.rule("R25")
def test_a_centre_closes_days_of_its_own(calendar: Calendar) -> None:
    """A centre's closing takes out working days, make-up days too; what is off anyway keeps its own reason."""
    own = calendar.with_closings(closing("2026-10-09/2026-10-12"), closing("2026-10-07", "盘点"))

    assert [
        Day(date(2026, 10, 7), DayKind.HOLIDAY, "国庆节", "National Day", NOTICE_2026),
        Day(date(2026, 10, 8), DayKind.WORKDAY),
        Day(date(2026, 10, 9), DayKind.CLOSED, "消防演练"),
        Day(date(2026, 10, 10), DayKind.CLOSED, "消防演练"),
        Day(date(2026, 10, 11), DayKind.WEEKEND),
        Day(date(2026, 10, 12), DayKind.CLOSED, "消防演练"),
    ] == list(own.days(date(2026, 10, 7), date(2026, 10, 12)))
    assert own.version != calendar.version
    assert calendar == own.statutory()


def test_a_calendar_ends_with_the_century(calendar: Calendar, hours: OpeningHours) -> None:
    """Days before 2000 and after 2099 are refused, in a question and in a closing."""
    with pytest.raises(OutsideCalendarError, match="1999-12-31"):
        calendar.is_working(date(1999, 12, 31))
    with pytest.raises(OutsideCalendarError, match="2100-01-01"):
        calendar.is_working(date(2100, 1, 1))
    with pytest.raises(OutsideCalendarError, match="beyond"):
        working_days_due(at("2099-12-31T10:00"), 1, calendar, hours)
    with pytest.raises(OutsideCalendarError, match="2100-01-01"):
        calendar.with_closings(closing("2100-01-01"))
    assert not calendar.is_working(date(2000, 1, 1))
    assert calendar.is_working(date(2099, 12, 31))


def test_a_year_is_loaded_once(calendar: Calendar) -> None:
    """Two entries for a year are refused: which of them holds would be a guess."""
    with pytest.raises(ValueError, match="loaded twice"):
        Calendar(years=(*calendar.years, calendar.years[0]))


def test_a_calendar_without_years_is_certain_of_nothing() -> None:
    """Without any year every day is a guess."""
    calendar = Calendar()

    assert not calendar.is_certain(date(2026, 1, 1))
    assert calendar.certain_days_left(date(2026, 1, 1)) == 0
    assert calendar.version.startswith("none-")


def test_shanghai_is_where_the_time_zone_database_has_it() -> None:
    """A fixed offset says the same as the time zone database, winter and summer, 2000 to 2099."""
    zone = ZoneInfo("Asia/Shanghai")

    for year in range(2000, 2100):
        for month in (1, 4, 7, 10):
            moment = at(f"{year}-{month:02}-01T12:00")
            assert moment.astimezone(zone).replace(tzinfo=None) == moment.astimezone(SHANGHAI).replace(tzinfo=None)
