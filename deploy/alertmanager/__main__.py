"""`python -m deploy.alertmanager DIRECTORY > alertmanager.yml`."""

from pathlib import Path

import click
import yaml

from deploy.alertmanager.routing import NOTIFIER, configuration
from topics.directory import Directory

HEAD = "# Made by `python -m deploy.alertmanager DIRECTORY`: run it again when units or centres change.\n"


def written(directory: Path, notifier: str = NOTIFIER) -> str:
    """The file for a directory's YAML."""
    known = Directory.model_validate(yaml.safe_load(directory.read_text(encoding="utf-8")))
    return HEAD + yaml.safe_dump(configuration(known, notifier), sort_keys=False, allow_unicode=True)


@click.command()
@click.argument("directory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--notifier", default=NOTIFIER, show_default=True, help="Where messages are posted, a path a receiver.")
def main(directory: Path, notifier: str) -> None:
    """Write Alertmanager's configuration for a directory to standard output."""
    click.echo(written(directory, notifier), nl=False)


if __name__ == "__main__":
    main()
