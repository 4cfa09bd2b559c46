"""The package reads no clock, draws no lots and does no I/O but to load its own files."""

import ast
from importlib import resources

import pytest

SOURCES = sorted(file.name for file in resources.files("deadlines").iterdir() if file.name.endswith(".py"))
FORBIDDEN = {"asyncio", "time", "random", "socket", "os", "pathlib", "secrets", "uuid", "logging"}
CLOCKS = {"now", "today", "utcnow", "open"}


@pytest.mark.parametrize("name", SOURCES)
def test_a_module_is_pure(name: str) -> None:
    """No module imports a clock, lots or I/O, or asks datetime for the time; only the loader reads files."""
    tree = ast.parse((resources.files("deadlines") / name).read_text("utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in called}

    assert set() == imported & FORBIDDEN
    assert set() == names & CLOCKS
    assert name == "loader.py" or "importlib" not in imported
