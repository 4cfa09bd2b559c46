"""Who has taken part in a case."""

import pytest

from router.changes.people import joined

from . import world


@pytest.mark.rule("R07")
def test_a_deputy_joins_with_the_colleague_they_stand_for() -> None:
    """And nobody stands there twice."""
    assert ("R-2", "R-1") == joined((), world.DEPUTY)
    assert ("R-1", "R-2") == joined(joined((), world.REVIEWER), world.DEPUTY)
    assert ("R-1",) == joined(("R-1",), None)
