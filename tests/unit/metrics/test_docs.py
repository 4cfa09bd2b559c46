"""The page about the metrics says what the table says."""

from pathlib import Path

import metrics
from metrics.__main__ import page

DOCS = Path(metrics.__file__).parent.parent / "docs"


def test_the_page_is_made_from_the_table() -> None:
    """`python -m metrics > docs/metrics.md` was run after the last change."""
    assert page() == (DOCS / "metrics.md").read_text(encoding="utf-8")
