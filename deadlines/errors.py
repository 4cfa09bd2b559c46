"""What can be wrong with a calendar file or a question to the calendar."""


class CalendarFileError(ValueError):
    """A calendar or centre file that cannot be used; the message names the file, the place in it and the reason."""


class OutsideCalendarError(ValueError):
    """A date outside the years 2000 to 2099 that a calendar covers."""
