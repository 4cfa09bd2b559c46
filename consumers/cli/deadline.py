"""`noveto deadline`: due times explained, the calendar shown, and a new year's file checked."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO, get_args

import click

from deadlines import (
    DEFAULT_HOURS,
    SHANGHAI,
    Calendar,
    CalendarFileError,
    Centre,
    Counting,
    Day,
    DueTime,
    Festival,
    OpeningHours,
    Year,
    explain_in_chinese,
    explain_in_english,
    kind_in_english,
    read_file,
    reason_in_chinese,
    reason_in_english,
    shipped_calendar,
    working_days_due,
)

CALENDAR_SUFFIXES = (".yaml", ".yml", ".json")

calendar_option = click.option(
    "--calendar",
    "paths",
    multiple=True,
    metavar="DIR/FILE",
    type=click.Path(exists=True, path_type=Path),
    help="Files of years and of a centre, used on top of the shipped years; a directory means all in it. May be repeated.",
)


@click.group()
def deadline() -> None:
    """Working days, due times and the calendar they follow (R25, R26).

    \b
    Where a due time comes from, line by line in Chinese and English:
        noveto deadline explain --from 2026-09-30T16:50 --days 1
    The years known, and until when the calendar is certain:
        noveto deadline calendar
    A new year's file, before it is loaded:
        noveto deadline check 2027.yaml
    """


@deadline.command()
@click.option(
    "--from", "start", metavar="TIME", help="When the period starts; Asia/Shanghai unless it names an offset."
)
@click.option("--days", type=click.IntRange(min=1), help="Working days: 1 for general matters, 2 for special ones.")
@click.option("--rule", default="R25", show_default=True, help="The rule the period follows, as it is to be shown.")
@click.option(
    "--counting",
    type=click.Choice(get_args(Counting)),
    default="next_calendar_day",
    show_default=True,
    help="next_calendar_day: day 1 is the first working day after the start's calendar day. next_working_day (a "
    "centre's policy): a request on a day off is deemed made on the next working day.",
)
@click.option(
    "--file",
    "lines",
    type=click.File(encoding="utf-8-sig", errors="replace"),
    help="Answer a list, one JSON line each: lines of TIME and DAYS with a tab between; - reads standard input.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@calendar_option
def explain(
    start: str | None,
    days: int | None,
    rule: str,
    counting: Counting,
    lines: TextIO | None,
    as_json: bool,
    paths: tuple[Path, ...],
) -> None:
    """Explain a due time: which day counts, which does not, and the notice that says so.

    The day a period starts does not count, whatever the hour and whether or not it is worked; the period ends at the
    centre's closing time (09:00-12:00, 13:30-17:00 unless a centre's file says otherwise).

    \b
    Examples:
        noveto deadline explain --from 2026-09-30T16:50 --days 1
        noveto deadline explain --from 2026-09-30T16:50 --days 1 --json
        printf '2026-09-30T16:50\\t1\\n2026-02-13T09:00\\t2\\n' | noveto deadline explain --file -

    A due time that reaches a year whose holidays are not announced is marked provisional. With --file a line that
    cannot be answered gets a JSON line with `line` and `error`, and the exit status is 1.
    """
    if lines is not None and (start is not None or days is not None):
        raise click.UsageError("--file brings its own starts and days: leave --from and --days out.")
    if lines is None and (start is None or days is None):
        raise click.UsageError("Say when the period starts and its working days: --from 2026-09-30T16:50 --days 1.")
    calendar, hours = load_calendar(paths)
    if lines is not None:
        failed = False
        for answer in answers(lines, calendar, hours, counting, rule):
            failed |= "error" in answer
            click.echo(compact(answer))
        raise SystemExit(1 if failed else 0)
    try:
        due = working_days_due(moment(start or ""), days or 0, calendar, hours, counting, rule)
    except (ValueError, OverflowError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(compact(as_object(due)))
    else:
        click.echo("\n".join([*explain_in_chinese(due), "", *explain_in_english(due)]))


@deadline.command("calendar")
@click.argument("year", required=False, type=click.IntRange(2000, 2099))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@calendar_option
def show_calendar(year: int | None, as_json: bool, paths: tuple[Path, ...]) -> None:
    """Show the years of the calendar, or one YEAR with its notices, word for word."""
    calendar, hours = load_calendar(paths)
    if as_json:
        click.echo(compact(calendar_object(calendar, hours, year)))
        return
    click.echo("\n".join(year_lines(calendar, year) if year else calendar_lines(calendar, hours)))


@deadline.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@calendar_option
def check(file: Path, paths: tuple[Path, ...]) -> None:
    """Check the FILE of a year or of a centre, and say what it would change.

    A year's entry must say what the notice it quotes says, day by day; a centre's file must have opening hours and
    closings that can be understood. Nothing is loaded or stored.
    """
    calendar, hours = load_calendar(paths)
    read = read_path(file)
    changed, new_hours = with_file(calendar, hours, read)
    what = f"the year {read.year}" if isinstance(read, Year) else f"the centre {read.centre}"
    click.echo(f"{file.name}: {what}, valid.")
    for line in changes(calendar, changed):
        click.echo(line)
    if new_hours != hours:
        click.echo(f"opening hours: {hours} → {new_hours}")
    click.echo(f"certain until: {calendar.certain_until} → {changed.certain_until}")
    click.echo(f"calendar version: {calendar.version} → {changed.version}")


def load_calendar(paths: Iterable[Path]) -> tuple[Calendar, OpeningHours]:
    """The shipped calendar with files on top: a year is added or replaced, a centre brings closings and hours."""
    calendar, hours = shipped_calendar(), DEFAULT_HOURS
    centre: Centre | None = None
    for path in paths:
        files = sorted(f for f in path.iterdir() if f.suffix in CALENDAR_SUFFIXES) if path.is_dir() else [path]
        if not files:
            raise click.ClickException(f"{path}: no {', '.join(CALENDAR_SUFFIXES)} files in it")
        for file in files:
            read = read_path(file)
            if isinstance(read, Centre):
                if centre is not None:
                    raise click.ClickException(f"{file}: a second centre ({read.centre}) beside {centre.centre}")
                centre = read
            calendar, hours = with_file(calendar, hours, read)
    return calendar, hours


def read_path(file: Path) -> Year | Centre:
    """Read a file of the calendar; what is wrong with it is shown, not raised."""
    try:
        return read_file(file.read_bytes(), str(file))
    except CalendarFileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error


def with_file(calendar: Calendar, hours: OpeningHours, read: Year | Centre) -> tuple[Calendar, OpeningHours]:
    """The calendar and hours with what a file says."""
    if isinstance(read, Year):
        return calendar.with_year(read), hours
    try:
        return calendar.with_closings(*read.closed), read.opening_hours
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def answers(
    lines: Iterable[str], calendar: Calendar, hours: OpeningHours, counting: Counting, rule: str
) -> Iterator[dict[str, Any]]:
    """An answer or an error for each line of start and days; empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            start, tab, days = line.strip().partition("\t")
            if not tab:
                raise ValueError("a line has a start and a number of days with a tab between")
            if not days.strip().isdecimal():
                raise ValueError(f"“{days.strip()}” is no number of days")
            due = working_days_due(moment(start), int(days), calendar, hours, counting, rule)
        except (ValueError, OverflowError) as error:
            yield {"line": number, "error": str(error)}
        else:
            yield {"line": number, **as_object(due)}


def moment(text: str) -> datetime:
    """A time as people write it; without an offset it is Asia/Shanghai. Raises ValueError."""
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"“{text.strip()}” is no time: write it as 2026-09-30T16:50") from None
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)


def as_object(due: DueTime) -> dict[str, Any]:
    """The JSON object of a due time, with the reason of each day in both languages."""
    written = due.to_json()
    for derived, day in zip(due.derivation, written["days"], strict=True):
        day["reason"] = {"zh": reason_in_chinese(derived), "en": reason_in_english(derived)}
    return written


def compact(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def calendar_lines(calendar: Calendar, hours: OpeningHours) -> Iterator[str]:
    """The years known, and how long the calendar is certain."""
    for year in calendar.years:
        numbers = ", amended by ".join(notice.number for notice in year.notices)
        yield f"{year.year}  {working_days(calendar, year.year)} working days  {numbers}"
    left = calendar.certain_days_left(datetime.now(SHANGHAI).date())
    yield f"certain until: {calendar.certain_until} ({left} days left)"
    for closing in calendar.closings:
        yield f"closed: {closing.days}  {closing.reason}"
    yield f"opening hours: {hours}"
    yield f"calendar version: {calendar.version}"


def year_lines(calendar: Calendar, number: int) -> Iterator[str]:
    """One year's notices with their text; for a year not announced, what is assumed of it."""
    year = next((known for known in calendar.years if known.year == number), None)
    yield f"{number}: {working_days(calendar, number)} working days"
    if year is None:
        yield "Not announced: weekends and holidays on fixed dates; due times that reach this year are provisional."
        for day in calendar.days(date(number, 1, 1), date(number, 12, 31)):
            if not day.working and day.name:
                yield f"  {day.date}  {day.name} {day.english}"
        return
    in_force = year.in_force()
    for notice in year.notices:
        yield f"{notice.number}  {notice.date}  {notice.title}  {notice.source}".rstrip()
        for festival in notice.festivals:
            replaced = "" if (notice, festival) in in_force else "  (replaced by a later notice)"
            yield f"  {festival.name} {festival.english}: {arrangement(festival)}{replaced}"
            yield f"    {festival.text}"


def arrangement(festival: Festival) -> str:
    worked = f", worked: {', '.join(map(str, festival.work))}" if festival.work else ""
    return f"off: {festival.rest} ({len(festival.rest)}){worked}"


def calendar_object(calendar: Calendar, hours: OpeningHours, number: int | None) -> dict[str, Any]:
    """The calendar, or one year of it, as a JSON object."""
    return {
        "version": calendar.version,
        "certainUntil": calendar.certain_until.isoformat(),
        "openingHours": str(hours),
        "closed": [closing.model_dump(mode="json") for closing in calendar.closings],
        "years": [
            {**year.model_dump(mode="json"), "workingDays": working_days(calendar, year.year)}
            for year in calendar.years
            if number in (None, year.year)
        ],
    }


def working_days(calendar: Calendar, year: int) -> int:
    """How many days of the year are worked."""
    return sum(day.working for day in calendar.days(date(year, 1, 1), date(year, 12, 31)))


def changes(before: Calendar, after: Calendar) -> Iterator[str]:
    """The days that are worked under one calendar and not under the other."""
    moved = 0
    for old, new in zip(all_days(before), all_days(after), strict=True):
        if old.working is not new.working:
            moved += 1
            yield f"  {new.date}: {kind_in_english(old)} → {kind_in_english(new)}"
    yield f"{moved} days change between worked and off."


def all_days(calendar: Calendar) -> Iterator[Day]:
    return calendar.days(date(2000, 1, 1), date(2099, 12, 31))
