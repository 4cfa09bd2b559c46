"""The program's side of the watchdog: ask it for processes, and see what becomes of them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from deploy.local import watchdog
from deploy.local.errors import LocalStackError

ANSWER_SECONDS = 30.0
DEAF = Path(os.devnull)


@dataclass(frozen=True)
class Account:
    """A system account that a server runs under, when it is not the program's own."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Launch:
    """What to run, and where its output goes."""

    step: str
    argv: Sequence[str]
    log_path: Path
    cwd: Path
    stop_signal: signal.Signals = signal.SIGTERM
    abort_signal: signal.Signals = signal.SIGKILL
    """What ends it at once, when its data are thrown away and its program is gone."""
    env: Mapping[str, str] | None = None
    account: Account | None = None
    stdin: Path = DEAF


class Process:
    """A process that the watchdog started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self._ended = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.is_set()

    def wait(self, timeout: float) -> bool:
        """Whether it has ended within the time (seconds)."""
        return self._ended.wait(timeout)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill_tree(self, timeout: float = 10) -> None:
        """Kill it and all that it forked at one moment: it is stopped first, so that it forks no more."""
        self.signal(signal.SIGSTOP)
        tree: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            tree = psutil.Process(self.pid).children(recursive=True)
        self.signal(signal.SIGKILL)
        for member in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self.wait(timeout)
        psutil.wait_procs(tree, timeout)

    def ended(self, code: int) -> None:
        """Note its end, as the watchdog reports it: an exit code, or a signal as a negative number."""
        self.code = code
        self._ended.set()

    def obituary(self) -> str:
        """How it ended, for a message."""
        if self.code is None:
            return "still runs"
        return f"killed by signal {-self.code}" if self.code < 0 else f"ended with exit code {self.code}"


class Supervisor:
    """One watchdog and the processes it started."""

    def __init__(self, log_path: Path, grace_seconds: float, remove: Path | None, keep_open: Sequence[int]) -> None:
        orders = {"grace_seconds": grace_seconds, "remove": None if remove is None else str(remove)}
        self._log_path = log_path
        self._turn = threading.Lock()
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._processes: dict[int, Process] = {}
        with log_path.open("ab") as log:
            self._watchdog = subprocess.Popen(
                [sys.executable, "-P", watchdog.__file__, json.dumps(orders)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                pass_fds=keep_open,
            )
        assert self._watchdog.stdin is not None
        assert self._watchdog.stdout is not None
        self._requests: IO[bytes] = self._watchdog.stdin
        self._reader = threading.Thread(target=self._read, args=(self._watchdog.stdout,), daemon=True)
        self._reader.start()

    def launch(self, launch: Launch) -> Process:
        """Start a process in a session of its own, where Ctrl-C does not reach it."""
        account = launch.account
        request = {
            "argv": list(launch.argv),
            "log": str(launch.log_path),
            "stdin": str(launch.stdin),
            "cwd": str(launch.cwd),
            "env": dict(os.environ if launch.env is None else launch.env),
            "stop_signal": int(launch.stop_signal),
            "abort_signal": int(launch.abort_signal),
            "user": None if account is None else account.uid,
            "group": None if account is None else account.gid,
        }
        with self._turn:
            try:
                self._send(request)
                answer = self._answers.get(timeout=ANSWER_SECONDS)
            except (OSError, ValueError, queue.Empty) as error:
                raise LocalStackError(launch.step, f"the watchdog does not answer ({error})", self._log_path) from error
        if "error" in answer:
            raise LocalStackError(launch.step, answer["error"], launch.log_path)
        return self._processes[answer["started"]]

    def run(self, launch: Launch, timeout: float) -> None:
        """Run a process to its end (seconds)."""
        process = self.launch(launch)
        if not process.wait(timeout):
            process.kill_tree()
            raise LocalStackError(launch.step, f"not done within {timeout:.0f} s", launch.log_path)
        if process.code != 0:
            raise LocalStackError(launch.step, process.obituary(), launch.log_path)

    def keep_directory(self) -> None:
        """Tell the watchdog to leave the run's directory in place."""
        with self._turn, contextlib.suppress(OSError, ValueError):
            self._send({"remove": None})

    def close(self, timeout: float) -> None:
        """Let the watchdog end what still runs, and wait till it is done (seconds)."""
        with contextlib.suppress(OSError):
            self._requests.close()
        try:
            self._watchdog.wait(timeout)
        except subprocess.TimeoutExpired:
            self._watchdog.kill()
            self._watchdog.wait()
        self._reader.join(timeout)

    def _send(self, request: dict[str, Any]) -> None:
        self._requests.write(json.dumps(request).encode() + b"\n")
        self._requests.flush()

    def _read(self, reports: IO[bytes]) -> None:
        with reports:
            for line in reports:
                report = json.loads(line)
                if "ended" in report:
                    self._processes[report["ended"]].ended(report["code"])
                    continue
                if "started" in report:
                    self._processes[report["started"]] = Process(report["started"])
                self._answers.put(report)
        # without its watchdog no process lives on
        for process in list(self._processes.values()):
            if process.alive:
                process.ended(-signal.SIGKILL)
        self._answers.put({"error": "the watchdog is gone"})
