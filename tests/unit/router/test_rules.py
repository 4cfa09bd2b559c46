"""The page of the rules names every rule in scope, and tests that prove it."""

import re
from pathlib import Path

import pytest

from ...conftest import RULES, TESTS

ROW = re.compile(r"^\| (R\d\d) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
PAGE = (TESTS.parent / "docs" / "rules.md").read_text(encoding="utf-8")
PROOFS = [(row[1], file.strip()) for row in ROW.finditer(PAGE) for file in row[4].split(",")]


def test_the_page_names_the_rules_in_scope() -> None:
    """In their order, each once."""
    assert list(RULES) == [row[1] for row in ROW.finditer(PAGE)]


@pytest.mark.parametrize(("rule", "file"), PROOFS)
def test_a_file_named_as_proof_proves_the_rule(rule: str, file: str) -> None:
    """A test in it carries the rule's id."""
    proof: Path = TESTS / file

    assert f'"{rule}"' in proof.read_text(encoding="utf-8")
