"""`noveto verify` and `noveto rebuild`: the two stores held against each other, and one made whole from the other."""

import json

import click

from consumers.cli import running


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify(as_json: bool) -> None:
    """Compare journal, case.events and filings, and check the hash chain. Exit code 1 where anything differs."""
    from consumers.reference import load_reference
    from consumers.verify import Verdict
    from consumers.verify import verify as compare

    settings = running.settings_from_environment()

    async def work() -> Verdict:
        return await compare(settings, load_reference(settings))

    verdict = running.run(settings, work())
    if as_json:
        click.echo(json.dumps(vars(verdict), ensure_ascii=False))
    else:
        for difference in verdict.differences:
            click.echo(difference)
        click.echo(
            f"{verdict.entries} entries, {verdict.published} published, {verdict.unpublished} still to publish; "
            f"{verdict.cases} cases, {verdict.heads} heads, {verdict.tails} tails; {len(verdict.differences)} differences."
        )
    if verdict.differences:
        raise SystemExit(1)


@click.command()
@click.option("--from-events", is_flag=True, required=True, help="Make the database whole from case.events.")
def rebuild(from_events: bool) -> None:
    """Make an empty or older database whole from case.events: all but personal data.

    Stop the workers first, or let them: whoever writes a lane loses it. Lanes that had stopped go on afterwards.
    """
    from consumers.rebuild import RebuiltLane
    from consumers.rebuild import rebuild as make_whole
    from consumers.reference import load_reference

    settings = running.settings_from_environment()

    def say(lane: RebuiltLane) -> None:
        click.echo(f"lane {lane.lane}: had {lane.journal_before} entries, {lane.added} added, {lane.cases} cases")

    async def work() -> list[RebuiltLane]:
        return await make_whole(settings, load_reference(settings), say)

    done = running.run(settings, work())
    click.echo(f"{sum(lane.added for lane in done)} entries added; run `noveto verify` now.")
