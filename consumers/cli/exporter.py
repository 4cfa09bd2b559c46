"""`noveto exporter`: what operators and committees watch, counted from the journal."""

import click

from consumers.cli import running


@click.command()
def exporter() -> None:
    """Count the journal and serve it to Prometheus: /metrics, /healthz, /readyz.

    Start two: one counts, the other stands by and goes on where it was left. NOVETO_HTTP_PORT chooses the port.
    """
    from consumers import exporter as program
    from consumers.database import verify

    settings = running.settings_from_environment()
    running.run(settings, verify(settings))
    raise SystemExit(running.run(settings, program.run(settings)))
