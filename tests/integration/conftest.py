"""The stack that all integration tests of a process share, and routers on it, each with topics and a database of its own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..support import Router, supervised


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """One broker and one database server."""
    with LocalStack(say=lambda said: None) as running:
        yield running


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where workers' logs and key rings lie; pytest keeps it for a look afterwards."""
    return tmp_path_factory.mktemp("routers")


@pytest.fixture(scope="session")
def supervisor(folder: Path) -> Iterator[Supervisor]:
    """The watchdog over every worker of the tests."""
    with supervised(folder) as running:
        yield running


@pytest.fixture(scope="session")
def hall(stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Router]:
    """A router that runs; shared by tests whose cases have numbers of their own. A decision waits 2 s for its refusal."""
    router = Router(stack, supervisor, folder, "hall", park_seconds=2)
    asyncio.run(router.prepare())
    worker = router.worker().wait_ready()
    yield router
    worker.stop()
