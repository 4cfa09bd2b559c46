"""`noveto acl`: who may do what on the broker, worked out from the directory; exported, applied, verified."""

import secrets
from pathlib import Path

import click

from consumers.cli import running


@click.group()
def acl() -> None:
    """Who may read and write which topic: it follows from the directory."""


@acl.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["kafka-acls", "strimzi"]),
    default="kafka-acls",
    show_default=True,
    help="Commands of Kafka's own tool, or KafkaUser manifests for Kubernetes.",
)
@click.option("--cluster", default="noveto", show_default=True, help="With strimzi: the name of the Kafka resource.")
def export(form: str, cluster: str) -> None:
    """Print the access lists that the directory calls for; no broker is asked."""
    from consumers.acl import wanted
    from consumers.acl_export import NotExportable, as_kafka_acls, as_strimzi
    from consumers.reference import ReferenceDataError, load_reference

    settings = running.settings_from_environment()
    try:
        reference = load_reference(settings)
        acls = wanted(reference.directory, reference.names)
        click.echo(as_kafka_acls(acls) if form == "kafka-acls" else as_strimzi(acls, cluster), nl=False)
    except (ReferenceDataError, NotExportable) as error:
        raise click.ClickException(str(error)) from None


@acl.command()
def verify() -> None:
    """Say what is missing or too much on the live cluster; change nothing. Exit code 1 where something is.

    It goes by the directory in force; before a first one was loaded, and where no database answers, by that of NOVETO_DIRECTORY.
    """
    from consumers.acl import Compared
    from consumers.acl_admin import verify as compare

    settings = running.settings_from_environment()

    async def work() -> Compared:
        return await compare(settings, await running.reference_in_force(settings))

    found = running.run(settings, work())
    _tell(found)
    if not found.good:
        raise SystemExit(1)
    click.echo(f"The access lists on {settings.kafka_bootstrap} are as they should be.")


@acl.command()
@click.option("--remove", is_flag=True, help="Also take away what is too much.")
@click.option(
    "--users",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Also make the SCRAM-SHA-512 users of this file (`noveto acl users`), or give them these passwords.",
)
def apply(remove: bool, users: Path | None) -> None:
    """Give the rights that the directory of NOVETO_DIRECTORY calls for. Needs the credentials of a super user.

    It comes before the directory is loaded: --remove leaves what the directory in force still calls for, and without a
    database that knows it takes nothing away.
    """
    from consumers.acl import Compared
    from consumers.acl_admin import AclAdmin
    from consumers.acl_admin import apply as make_so
    from consumers.kafka import read_credentials
    from consumers.reference import load_reference

    settings = running.settings_from_environment()

    async def work() -> Compared:
        reference = load_reference(settings)
        keep = (await running.in_force(settings) or reference) if remove else None
        if users is not None:
            async with AclAdmin(settings) as admin:
                await admin.set_passwords(read_credentials(users))
        return await make_so(settings, reference, keep)

    found = running.run(settings, work())
    _tell(found)
    click.echo(f"{len(found.missing)} added, {len(found.too_much) if remove else 0} taken away.")


@acl.command()
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The credentials file.")
def users(out: Path) -> None:
    """Make up a password for each stage of the router and each party; those the file has already stay.

    The whole file is for whoever runs `noveto acl apply`; hand each party its own line, and the router its five.
    """
    from consumers.acl import principals
    from consumers.kafka import CredentialsError, read_credentials
    from consumers.reference import ReferenceDataError, load_reference

    settings = running.settings_from_environment()
    try:
        known = read_credentials(out) if out.exists() else {}
        new = [name for name in principals(load_reference(settings).directory) if name not in known]
    except (ReferenceDataError, CredentialsError) as error:
        raise click.ClickException(str(error)) from None
    out.touch(mode=0o600)
    with out.open("a") as file:
        file.writelines(f"{name} {secrets.token_urlsafe(24)}\n" for name in new)
    click.echo(f"{len(new)} users added to {out}.")


def _tell(found: object) -> None:
    from consumers.acl import Compared

    assert isinstance(found, Compared)
    for what, acls in (("missing", found.missing), ("too much", found.too_much), ("denied", found.denied)):
        for one in acls:
            click.echo(f"{what}: {one}")
