"""`noveto verify` and `noveto rebuild`: the two stores held against each other, and one made whole from the other."""

import json

import click

from consumers.cli import running


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify(as_json: bool) -> None:
    """Compare journal, case.events and filings, and check the hash chain. Exit code 1 where anything differs."""
    from consumers.verify import verify as compare

    settings = running.settings_from_environment()
    verdict = running.run(settings, compare(settings))
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

    settings = running.settings_from_environment()

    def say(lane: RebuiltLane) -> None:
        click.echo(f"lane {lane.lane}: had {lane.journal_before} entries, {lane.added} added, {lane.cases} cases")

    done = running.run(settings, make_whole(settings, say))
    click.echo(f"{sum(lane.added for lane in done)} entries added; run `noveto verify` now.")
