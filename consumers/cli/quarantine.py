"""`noveto quarantine`: cases that wait for an operator."""

import json
from typing import Literal

import click

from consumers import quarantine as cases
from consumers.cli import running


@click.group()
def quarantine() -> None:
    """Cases that could not be taken on: their commands wait in order, the rest of the lane goes on."""


@quarantine.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(as_json: bool) -> None:
    """Each quarantined case: since when, how many commands wait, and the error it began with."""
    settings = running.settings_from_environment()
    for row in running.run(settings, cases.quarantined(settings)):
        if as_json:
            click.echo(
                json.dumps(
                    {
                        "case": row["case_id"],
                        "since": row["since"].isoformat(),
                        "commands": row["commands"],
                        "error": row["error"],
                    }
                )
            )
        else:
            click.echo(f"{row['case_id']}\t{row['since'].isoformat()}\t{row['commands']} commands\t{row['error']}")


@quarantine.command()
@click.argument("case_id")
def retry(case_id: str) -> None:
    """Try the case's commands again, in order: after the cause has been mended."""
    _let_go_on(case_id, "retry")


@quarantine.command()
@click.argument("case_id")
def release(case_id: str) -> None:
    """Let the case go on without the commands that wait: their senders are told to send again."""
    _let_go_on(case_id, "release")


def _let_go_on(case_id: str, action: Literal["retry", "release"]) -> None:
    settings = running.settings_from_environment()
    if not running.run(settings, cases.let_go_on(settings, case_id, action)):
        raise click.ClickException(f"case {case_id} is not quarantined: `noveto quarantine list` shows those that are")
    click.echo(f"Asked the lane of {case_id} to {action}; `noveto quarantine list` shows whether it went on.")
