"""What goes wrong while the local stack runs, told so that a person knows which log to read."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 20


class LocalStackError(RuntimeError):
    """A step of the local stack failed; names the step, the log to read and the log's last lines."""

    def __init__(self, step: str, reason: str, log_path: Path | None = None) -> None:
        self.step = step
        self.reason = reason
        self.log_path = log_path
        self.tail = tail(log_path) if log_path is not None else ""
        super().__init__(self._message())

    def _message(self) -> str:
        message = f"{self.step}: {self.reason}"
        if self.log_path is None:
            return message
        message += f"\nRead the log: {self.log_path}"
        if self.tail:
            indented = "\n".join(f"    {line}" for line in self.tail.splitlines())
            message += f"\nIts last lines:\n{indented}"
        return message


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, or an empty text when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 64 * 1024))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
