"""`noveto deadline` as those who type it meet it."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from consumers.cli.deadline import deadline

SHIPPED_2026 = (resources.files("deadlines") / "years" / "2026.yaml").read_text("utf-8")
SHIPPED_2019 = (resources.files("deadlines") / "years" / "2019.yaml").read_text("utf-8")
CENTRE = 'centre: 罗源县行政服务中心\nopening_hours: ["08:30-17:30"]\nclosed:\n  - {days: 2026-10-08, reason: 搬迁}\n'


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(deadline, arguments, input=stdin, prog_name="noveto deadline")


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.rule("R25")
def test_explain_prints_both_languages() -> None:
    """`explain` prints the derivation line by line in Chinese and in English."""
    result = run("explain", "--from", "2026-09-30T16:50", "--days", "1")

    assert result.exit_code == 0
    assert "  2026-10-07 周三  不计  国庆节放假，国办发明电〔2025〕7号\n" in result.stdout
    assert "到期：2026-10-08 周四 17:00" in result.stdout
    assert "  2026-10-07 Wed  not counted  holiday: National Day, 国办发明电〔2025〕7号\n" in result.stdout
    assert "Due: 2026-10-08 Thu 17:00" in result.stdout


@pytest.mark.rule("R25")
def test_explain_answers_with_one_json_object() -> None:
    """`--json` gives the due time in Shanghai time, whether it is provisional, and each day with its reason."""
    (answer,) = objects(run("explain", "--from", "2026-09-30T16:50", "--days", "1", "--json", "--rule", "R20"))
    whole = {"due": "2026-10-08T17:00:00+08:00", "provisional": False, "rule": "R20"}
    second = {
        "date": "2026-10-01",
        "counts": False,
        "role": "skipped",
        "kind": "holiday",
        "name": "国庆节",
        "english": "National Day",
        "notice": "国办发明电〔2025〕7号",
        "reason": {"zh": "国庆节放假，国办发明电〔2025〕7号", "en": "holiday: National Day, 国办发明电〔2025〕7号"},
    }
    first = {"date": "2026-09-30", "counts": False, "role": "start", "kind": "workday"}
    last = {"date": "2026-10-08", "counts": True, "number": 1}

    assert whole.items() <= answer.items()
    assert first.items() <= answer["days"][0].items()
    assert second == answer["days"][1]
    assert last.items() <= answer["days"][-1].items()


@pytest.mark.rule("R25")
@pytest.mark.parametrize(
    "start", ["2026-11-20T17:30", "2026-11-20 17:30:00", "2026-11-20T09:30Z", "2026-11-20T17:30+08:00", "2026-11-20"]
)
def test_times_are_shanghai_s_unless_they_name_an_offset(start: str) -> None:
    """A time without an offset is Asia/Shanghai; the letter T, seconds and the hour may be left out."""
    (answer,) = objects(run("explain", "--from", start, "--days", "1", "--json"))

    assert answer["due"] == "2026-11-23T17:00:00+08:00"


@pytest.mark.rule("R25")
def test_the_policy_counts_from_the_next_working_day() -> None:
    """`--counting next_working_day` deems a request on Saturday made on Monday."""
    arguments = ("explain", "--from", "2026-11-21T10:00", "--days", "1", "--json", "--counting", "next_working_day")
    (answer,) = objects(run(*arguments))

    assert answer["due"] == "2026-11-24T17:00:00+08:00"


@pytest.mark.rule("R26")
def test_explain_marks_what_is_provisional() -> None:
    """A due time in an unannounced year says so, in text and in JSON."""
    text = run("explain", "--from", "2026-12-31T10:00", "--days", "1").stdout
    (answer,) = objects(run("explain", "--from", "2026-12-31T10:00", "--days", "1", "--json"))

    assert "暂定：2027年" in text
    assert "Provisional: " in text
    assert answer["provisional"] is True


@pytest.mark.rule("R25")
def test_a_list_is_answered_line_by_line() -> None:
    """Every line has its answer, empty lines none; a byte order mark and Windows line ends do no harm."""
    stdin = "\ufeff2026-09-30T16:50\t1\r\n\r\n2026-02-13T09:00\t2\r\n".encode()
    result = run("explain", "--file", "-", stdin=stdin)
    expected = [(1, "2026-10-08T17:00:00+08:00"), (3, "2026-02-24T17:00:00+08:00")]

    assert result.exit_code == 0
    assert expected == [(answer["line"], answer["due"]) for answer in objects(result)]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("soon\t1", "“soon” is no time"),
        ("2026-09-30T16:50", "with a tab between"),
        ("2026-09-30T16:50 1", "with a tab between"),
        ("2026-09-30T16:50\tone", "“one” is no number of days"),
        ("2026-09-30T16:50\t-1", "“-1” is no number of days"),
        ("2026-09-30T16:50\t1\t2", "is no number of days"),
        ("2026-09-30T16:50\t0", "at least 1 working day"),
        ("2026-09-30T16:50\t99999999999999999999", "beyond the calendar"),
        ("1999-12-31T16:50\t1", "outside the calendar"),
        ("0001-01-01T00:00+14:00\t1", "out of range"),
        ("\ufffd\ufffd\t1", "is no time"),
    ],
)
def test_a_bad_line_is_answered_with_its_error(line: str, error: str) -> None:
    """A line that cannot be answered says why, the others are answered, and the exit status tells."""
    result = run("explain", "--file", "-", stdin=f"{line}\n2026-11-23T10:00\t1\n")
    bad, good = objects(result)

    assert result.exit_code == 1
    assert bad["line"] == 1
    assert error in bad["error"]
    assert good["due"] == "2026-11-24T17:00:00+08:00"


def test_a_list_that_is_not_utf_8_is_answered_too() -> None:
    """Bytes that are no text make their line a bad one."""
    result = run("explain", "--file", "-", stdin=b"\xff\xfe\t1\n2026-11-23T10:00\t1\n")

    assert ["error" in answer for answer in objects(result)] == [True, False]


@pytest.mark.rule("R25")
def test_a_centre_and_years_of_one_s_own(tmp_path: Path) -> None:
    """`--calendar` takes a directory or files: closings, opening hours, and years in place of the shipped ones."""
    (tmp_path / "centre.yaml").write_text(CENTRE, "utf-8")
    (tmp_path / "2026.yaml").write_text(SHIPPED_2026, "utf-8")
    (tmp_path / "notes.txt").write_text("not a calendar", "utf-8")
    arguments = ("explain", "--from", "2026-09-30T16:50", "--days", "1", "--json", "--calendar")

    for paths in ((str(tmp_path),), (str(tmp_path / "2026.yaml"), "--calendar", str(tmp_path / "centre.yaml"))):
        (answer,) = objects(run(*arguments, *paths))
        assert answer["due"] == "2026-10-09T17:30:00+08:00"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain"], "--from 2026-09-30T16:50 --days 1"),
        (["explain", "--from", "2026-09-30T16:50"], "--from 2026-09-30T16:50 --days 1"),
        (["explain", "--from", "2026-13-30", "--days", "1"], "“2026-13-30” is no time"),
        (["explain", "--from", "1999-01-01", "--days", "1"], "outside the calendar (2000 to 2099)"),
        (["explain", "--from", "2026-09-30", "--days", "0"], "x>=1"),
        (["explain", "--from", "2026-09-30", "--days", "1", "--file", "-"], "leave --from and --days out"),
        (["explain", "--file", "nowhere.txt"], "nowhere.txt"),
        (["explain", "--from", "2026-09-30", "--days", "1", "--calendar", "nowhere"], "nowhere"),
        (["calendar", "1999"], "2000<=x<=2099"),
        (["check", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_mistakes_are_explained(arguments: list[str], message: str) -> None:
    """A mistake is answered with what to do about it, never with a traceback."""
    result = run(*arguments)

    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)
    assert message in result.stderr


def test_files_that_cannot_be_used_are_explained(tmp_path: Path) -> None:
    """A bad file, an empty directory, two centres and a closing beyond the calendar are each named."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text(SHIPPED_2026.replace("[2026-01-04]", "[2026-01-11]"), "utf-8")
    (tmp_path / "far.yaml").write_text(CENTRE.replace("2026-10-08", "2126-10-08"), "utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(CENTRE, "utf-8")
    explain = ("explain", "--from", "2026-09-30", "--days", "1")
    asked = {
        "no .yaml, .yml, .json files": ("--calendar", str(tmp_path / "empty")),
        "`work` and the text differ on 2026-01-04, 2026-01-11": ("--calendar", str(tmp_path / "bad.yaml")),
        "2126-10-08 lies outside": ("--calendar", str(tmp_path / "far.yaml")),
        "a second centre": ("--calendar", str(tmp_path / "one.yaml"), "--calendar", str(tmp_path / "two.yaml")),
    }

    for message, options in asked.items():
        result = run(*explain, *options)
        assert result.exit_code == 1
        assert message in result.stderr


def test_the_calendar_lists_its_years() -> None:
    """`calendar` shows each year with its notices, and until when it is certain."""
    result = run("calendar")

    assert result.exit_code == 0
    assert "2026  248 working days  国办发明电〔2025〕7号\n" in result.stdout
    assert "2020  249 working days  国办发明电〔2019〕16号, amended by 国办发明电〔2020〕1号\n" in result.stdout
    assert "certain until: 2026-12-31" in result.stdout


def test_a_year_is_shown_word_for_word() -> None:
    """`calendar YEAR` quotes the notices, and says which arrangement a later one replaced."""
    result = run("calendar", "2019")

    assert "劳动节 Labour Day: off: 2019-05-01 (1)  (replaced by a later notice)\n    5月1日放假。\n" in result.stdout
    assert "off: 2019-05-01/2019-05-04 (4), worked: 2019-04-28, 2019-05-05\n" in result.stdout
    assert "2019年5月1日至4日放假调休，共4天。4月28日（星期日）、5月5日（星期日）上班。" in result.stdout


@pytest.mark.rule("R26")
def test_an_unannounced_year_is_shown_as_such() -> None:
    """`calendar YEAR` lists the fixed dates of an unannounced year and says that it is provisional."""
    result = run("calendar", "2027")

    assert "Not announced" in result.stdout
    assert "2027-10-01  国庆节 National Day" in result.stdout
    assert "春节" not in result.stdout


def test_the_calendar_as_json() -> None:
    """`calendar --json` gives all years, `calendar YEAR --json` one."""
    (every,) = objects(run("calendar", "--json"))
    (one,) = objects(run("calendar", "2026", "--json"))

    assert list(range(2016, 2027)) == [year["year"] for year in every["years"]]
    assert [(year["year"], year["workingDays"]) for year in one["years"]] == [(2026, 248)]
    assert one["certainUntil"] == "2026-12-31"


@pytest.mark.rule("R26")
def test_check_says_what_a_year_would_change(tmp_path: Path) -> None:
    """`check` names every day that would change between worked and off, and the new version."""
    file = tmp_path / "2019.yaml"
    file.write_text(SHIPPED_2019[: SHIPPED_2019.index("  - number: 国办发明电〔2019〕3号")], "utf-8")
    result = run("check", str(file))

    assert result.exit_code == 0
    assert "2019.yaml: the year 2019, valid." in result.stdout
    assert "  2019-05-02: holiday: Labour Day, 国办发明电〔2019〕3号 → working day\n" in result.stdout
    assert "  2019-05-05: make-up workday for Labour Day, 国办发明电〔2019〕3号 → weekend\n" in result.stdout
    assert "4 days change between worked and off." in result.stdout
    assert "calendar version: 2026-" in result.stdout


@pytest.mark.rule("R26")
def test_check_says_that_a_new_year_makes_certain(tmp_path: Path) -> None:
    """A year that follows the last one announced moves the end of the certain calendar."""
    # What 2027 will be is not known; its days here only have the form of a notice.
    days = {"元旦": (1, 1), "春节": (2, 8), "清明节": (4, 5), "劳动节": (5, 3), "端午节": (6, 9), "中秋节": (9, 15)}
    days["国庆节"] = (10, 1)
    lines = ["year: 2027", "notices:", "  - number: 国办发明电〔2026〕99号", "    date: 2026-11-30", "    title: 试用"]
    lines += ["    festivals:"]
    for name, (month, day) in days.items():
        lines += [f"      - {{name: {name}, text: {month}月{day}日放假。, rest: 2027-{month:02}-{day:02}}}"]
    file = tmp_path / "2027.yaml"
    file.write_text("\n".join(lines), "utf-8")
    result = run("check", str(file))

    assert result.exit_code == 0
    assert "  2027-02-08: working day; provisional, that year's notice is not published → holiday" in result.stdout
    assert "certain until: 2026-12-31 → 2027-12-31" in result.stdout


def test_check_says_what_a_centre_would_change(tmp_path: Path) -> None:
    """`check` reads a centre's file too: closings and opening hours."""
    file = tmp_path / "centre.yaml"
    file.write_text(CENTRE, "utf-8")
    result = run("check", str(file))

    assert "the centre 罗源县行政服务中心, valid." in result.stdout
    assert "  2026-10-08: working day → closed by the centre: 搬迁\n" in result.stdout
    assert "opening hours: 09:00-12:00 13:30-17:00 → 08:30-17:30" in result.stdout


def test_check_refuses_a_bad_file(tmp_path: Path) -> None:
    """A file that does not say what it quotes is refused with the place."""
    file = tmp_path / "2026.yaml"
    file.write_text(SHIPPED_2026.replace("2026-02-15/2026-02-23", "2026-02-15/2026-02-22"), "utf-8")
    result = run("check", str(file))

    assert result.exit_code == 1
    assert "国办发明电〔2025〕7号 春节: `rest` and the text differ on 2026-02-23" in result.stderr


@pytest.mark.parametrize("command", [[], ["explain"], ["calendar"], ["check"]])
def test_help_teaches(command: list[str]) -> None:
    """Every command explains itself."""
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert "Usage: noveto deadline" in result.stdout
