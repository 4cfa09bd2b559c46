"""The shipped years against two public libraries, against their notices' totals and against the law."""

from datetime import date, timedelta

import chinese_calendar
import holidays
import pytest

from deadlines import Calendar

YEARS = range(2016, 2027)

# Days off and make-up workdays that each notice arranges, counted by hand in its text.
BY_HAND = {
    "国办发明电〔2015〕18号": (1 + 7 + 1 + 2 + 3 + 3 + 7, 2 + 1 + 1 + 2),
    "国办发明电〔2016〕17号": (2 + 7 + 3 + 1 + 3 + 8, 2 + 1 + 1 + 1),
    "国办发明电〔2017〕12号": (1 + 7 + 3 + 3 + 1 + 1 + 7, 2 + 1 + 1 + 2),
    "国办发明电〔2018〕15号": (3 + 7 + 1 + 1 + 1 + 1 + 7, 1 + 2 + 2),
    "国办发明电〔2019〕3号": (4, 2),
    "国办发明电〔2019〕16号": (1 + 7 + 3 + 5 + 3 + 8, 2 + 2 + 1 + 2),
    "国办发明电〔2020〕1号": (3, 0),
    "国办发明电〔2020〕27号": (3 + 7 + 3 + 5 + 3 + 3 + 7, 2 + 2 + 1 + 2),
    "国办发明电〔2021〕11号": (3 + 7 + 3 + 5 + 3 + 3 + 7, 2 + 1 + 2 + 2),
    "国办发明电〔2022〕16号": (3 + 7 + 1 + 5 + 3 + 8, 2 + 2 + 1 + 2),
    "国办发明电〔2023〕7号": (1 + 8 + 3 + 5 + 1 + 3 + 7, 2 + 1 + 2 + 1 + 2),
    "国办发明电〔2024〕12号": (1 + 8 + 3 + 5 + 3 + 8, 2 + 1 + 2),
    "国办发明电〔2025〕7号": (3 + 9 + 3 + 5 + 3 + 3 + 7, 1 + 2 + 1 + 2),
}


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.rule("R25")
@pytest.mark.parametrize("year", YEARS)
def test_every_day_as_chinese_calendar_has_it(year: int, calendar: Calendar) -> None:
    """Every day of every year is worked or off as `chinese_calendar` has it; no notice says otherwise."""
    expected = {day: chinese_calendar.is_workday(day) for day in days_of(year)}

    assert expected == {day: calendar.is_working(day) for day in days_of(year)}


@pytest.mark.rule("R25")
@pytest.mark.parametrize("year", YEARS)
def test_every_day_as_holidays_has_it(year: int, calendar: Calendar) -> None:
    """Every day of every year is worked or off as `holidays` has it; no notice says otherwise."""
    china = holidays.country_holidays("CN", years=(year, year + 1))
    expected = {day: china.is_working_day(day) for day in days_of(year)}

    assert expected == {day: calendar.is_working(day) for day in days_of(year)}


@pytest.mark.rule("R25")
def test_each_notice_has_its_total_of_days(calendar: Calendar) -> None:
    """Each notice arranges as many days off and make-up workdays as its text adds up to."""
    totals = {
        notice.number: (sum(len(f.rest) for f in notice.festivals), sum(len(f.work) for f in notice.festivals))
        for year in calendar.years
        for notice in year.notices
    }

    assert dict(BY_HAND) == totals


@pytest.mark.rule("R25")
@pytest.mark.parametrize("year", YEARS)
def test_weekdays_off_without_make_up_are_the_statutory_holidays(year: int, calendar: Calendar) -> None:
    """Weekdays off less make-up workdays are the statutory holidays: 11 a year, 13 since 2025 (国务院令第795号).

    In 2020 Mid-Autumn fell on National Day, which took nothing away, and the extension of Spring Festival gave
    Friday 31 January and took Saturday 1 February from the make-up days: two more.
    """
    entry = next(known for known in calendar.years if known.year == year)
    off = {day for _, festival in entry.in_force() for day in festival.rest}
    worked = {day for _, festival in entry.in_force() for day in festival.work} - off
    weekdays = [day for day in off if day.weekday() < 5]
    statutory = 13 if year >= 2025 or year == 2020 else 11

    assert statutory == len(weekdays) - len(worked)


def test_each_year_has_one_file_and_an_unbroken_run(calendar: Calendar) -> None:
    """The shipped calendar holds 2016 to 2026 and is certain until the last day of 2026."""
    assert list(YEARS) == [year.year for year in calendar.years]
    assert date(2026, 12, 31) == calendar.certain_until


def test_each_notice_says_where_it_is_published(calendar: Calendar) -> None:
    """Each notice names the government's page it was published on and a title that names its year."""
    for year in calendar.years:
        for notice in year.notices:
            assert "www.gov.cn/" in notice.source
            assert f"{year.year}年" in notice.title
