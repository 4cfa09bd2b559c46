"""`noveto`: every command of the router."""

from pathlib import Path

import click

from consumers import sealing
from consumers.cli import acl, calendar, case, dead_letters, erase, exporter, ledger, quarantine, running, topics
from consumers.cli.deadline import deadline
from deploy.local.commands import stack


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="noveto")
def main() -> None:
    """The router that gives the service window no power of veto (榕政办〔2016〕224号).

    A refusal proposed at a window goes up level by level; the committee is told at its start and at its end.

    \b
    From nothing to a running router on this machine:
      noveto stack up                         a broker and a database; prints two exports to copy
      noveto key generate --out keys          the key ring that seals personal data
      export NOVETO_DIRECTORY=deploy/sample/directory.yaml NOVETO_SEALING_KEY_FILE=keys
      noveto topics create && noveto database migrate
      noveto worker
    Settings are environment variables, NOVETO_…; `noveto settings` lists them.
    """


@main.group()
def database() -> None:
    """The ledger's schema."""


@database.command("migrate")
def database_migrate() -> None:
    """Bring the schema to this version's; forward only, safe while an older version runs."""
    from consumers.database import migrate

    settings = running.settings_from_environment()
    version = running.run(settings, migrate(settings))
    click.echo(f"The schema at {running.database_address(settings)} is at {version}, with {settings.lanes} lanes.")


@main.command("settings")
def settings_list() -> None:
    """Every setting: its variable, what it is now, and what it means. Secrets are not shown."""
    from consumers.settings import Settings

    settings = running.settings_from_environment()
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        click.echo(f"NOVETO_{name.upper()}={'' if value is None else value}")
        if field.description:
            click.echo(f"    {field.description}")


@main.group()
def key() -> None:
    """The key ring that seals personal data."""


@key.command("generate")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The key ring's file.")
@click.option("--name", default="k1", show_default=True, help="The key's name, 8 characters at most.")
def key_generate(out: Path, name: str) -> None:
    """Make a key; in a file that exists it becomes the first, which seals from then on, and the others still open."""
    older = out.read_text() if out.exists() else ""
    if any(line.split()[:1] == [name] for line in older.splitlines()):
        raise click.ClickException(f"{out} has a key {name} already: give the new one another name")
    out.touch(mode=0o600)
    out.write_text(sealing.new_key_line(name) + older)
    out.chmod(0o600)
    click.echo(f"{out} now seals with key {name}. Keep a copy: without it the applicants' data cannot be read again.")


@main.command()
@click.option("--intake", is_flag=True, help="Run intake.")
@click.option("--desk", is_flag=True, help="Run the desk.")
@click.option("--relay", is_flag=True, help="Run the relay.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="So many processes on this machine, started again when they end by themselves.",
)
@click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input ends.")
def worker(intake: bool, desk: bool, relay: bool, workers: int, with_parent: bool) -> None:
    """Run the router: intake, desk and relay in one process, or only the stages that are named.

    Start it any number of times: lanes spread over the workers. SIGTERM finishes the batch and hands over.
    Exit code 75 means: start it again (a service manager does).
    """
    from consumers import fleet
    from consumers import worker as program
    from consumers.database import verify

    settings = running.settings_from_environment()
    chosen = tuple(name for name, on in (("intake", intake), ("desk", desk), ("relay", relay)) if on) or program.STAGES
    running.run(settings, verify(settings))
    if workers > 1:
        raise SystemExit(running.run(settings, fleet.run(settings, workers, chosen)))
    raise SystemExit(running.run(settings, program.run(settings, chosen, with_parent=with_parent)))


main.add_command(exporter.exporter)
main.add_command(stack)
main.add_command(topics.topics)
main.add_command(deadline)
main.add_command(case.case)
main.add_command(calendar.calendar)
main.add_command(calendar.directory)
main.add_command(calendar.policy)
main.add_command(dead_letters.dead_letters)
main.add_command(acl.acl)
main.add_command(erase.erase)
key.add_command(erase.rotate)
main.add_command(ledger.verify)
main.add_command(ledger.rebuild)
main.add_command(quarantine.quarantine)
