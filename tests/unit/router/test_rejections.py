"""Every way to be turned away, with Chinese for its reader; those of the core are all met in these tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import router
from router.rejections import REASONS, reject


def _codes(folder: Path) -> Iterator[str]:
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "reject":
                assert isinstance(node.args[0], ast.Constant)
                yield str(node.args[0].value)


def test_every_reason_is_given_somewhere() -> None:
    """By the core, or by the shell around it, which finds out about the form of a record and what was sent before."""
    core, shell = Path(router.__file__).parent, Path(router.__file__).parent.parent / "consumers"
    written = "".join(file.read_text(encoding="utf-8") for file in shell.rglob("*.py"))
    given = set(_codes(core))

    assert given <= set(REASONS)
    assert [] == sorted(code for code in set(REASONS) - given if f'"{code}"' not in written)


def test_every_reason_of_the_core_is_met_in_a_test() -> None:
    """Its code stands in the tests beside this one."""
    tests = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    unmet = [code for code in _codes(Path(router.__file__).parent) if f'"{code}"' not in tests]

    assert unmet == []


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_is_chinese(code: str) -> None:
    """A window's user reads it."""
    assert any("\u4e00" <= character <= "\u9fff" for character in REASONS[code])


def test_an_unknown_reason_is_a_mistake_in_the_program() -> None:
    """It does not reach a sender."""
    with pytest.raises(KeyError):
        reject("no_such_code", "nothing")
