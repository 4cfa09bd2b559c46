"""Instants as the tests write them."""

from datetime import datetime

from deadlines import SHANGHAI


def at(text: str) -> datetime:
    """An instant in Shanghai time."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
