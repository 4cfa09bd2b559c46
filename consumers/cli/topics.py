"""`noveto topics`: the topics that the directory calls for, made and compared; and the contracts of what they carry."""

import json
from importlib import metadata
from pathlib import Path

import click

from consumers.cli import running
from consumers.settings import Settings
from topics.directory import Directory
from topics.registry import TopicFamily, TopicNames, topics_of


@click.group()
def topics() -> None:
    """The topics on the broker, as the registry and the directory in force want them.

    Before a first worker has loaded a directory, and where no database answers, that of NOVETO_DIRECTORY counts. By
    which one it went stands on standard error.
    """


@topics.command()
def create() -> None:
    """Create the topics that are missing; those that exist are left as they are."""
    from consumers.topic_admin import create

    settings = running.settings_from_environment()

    async def work() -> list[str]:
        return await create(settings, await running.reference_in_force(settings))

    created = running.run(settings, work())
    click.echo(f"{len(created)} topics created on {settings.kafka_bootstrap}.")


@topics.command()
def verify() -> None:
    """Say what differs on the broker; change nothing. Exit code 1 where something does."""
    from consumers.topic_admin import Difference, differences

    settings = running.settings_from_environment()

    async def work() -> list[Difference]:
        return await differences(settings, await running.reference_in_force(settings))

    found = running.run(settings, work())
    for difference in found:
        click.echo(f"{difference.topic}: {difference.what} is {difference.found}, should be {difference.wanted}")
    if found:
        raise SystemExit(1)
    click.echo(f"Every topic on {settings.kafka_bootstrap} is as it should be.")


@topics.command("list")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def list_(file: Path | None) -> None:
    """The topics that are called for, by the directory in force or by the directory FILE: who writes and who reads them."""
    settings = running.settings_from_environment()
    for name, row in running.run(settings, _called_for(settings, file)).items():
        click.echo(f"{name}\t{row.written_by}\t{row.read_by}")


@topics.command()
def schema() -> None:
    """The contracts as one AsyncAPI 3 document with JSON Schemas: for code generators and for reading."""
    from topics.asyncapi import document

    click.echo(json.dumps(document(metadata.version("noveto")), ensure_ascii=False, indent=1))


async def _called_for(settings: Settings, file: Path | None) -> dict[str, TopicFamily]:
    from consumers.reference import read_yaml

    if file is None:
        return (await running.reference_in_force(settings)).topics
    return dict(topics_of(read_yaml(file, Directory), TopicNames(settings.topic_prefix)))
