"""What it takes to run one of Kafka's programs: a Java, the jars, and the options that fit one machine."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.java import Java

LOGGING = Path(__file__).with_name("log4j2.properties")
OPTIONS = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+PerfDisableSharedMem",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True)
class Installation:
    """Kafka's jars and the Java that runs them."""

    java: Java
    jars: tuple[Path, ...]
    options: tuple[str, ...] = OPTIONS

    def command(self, log_path: Path, main_class: str, *arguments: str) -> list[str]:
        """The command line of one of Kafka's programs, which logs to a file."""
        return [
            str(self.java.executable),
            *self.options,
            f"-Dlog4j2.configurationFile={LOGGING}",
            f"-Dnoveto.log={log_path}",
            "-cp",
            os.pathsep.join(str(jar) for jar in self.jars),
            main_class,
            *arguments,
        ]

    def with_option(self, option: str) -> Installation:
        """The same with one more option for Java."""
        return replace(self, options=(*self.options, option))
