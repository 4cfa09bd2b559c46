"""The process between a program and the servers it starts: it ends them when the program is gone, however it went.

Run as a program of its own (``python watchdog.py ORDERS``). It reads requests from standard input, one JSON object a
line, and reports on standard output, one JSON object a line: what it started, and what ended. When standard input
ends, or its parent is another, it ends every server and all that they forked, and goes. It imports nothing of the
project, so that it starts quickly and nothing there can break it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import psutil

PARENT_POLL_SECONDS = 0.5
ABORT_SECONDS = 2.0
KILL_SECONDS = 10.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


class Watchdog:
    """Starts processes on request and outlives its parent just long enough to end them."""

    def __init__(self, grace_seconds: float, remove: str | None) -> None:
        self._grace_seconds = grace_seconds
        self._remove = remove
        self._parent = os.getppid()
        self._signals: dict[int, tuple[int, int]] = {}
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def run(self) -> None:
        """Serve requests until the parent is gone, then clean up."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        # What a killed Postgres leaves behind comes here to be reaped, whatever process 1 of a container is.
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        try:
            self._serve()
        finally:
            self._end_all()
            if self._remove is not None:
                shutil.rmtree(self._remove, ignore_errors=True)

    def _serve(self) -> None:
        pending = b""
        while os.getppid() == self._parent:
            ready, _, _ = select.select([0, self._wake_read], [], [], PARENT_POLL_SECONDS)
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
            self._reap()
            if 0 not in ready:
                continue
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                self._obey(json.loads(line))

    def _obey(self, request: dict[str, Any]) -> None:
        if "remove" in request:
            self._remove = request["remove"]
        else:
            _report(self._start(request))

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            with open(request["log"], "ab") as log, open(request["stdin"], "rb") as stdin:
                process = subprocess.Popen(
                    request["argv"],
                    cwd=request["cwd"],
                    env=request["env"],
                    stdin=stdin,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    user=request["user"],
                    group=request["group"],
                    extra_groups=None if request["group"] is None else [],
                    preexec_fn=die_with_the_watchdog,
                )
        except (OSError, subprocess.SubprocessError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        process.returncode = 0  # it is reaped below, together with the orphans, and not by Popen
        self._signals[process.pid] = request["stop_signal"], request.get("abort_signal", signal.SIGKILL)
        return {"started": process.pid}

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._signals.pop(pid, None) is not None:
                _report({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _end_all(self) -> None:
        orderly = self._grace_seconds > 0
        for pid, (stop_signal, abort_signal) in list(self._signals.items()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, stop_signal if orderly else abort_signal)
        deadline = time.monotonic() + max(self._grace_seconds, ABORT_SECONDS)
        while self._signals and time.monotonic() < deadline:
            time.sleep(0.02)
            self._reap()
        deadline = time.monotonic() + KILL_SECONDS
        while (left := psutil.Process().children(recursive=True)) and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.02)
            self._reap()


def _report(message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # a parent that is gone reads no reports
        os.write(1, json.dumps(message).encode() + b"\n")


def die_with_the_watchdog() -> None:
    """Ask the kernel to kill this process if the watchdog itself is killed (Linux only)."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def prctl(option: int, value: int) -> None:
    """Call prctl(2) where it exists."""
    if sys.platform == "linux":
        LIBC.prctl(option, value, 0, 0, 0)


LIBC = ctypes.CDLL(None)


if __name__ == "__main__":
    orders = json.loads(sys.argv[1])
    Watchdog(orders["grace_seconds"], orders["remove"]).run()
