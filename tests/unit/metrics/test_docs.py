"""The page about the metrics says what the table says; runbooks name what there is."""

import re
from pathlib import Path

import click
import pytest

import metrics
from consumers.cli.main import main
from metrics.__main__ import page

from .test_alerting import RUNBOOKS, known_names

DOCS = Path(metrics.__file__).parent.parent / "docs"
PAGES = sorted(RUNBOOKS.glob("*.md"))


def test_the_page_is_made_from_the_table() -> None:
    """`python -m metrics > docs/metrics.md` was run after the last change."""
    assert page() == (DOCS / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_a_runbook_asks_for_is_there(path: Path) -> None:
    """Its metrics, and its commands down to the one that does something."""
    codes = re.findall(r"`([^`]+)`", path.read_text(encoding="utf-8"))
    asked = {
        name for code in codes for name in re.findall(r"[a-z_]*:?noveto[:_][a-z0-9_:]*", re.sub(r'"[^"]*"', "", code))
    }
    commands = [code.split()[1:] for code in codes if code.startswith("noveto ")]

    assert asked <= known_names()
    assert [] == [words for words in commands if isinstance(command(words), click.Group)]


def command(words: list[str]) -> click.Command:
    """What these words of a command line reach."""
    reached: click.Command = main
    for word in words:
        if not isinstance(reached, click.Group):
            break
        reached = reached.commands[word]
    return reached
