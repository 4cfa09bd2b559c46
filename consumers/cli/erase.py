"""`noveto erase` and `noveto key rotate`: what may become of applicants' data."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import click

from consumers.cli import running

SHANGHAI = ZoneInfo("Asia/Shanghai")


@click.command()
@click.option("--case", "case_id", help="Erase this case's applicant, whatever has become of the case.")
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Erase the applicants of all cases that have ended and came in before this day (Asia/Shanghai).",
)
@click.option("--by", required=True, help="Who orders it; stands in the record.")
@click.option("--reason", required=True, help="Why; stands in the record.")
def erase(case_id: str | None, before: datetime | None, by: str, reason: str) -> None:
    """Erase applicants' data for good (PIPL §47); that it was done, by whom and why stays in the record.

    It goes through case.commands: a worker carries it out. Repeating it does nothing a second time.
    """
    from consumers.erasure import Erased, NothingToErase, erase_before, erase_case

    if (case_id is None) == (before is None):
        raise click.UsageError("give --case or --before")
    settings = running.settings_from_environment()

    async def work() -> Erased:
        if case_id is not None:
            return await erase_case(settings, case_id, by, reason)
        assert before is not None
        return await erase_before(settings, _midnight(before.date()), by, reason)

    async def explained() -> Erased:
        try:
            return await work()
        except NothingToErase as error:
            raise click.ClickException(str(error)) from None

    done = running.run(settings, explained())
    click.echo(f"{done.erased} erased, {done.already} were erased before.")
    if done.still_open:
        click.echo(f"{done.still_open} belong to cases that are still open, and stay until those have ended.")
    if done.waiting:
        raise click.ClickException(
            f"{done.waiting} are ordered but not yet erased: is a worker running? They go as soon as it reads the order."
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


@click.command()
def rotate() -> None:
    """Seal all that is stored by the ring's first key, some rows at a time, while the router runs.

    \b
    1 noveto key generate --out KEYS --name NEW    the new key is the first, the others still open
    2 restart the workers one after another        what comes in is sealed by the new key
    3 noveto key rotate                            what is stored is too
    4 take the old key's line out of KEYS          docs/personal-data.md says from when on
    """
    from consumers.erasure import rotate as reseal
    from consumers.sealing import KeyRing

    settings = running.settings_from_environment()
    if settings.sealing_key_file is None:
        raise click.ClickException("put the key ring's path into NOVETO_SEALING_KEY_FILE")
    path = settings.sealing_key_file

    async def work() -> tuple[str, int, int]:
        keys = KeyRing.read(path)
        return keys.keys[0][0], *(await reseal(settings, keys))

    name, resealed, left = running.run(settings, work())
    click.echo(f"{resealed} rows resealed by key {name}, {left} are still sealed by another.")
    if left:
        raise SystemExit(1)
