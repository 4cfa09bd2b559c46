"""The schema: migrated forward by Alembic, from SQL scripts; and the lanes, one row each."""

import asyncio
from importlib import resources
from typing import Any

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from consumers.settings import Settings
from consumers.store import SchemaError, connect

# Two migrations at once wait for each other.
MIGRATION_LOCK = 0x6E6F7665


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("consumers") / "migrations"))
    return config


def run_script(name: str) -> None:
    """Run one SQL script inside the migration's transaction."""
    script = (resources.files("consumers") / "migrations" / "versions" / name).read_text()
    raw: Any = op.get_bind().connection.driver_connection
    await_only(raw.execute(script))


async def migrate(settings: Settings) -> str:
    """Bring the schema to this code's version, add the rows of lanes that are missing, and set the roles' rights. The version reached."""
    dsn = settings.postgres_dsn.get_secret_value()
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(dsn, timeout=5, command_timeout=60),
        poolclass=NullPool,
    )
    config = _config()

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with engine.connect() as connection:
        await connection.exec_driver_sql(f"select pg_advisory_lock({MIGRATION_LOCK})")
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()
    lanes = await connect(settings, "migrate")
    try:
        existing = await lanes.fetchval("select count(*) from lanes")
        if existing not in (0, settings.lanes):
            raise SchemaError(
                f"the database has {existing} lanes, the settings say {settings.lanes}: the number is chosen once"
            )
        await lanes.execute(
            "insert into lanes (lane) select g from generate_series(0, $1::integer - 1) g on conflict do nothing",
            settings.lanes,
        )
        await lanes.execute((resources.files("consumers") / "sql" / "roles.sql").read_text())
    finally:
        await lanes.close(timeout=5)
    return ScriptDirectory.from_config(config).get_current_head() or ""


async def verify(settings: Settings) -> None:
    """Raise SchemaError unless the database has this code's schema and number of lanes."""
    connection = await connect(settings, "verify")
    try:
        async with asyncio.timeout(10):
            exists = await connection.fetchval("select to_regclass('alembic_version') is not null")
            found = await connection.fetchval("select version_num from alembic_version") if exists else None
            head = ScriptDirectory.from_config(_config()).get_current_head()
            if found is None or found < (head or ""):
                raise SchemaError(
                    f"the schema is at {found or 'nothing'}, this version needs {head}: run `noveto database migrate`"
                )
            lanes = await connection.fetchval("select count(*) from lanes")
            if lanes != settings.lanes:
                raise SchemaError(f"the database has {lanes} lanes, the settings say {settings.lanes}")
    finally:
        await connection.close(timeout=5)
