"""Locks between processes, held by open files: they end with whoever holds them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from deploy.local.errors import LocalStackError

ORPHAN_SECONDS = 20.0


@contextmanager
def exclusive(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait for the lock, and say so if it takes waiting; hold it for the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another program to finish its work on {path.stem}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class DirectoryLock:
    """One stack a directory; the watchdog holds the lock with the program, so it covers the clean-up after a kill."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: int | None = None

    def acquire(self) -> int:
        """Take the lock and return its file descriptor; refuse at once while another living program holds it."""
        file = os.open(self._directory / "stack.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        deadline = time.monotonic() + ORPHAN_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                owner = _owner(file)
                if (owner is None or psutil.pid_exists(owner)) or time.monotonic() > deadline:
                    os.close(file)
                    who = "another program" if owner is None else f"process {owner}"
                    raise LocalStackError(
                        "lock the data directory",
                        f"{self._directory} is in use by the local stack of {who}; stop that one or choose another directory",
                    ) from None
                time.sleep(0.05)  # its watchdog is still at work
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file
        return file

    def release(self) -> None:
        """Give the lock back, also when a forked child still has the file open."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_UN)
            os.close(self._file)
            self._file = None


def _owner(file: int) -> int | None:
    try:
        return int(os.pread(file, 32, 0))
    except ValueError:
        return None
