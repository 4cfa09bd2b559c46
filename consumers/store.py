"""The database: connections with time-outs, and the named queries of `sql/`."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import Any

import aiosql
import asyncpg
from aiosql.adapters.asyncpg import AsyncPGAdapter

from consumers.settings import Settings

CONNECT_SECONDS = 5
COMMAND_SECONDS = 30
# A worker stopped in the middle of a transaction must not keep a lane's row from its successor.
SESSION = {
    "idle_in_transaction_session_timeout": "4s",
    "transaction_timeout": "5s",
    "tcp_user_timeout": "5000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "jit": "off",
}
# What asyncpg raises when the database is away, is going down, or has cut a session off.
DATABASE_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.TransactionTimeoutError,
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.LockNotAvailableError,
    # An operator keeps connections away for a while: `alter database … allow_connections false`.
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
    OSError,
    asyncio.TimeoutError,
)


class SchemaError(Exception):
    """The database is not as this version of the code needs it."""


class ConnectionAdapter(AsyncPGAdapter):
    """aiosql on a connection that is held already: each query is awaited, rows come as a list."""

    # aiosql makes generators of an asynchronous driver's selects; called as a synchronous one's, it hands on what we return.
    is_aio_driver = False

    def maybe_order_params(self, query_name: str, parameters: Any) -> Any:
        return super().maybe_order_params(query_name, parameters)  # type: ignore[no-untyped-call]

    async def select(self, conn: Any, query_name: str, sql: str, parameters: Any, record_class: Any = None) -> Any:
        return await conn.fetch(sql, *self.maybe_order_params(query_name, parameters))

    async def select_one(self, conn: Any, query_name: str, sql: str, parameters: Any, record_class: Any = None) -> Any:
        return await conn.fetchrow(sql, *self.maybe_order_params(query_name, parameters))

    async def select_value(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any:
        return await conn.fetchval(sql, *self.maybe_order_params(query_name, parameters))

    async def insert_update_delete(self, conn: Any, query_name: str, sql: str, parameters: Any) -> Any:
        return await conn.execute(sql, *self.maybe_order_params(query_name, parameters))


def queries(name: str) -> Any:
    """The named queries of one file in `sql/`."""
    text = (resources.files("consumers") / "sql" / f"{name}.sql").read_text()
    adapter: Any = ConnectionAdapter
    return aiosql.from_str(text, adapter)


async def connect(settings: Settings, application: str, **session: str) -> asyncpg.Connection[asyncpg.Record]:
    """One connection; UTC, synchronous commit, bounded transactions."""
    return await asyncpg.connect(
        settings.postgres_dsn.get_secret_value(),
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        server_settings={**SESSION, "application_name": f"noveto-{application}", **session},
    )


async def create_pool(settings: Settings, application: str, size: int) -> asyncpg.Pool[asyncpg.Record]:
    """A pool for short transactions."""
    return await asyncpg.create_pool(
        settings.postgres_dsn.get_secret_value(),
        min_size=1,
        max_size=size,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        server_settings={**SESSION, "application_name": f"noveto-{application}"},
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Short transactions leave nothing behind: no setting, cursor, listener or lock of the session. The library's own
    clean-up is a round trip after each."""
