"""Every page that a page points to is there."""

import re
from pathlib import Path

import pytest

import topics

ROOT = Path(topics.__file__).parent.parent
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")})
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A newcomer who follows a link finds a page."""
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert [] == broken
