"""How far behind its source a reader is, in seconds."""

from dataclasses import dataclass, field

MOST_MARKS = 512


@dataclass(slots=True)
class Lag:
    """The age of the oldest thing that a reader has not read yet, judged by where the source ended at earlier looks.

    A reader that always has something left to read is not late for that: what counts is how long ago there was nothing but
    what it has read by now. Instants are seconds of one clock that is the source's too (the epoch's, for a broker's times).
    """

    since: float
    """When the reader had everything, as far as is known: at first, when it was begun."""
    marks: list[tuple[int, float]] = field(default_factory=list)
    """(where the source ended, when that was seen last), those only that the reader has not reached."""
    known: bool = False

    def seconds(self, position: int, end: int, now: float) -> float:
        """A look: the reader is at `position`, its source ends at `end`. How old the oldest unread thing is, at most."""
        while self.marks and self.marks[0][0] <= position:
            self._level(self.marks.pop(0)[1])
        if position >= end:
            self._level(now)
        else:
            self._mark(end, now)
        return max(0.0, now - self.since) if self.marks else 0.0

    def read(self, received: float) -> None:
        """What was received then has been read: before the first look that says more, it tells how old a backlog is."""
        self._level(received)

    def _mark(self, end: int, now: float) -> None:
        if self.marks and self.marks[-1][0] == end:
            self.marks.pop()
        elif len(self.marks) == MOST_MARKS:
            # Twice as coarse is still within a hundredth of the lag.
            del self.marks[::2]
        self.marks.append((end, now))

    def _level(self, at: float) -> None:
        self.since = max(self.since, at) if self.known else at
        self.known = True
