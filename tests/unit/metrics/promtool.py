"""Prometheus's own tools, where the machine has them."""

import shutil
import subprocess

import pytest

PACKAGES = "apt-get install --no-install-recommends prometheus prometheus-alertmanager"


def tool(name: str) -> str:
    """The program's path; skips the test, and says how to get it, where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: {PACKAGES}")
    return found


def run(name: str, *arguments: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run([tool(name), *arguments], input=said, capture_output=True, text=True, timeout=60, check=False)
