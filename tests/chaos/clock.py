"""A process whose clock can be set: `python -m tests.chaos.clock <file> <module> <arguments>` runs the module as a program.

The file says by how many seconds its clock is wrong; without the file it is right. Only what reads the time of day is wrong then, as on
a machine whose clock is stepped: the monotonic clock, the database's and the broker's go on as they were.
"""

import datetime as standard
import runpy
import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any


def install(file: Path) -> None:
    """From here on `time.time` is as wrong as the file says, and so is `datetime.now` in the product."""
    right = time.time

    def wrong_by() -> float:
        try:
            return float(file.read_text())
        except (OSError, ValueError):
            return 0.0

    class Stepped(datetime):
        """The same, read from the clock that is wrong."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            """The time of day."""
            return standard.datetime.now(tz) + timedelta(seconds=wrong_by())

    time.time = lambda: right() + wrong_by()
    # Imported only now: whoever binds `time.time` binds the one that is wrong.
    import consumers.worker

    assert consumers.worker
    for name, module in list(sys.modules.items()):
        if name.startswith("consumers.") and getattr(module, "datetime", None) is datetime:
            module.datetime = Stepped  # type: ignore[attr-defined]


def main() -> None:
    """Install the clock and run the module."""
    _, file, module, *arguments = sys.argv
    install(Path(file))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
