"""The stack that chaos may break: of its own, since whoever shares it would suffer."""

from collections.abc import Iterator

import pytest

from deploy.local import LocalStack


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """One broker and one database server, killed and started again by the tests."""
    with LocalStack(say=lambda said: None) as running:
        yield running
