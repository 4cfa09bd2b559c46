"""A file system of its own that can be full: a tmpfs whose size is set anew while it is in use. Only root may mount one."""

import os
import subprocess
from pathlib import Path
from typing import Self

ATTEMPTS = 20


class Disk:
    """Mounted on a directory for as long as it is entered."""

    def __init__(self, directory: Path, size_mebibytes: int = 4096) -> None:
        self._directory = directory
        self._size = size_mebibytes * 1024

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._mount(f"size={self._size}k", "-t", "tmpfs", "tmpfs")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self._directory)], check=True)

    @staticmethod
    def possible() -> bool:
        """Whether this program may mount anything."""
        return os.geteuid() == 0

    def fill(self) -> None:
        """There is no more room than what is used already."""
        for _ in range(ATTEMPTS):
            found = os.statvfs(self._directory)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize // 1024
            try:
                self._mount(f"remount,size={used}k")
                return
            except subprocess.CalledProcessError:
                # It grew between the question and the answer.
                continue
        raise OSError(f"{self._directory} grows faster than it can be limited")

    def empty(self) -> None:
        """There is room again."""
        self._mount(f"remount,size={self._size}k")

    def _mount(self, options: str, *what: str) -> None:
        subprocess.run(["mount", "-o", options, *what, str(self._directory)], check=True, capture_output=True)
