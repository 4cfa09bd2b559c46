"""``noveto stack``: the local broker and database by themselves."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import click

from deploy.local.errors import LocalStackError
from deploy.local.stack import LocalStack


@click.group()
def stack() -> None:
    """Kafka and PostgreSQL for this machine, without installing either."""


@stack.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the data; kept, and used again by the next start. Without it: a fresh temporary one.",
)
@click.option("--keep/--no-keep", default=False, help="Keep the temporary directory at the end.", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as one JSON line.")
@click.option(
    "--secure",
    is_flag=True,
    help="TLS, users with passwords (SCRAM-SHA-512), and nobody but the administrator may do anything.",
)
@click.option("--mtls", is_flag=True, help="As --secure, with client certificates in place of passwords.")
def up(data: Path | None, keep: bool, as_json: bool, secure: bool, mtls: bool) -> None:
    """Start a broker and a database and stay until Ctrl-C or SIGTERM.

    Both listen on 127.0.0.1 only and end with this command. Other programs use them while it runs, through the two
    variables that it prints.
    """
    is_up, asked_to_stop = threading.Event(), threading.Event()

    def ask_to_stop(*_: object) -> None:
        if asked_to_stop.is_set() or not is_up.is_set():
            raise KeyboardInterrupt  # out of the start, or out of a stop that takes too long: the watchdog ends the servers
        asked_to_stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    running = LocalStack(data, keep, secure="mtls" if mtls else "scram" if secure else "no")
    try:
        with running:
            is_up.set()
            click.echo(_as_json(running) if as_json else _as_text(running))
            asked_to_stop.wait()
            click.echo("stopping ...", err=True)
    except LocalStackError as error:
        raise click.ClickException(str(error)) from error
    if data is not None or keep:
        click.echo(f"the data stay in {running.data_dir}", err=True)


def _as_json(running: LocalStack) -> str:
    return json.dumps(
        {
            "kafka_bootstrap": running.bootstrap,
            "postgres_dsn": running.postgres_dsn,
            "data_dir": str(running.data_dir),
            "log_dir": str(running.log_dir),
            **({"security": dict(running.security.settings())} if running.security is not None else {}),
        }
    )


def _as_text(running: LocalStack) -> str:
    return "\n".join(
        [
            f"Kafka       {running.bootstrap}",
            f"PostgreSQL  {running.postgres_dsn}",
            f"data        {running.data_dir}",
            f"logs        {running.log_dir}",
            "",
            f"export NOVETO_KAFKA_BOOTSTRAP={running.bootstrap}",
            f"export NOVETO_POSTGRES_DSN={running.postgres_dsn}",
            *(
                f"export {name}={value}"
                for name, value in (running.security.settings() if running.security else {}).items()
            ),
            "",
            "Ctrl-C stops both.",
        ]
    )
