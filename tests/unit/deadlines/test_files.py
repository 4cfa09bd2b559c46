"""Files of years and centres: what is accepted, and what is refused with the place named."""

from importlib import resources

import pytest

from deadlines import CalendarFileError, Centre, OpeningHours, Year, read_centre, read_file, read_year

YEAR = (resources.files("deadlines") / "years" / "2026.yaml").read_text("utf-8")
AMENDED = (resources.files("deadlines") / "years" / "2020.yaml").read_text("utf-8")
CENTRE = """
centre: 福州市市民服务中心
opening_hours: ["08:30-12:00", "15:00–18:00"]
closed:
  - days: 2026-07-10/2026-07-11
    reason: 台风停业
    english: typhoon
  - days: 2026-08-03
    reason: 系统切换
"""


@pytest.mark.rule("R25")
@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("work: [2026-01-04]", "work: [2026-01-11]", "`work` and the text differ on 2026-01-04, 2026-01-11"),
        ("work: [2026-01-04]", "work: []", "`work` and the text differ on 2026-01-04"),
        ("work: [2026-01-04]", "work: [2026-01-05]", "2026-01-05 is not a Saturday or Sunday"),
        ("work: [2026-01-04]", "work: [2026-01-03]", "both a day off and a make-up workday"),
        ("work: [2026-01-04]", "wrok: [2026-01-04]", "Extra inputs are not permitted"),
        ("2026-02-15/2026-02-23", "2026-02-15/2026-02-22", "`rest` and the text differ on 2026-02-23"),
        ("2026-02-15/2026-02-23", "2026-02-23/2026-02-15", "ends before it begins"),
        ("2026-02-15/2026-02-23", "soon", "rest"),
        ("2026-02-15/2026-02-23", "2026-02-15/2099-02-23", "longer than a year"),
        ("，共9天", "，共8天", "the text says 8 days, `rest` has 9"),
        ("1月4日（周日）上班", "1月4日（周六）上班", "2026-01-04 is not a 周六"),
        ("year: 2026", "year: 2027", "元旦: 2026-01-01 lies outside 2027 and the December before it"),
        ("year: 2026", "year: soon", "year: Input should be a valid integer"),
        ("国办发明电〔2025〕7号", "国办发明电[2025]7号", "number"),
        ("name: 端午节", "name: 龙舟节", "2026 is not complete: 端午节 missing"),
        ("name: 端午节", "name: 清明节", "arranges a festival twice"),
        ("    festivals:\n", "    amends: 国办发明电〔2025〕6号\n    festivals:\n", "first notice and amends nothing"),
        ("year: 2026", "year: 2026\nyear: 2026", "a key is written twice"),
        ("year: 2026", "year: [", "not readable as YAML"),
        ("2026-06-19/2026-06-21", "2026-06-19/2026-06-21\n        extends: true", "extends nothing"),
    ],
)
def test_a_year_that_differs_from_its_notice_is_refused(old: str, new: str, complaint: str) -> None:
    """An entry that does not say what it quotes is refused; the message names the file and what is wrong."""
    assert old in YEAR

    with pytest.raises(CalendarFileError) as refused:
        read_year(YEAR.replace(old, new, 1), "2026.yaml")

    assert "2026.yaml" in str(refused.value)
    assert complaint in str(refused.value)


@pytest.mark.rule("R26")
@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("    amends: 国办发明电〔2019〕16号\n", "", "must name in `amends`"),
        ("date: 2020-01-26", "date: 2019-01-26", "dated before"),
        ("2020-01-31/2020-02-02", "2020-01-31/2020-02-03", "the text extends to 2020-02-02"),
        ("        extends: true\n", "", "`extends: true` belongs to a text that extends"),
        ("rest: 2020-10-01/2020-10-08", "rest: 2020-10-01/2020-10-08\n        extends: true", "extends nothing"),
    ],
)
def test_an_amendment_that_does_not_fit_is_refused(old: str, new: str, complaint: str) -> None:
    """An amendment names the earlier notice that it amends, and extends only what it says."""
    assert old in AMENDED

    with pytest.raises(CalendarFileError, match=r"2020\.yaml") as refused:
        read_year(AMENDED.replace(old, new, 1), "2020.yaml")

    assert complaint in str(refused.value)


def test_days_named_by_two_festivals_are_refused() -> None:
    """A day belongs to one festival only."""
    text = YEAR.replace("2026-04-04/2026-04-06", "2026-04-06/2026-05-01\n        by_hand: true")

    with pytest.raises(CalendarFileError, match="2026-05-01 is named by both 清明节 and 劳动节"):
        read_year(text, "2026.yaml")


def test_a_sentence_worded_like_no_other_is_read_by_hand() -> None:
    """Where a person has compared an unusual sentence, the days stand as they are written."""
    old = "text: 6月19日（周五）至21日（周日）放假，共3天。"
    assert old in YEAR

    year = read_year(YEAR.replace(old, "text: 端午节放三天。\n        by_hand: true"), "2026.yaml")

    assert read_year(YEAR, "2026.yaml").notices[0].festivals[4].rest == year.notices[0].festivals[4].rest


def test_a_centre_has_hours_and_closings() -> None:
    """A centre's file gives its opening hours and its closings, with either dash and with or without English."""
    centre = read_centre(CENTRE, "centre.yaml")
    expected = {"台风停业": ("typhoon", 2), "系统切换": ("", 1)}

    assert OpeningHours.parse("08:30-12:00", "15:00-18:00") == centre.opening_hours
    assert expected == {closing.reason: (closing.english, len(closing.days)) for closing in centre.closed}


def test_a_centre_without_hours_has_the_usual_ones() -> None:
    """A centre's file may leave the opening hours out."""
    centre = read_centre("centre: 罗源县行政服务中心", "centre.yaml")

    assert OpeningHours.parse("09:00-12:00", "13:30-17:00") == centre.opening_hours


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("08:30-12:00", "8:30-12:00", "“8:30-12:00” is no session"),
        ("08:30-12:00", "08:30-12:70", "minutes end at 59"),
        ("08:30-12:00", "12:30-12:00", "closes before it opens"),
        ("08:30-12:00", "08:30-15:30", "begins before the one before it ends"),
        ("15:00–18:00", "15:00-25:00", "midnight at the latest"),
        ('["08:30-12:00", "15:00–18:00"]', "[]", "at least one session"),
        ("reason: 台风停业", "reason: ''", "closed → 0 → reason"),
        ("2026-08-03", "2026-08-33", "closed → 1 → days"),
    ],
)
def test_a_centre_file_that_cannot_be_understood_is_refused(old: str, new: str, complaint: str) -> None:
    """The message names the file, the place in it and the reason."""
    assert old in CENTRE

    with pytest.raises(CalendarFileError, match=r"centre\.yaml") as refused:
        read_centre(CENTRE.replace(old, new, 1), "centre.yaml")

    assert complaint in str(refused.value)


def test_a_file_says_itself_what_it_is() -> None:
    """A year and a centre are told apart by their keys; a file of neither kind is refused."""
    assert isinstance(read_file(YEAR, "a.yaml"), Year)
    assert isinstance(read_file(CENTRE.encode(), "b.yaml"), Centre)
    with pytest.raises(CalendarFileError, match=r"c\.yaml: neither a year"):
        read_file("- 1\n- 2\n", "c.yaml")
    with pytest.raises(CalendarFileError, match=r"d\.yaml: not readable"):
        read_file(b"\xff\xfe\x00", "d.yaml")
