"""`noveto case`: a case from the record."""

import json

import click

from consumers.cli import running
from consumers.explaining import as_objects, explanations, working_times
from consumers.reading import case_entries, replay
from consumers.telling import told


@click.group()
def case() -> None:
    """Cases, from the record."""


@case.command("show")
@click.argument("case_id")
@click.option("--json", "as_json", is_flag=True, help="For machines: the case and its entries as one JSON object.")
def show(case_id: str, as_json: bool) -> None:
    """Tell a case step by step: who did what, in what post, when and why; and where each running limit comes from."""
    settings = running.settings_from_environment()
    entries = running.run(settings, case_entries(settings, case_id))
    found, _ = replay(entries)
    if found is None:
        raise click.ClickException(
            f"no case {case_id} is in the record (database {running.database_address(settings)})"
        )
    times = running.run(settings, working_times(settings, found.centre)) if found.limits else {}
    if as_json:
        whole = {
            "case": json.loads(found.wire()),
            "limits": as_objects(found, times),
            "entries": [json.loads(entry.wire()) for entry in entries],
        }
        click.echo(json.dumps(whole, ensure_ascii=False))
        return
    for line in (*told(found, [entry.event for entry in entries]), *explanations(found, times)):
        click.echo(line)
