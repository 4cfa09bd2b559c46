"""Structured logs on standard error: a line for what an operator acts on, none for a message. No personal data."""

import logging
import sys
from typing import Any

import structlog


def configure(level: str) -> None:
    """JSON lines; libraries from `warning` on."""
    number = getattr(logging, level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    # aiokafka reports every lost connection of every client again and again; the stages say it once.
    for name in ("aiokafka", "faust", "mode", "aiohttp"):
        logging.getLogger(name).setLevel(logging.CRITICAL if number > logging.DEBUG else logging.INFO)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "event": record.getMessage()[:500],
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        return str(structlog.processors.JSONRenderer(ensure_ascii=False)(None, "", fields))
