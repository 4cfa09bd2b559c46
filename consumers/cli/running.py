"""What every command does alike: read the settings, run, and turn what went wrong into a sentence a stranger can act on."""

import asyncio
import errno
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
import click
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from pydantic import ValidationError

from consumers import control, logs
from consumers.contents import Reference, References
from consumers.kafka import CredentialsError
from consumers.reference import ReferenceDataError, load_reference
from consumers.sealing import SealingError
from consumers.settings import Settings
from consumers.store import DATABASE_AWAY, SchemaError, connect
from consumers.tracing import TracingError
from topics.upcasting import NewerForm

T = TypeVar("T")


def settings_from_environment() -> Settings:
    """The settings, or a message that names the variable that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        faults = [
            f"NOVETO_{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        ]
        raise click.ClickException("\n".join(faults)) from None
    logs.configure(settings.log_level)
    return settings


def run(settings: Settings, work: Coroutine[Any, Any, T]) -> T:
    """Run to the end. An unreachable broker or database is named with its address and what to do; never a traceback."""
    try:
        with asyncio.Runner(loop_factory=_event_loop) as runner:
            return runner.run(work)
    except Exception as error:
        raise explained(settings, error) from None


def _event_loop() -> asyncio.AbstractEventLoop:
    """libuv's where there is one: it takes a third less of the processor for a command."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def explained(settings: Settings, error: Exception) -> click.ClickException:
    """The sentence for an error; one that nobody expected keeps its type, so that it can be looked up."""
    match error:
        case click.ClickException():
            return error
        case TracingError() | ReferenceDataError() | SealingError() | SchemaError() | CredentialsError() | NewerForm():
            return click.ClickException(str(error))
        case (
            TopicAuthorizationFailedError()
            | GroupAuthorizationFailedError()
            | ClusterAuthorizationFailedError()
            | TransactionalIdAuthorizationFailed()
        ):
            return click.ClickException(
                f"Kafka at {settings.kafka_bootstrap} does not allow it ({_named(error)}).\n"
                "Is NOVETO_KAFKA_USERNAME the right one? `noveto acl verify`, as an operator, says which access lists are missing."
            )
        case KafkaError():
            return click.ClickException(
                f"Kafka at {settings.kafka_bootstrap} did not answer as needed ({_named(error)}).\n"
                "Is the broker running, and is NOVETO_KAFKA_BOOTSTRAP right? `noveto stack up` starts one for this machine."
            )
        case asyncpg.UndefinedTableError():
            return click.ClickException("The database has no noveto schema yet: run `noveto database migrate`.")
        case OSError(errno=errno.EADDRINUSE):
            return click.ClickException(
                f"Port {settings.http_port} of {settings.http_host} is taken: does another worker or exporter run here?\n"
                "NOVETO_HTTP_PORT names another one; 0 takes one that is free."
            )
        case asyncpg.PostgresError() | asyncpg.InterfaceError() | OSError() | TimeoutError():
            return click.ClickException(
                f"PostgreSQL at {database_address(settings)} did not answer as needed ({_named(error)}).\n"
                "Is the server running, and is NOVETO_POSTGRES_DSN right? `noveto stack up` starts one for this machine."
            )
        case _:
            return click.ClickException(f"{type(error).__name__}: {error}")


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def in_force(settings: Settings) -> Reference | None:
    """What lanes decide by; None where nothing was ever loaded. Raises what connecting raises."""
    database = await connect(settings, "command")
    try:
        return await control.in_force(References(settings), database)
    finally:
        await database.close(timeout=5)


async def reference_in_force(settings: Settings) -> Reference:
    """What lanes decide by; that of the files where none was ever loaded, or no database answers. Standard error says which."""
    found, why = None, "none was ever loaded"
    try:
        found = await in_force(settings)
    except (*DATABASE_AWAY, asyncpg.InvalidCatalogNameError) as error:
        why = f"PostgreSQL at {database_address(settings)} gave none ({type(error).__name__})"
    reference = found or load_reference(settings)
    version = reference.directory.version
    click.echo(f"By the directory {version} {'in force' if found else f'of {settings.directory}: {why}'}.", err=True)
    return reference


def database_address(settings: Settings) -> str:
    """Host, port and database of the DSN: never user or password."""
    dsn = settings.postgres_dsn.get_secret_value()
    return dsn.split("://", 1)[-1].rsplit("@", 1)[-1].split("?", 1)[0]
