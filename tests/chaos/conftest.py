"""The stack that chaos may break: of its own, since whoever shares it would suffer."""

from collections.abc import Iterator

import pytest

from .stack import Breakable, breakable


@pytest.fixture(scope="session")
def broken() -> Iterator[Breakable]:
    """One broker and one database server, killed, cut off and started again by the tests."""
    with breakable(say=lambda said: None) as running:
        yield running
