"""`noveto calendar`, `noveto directory` and `noveto policy`: reference data put in force without a restart."""

from collections.abc import Callable
from pathlib import Path

import click

from consumers.cli import running
from consumers.contents import CalendarContent, Content, Reference
from consumers.settings import Settings
from topics.journal import ReferenceKind

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
wait_option = click.option(
    "--wait",
    "patience",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="How many seconds to wait until every lane decides by it; where no worker runs, lanes change over later.",
)


@click.group()
def calendar() -> None:
    """The working calendar in force: years amended or added, centres' own hours and closings (R26).

    `noveto deadline check FILE` says what a file would change.
    """


@calendar.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@wait_option
def calendar_load(files: tuple[Path, ...], patience: float) -> None:
    """Add the FILES of years and centres to the calendar in force, or put them in the place of those it has.

    Years that ship with this version and that the calendar in force lacks are added too. Every open limit is worked
    out again; a moved one is told to the unit and the committee, and cards once given stay.
    """
    from consumers.reference import read_calendar

    def change(before: Reference) -> Content:
        known = {year.year for year in before.calendar.years}
        base = before.calendar
        for year in CalendarContent.shipped().years:
            if year.year not in known:
                base = base.with_file(year)
        return Content.of(read_calendar(base, files))

    _load(running.settings_from_environment(), change, patience)


@calendar.command("list")
def calendar_list() -> None:
    """Every calendar that was put in force, the newest first, and whether limits are being worked out by it."""
    _list(ReferenceKind.CALENDAR)


@click.group()
def directory() -> None:
    """The directory in force: who is who, and who speaks for whom."""


@directory.command("load")
@file_argument
@wait_option
def directory_load(file: Path, patience: float) -> None:
    """Put the directory FILE in force: missing topics are made first. A mistake is named by its line, and changes nothing."""
    from consumers.reference import read_yaml
    from topics.directory import Directory

    _load(running.settings_from_environment(), lambda _: Content.of(read_yaml(file, Directory)), patience)


@directory.command("list")
def directory_list() -> None:
    """Every directory that was put in force, the newest first."""
    _list(ReferenceKind.DIRECTORY)


@click.group()
def policy() -> None:
    """The policy in force: which tier may do what, and how long it has."""


@policy.command("load")
@file_argument
@wait_option
def policy_load(file: Path, patience: float) -> None:
    """Put the policy FILE in force. Limits that run already stay as they were worked out."""
    from consumers.reference import read_yaml
    from router.policy import Policy

    _load(running.settings_from_environment(), lambda _: Content.of(read_yaml(file, Policy)), patience)


@policy.command("list")
def policy_list() -> None:
    """Every policy that was put in force, the newest first."""
    _list(ReferenceKind.POLICY)


def _load(settings: Settings, change: Callable[[Reference], Content], patience: float) -> None:
    from consumers import control

    done = running.run(settings, control.load(settings, change, patience_seconds=patience))
    for topic in done.topics_created:
        click.echo(f"topic created: {topic}")
    moved = "was in force already" if done.version == done.previous else f"follows {done.previous}"
    click.echo(f"{done.version} {moved}: {done.lanes} of {settings.lanes} lanes decide by it.")
    if done.lanes < settings.lanes:
        click.echo("The others do as soon as a worker takes them: nothing is left to do here.")


def _list(kind: ReferenceKind) -> None:
    from consumers.control import loads

    settings = running.settings_from_environment()
    for line in running.run(settings, loads(settings, kind)):
        click.echo(line)
