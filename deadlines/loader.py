"""Calendar and centre files read from text, and the years that ship with the package."""

from collections.abc import Hashable
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from .calendar import Calendar
from .centre import Centre
from .errors import CalendarFileError
from .notice import Year

Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key written twice, of which one would be lost silently, and leaves dates to the model.

    The model says in which entry a date is wrong.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - declared so by PyYAML
        first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.MarkedYAMLError(problem="a key is written twice", problem_mark=node.start_mark)
        return mapping


def read_file(text: str | bytes, place: str) -> Year | Centre:
    """Read a file of a year or of a centre, whichever its keys say; `place` is what errors call it.

    Raises CalendarFileError.
    """
    data = _read_yaml(text, place)
    match data:
        case {"year": _}:
            return _validated(Year, data, place)
        case {"centre": _}:
            return _validated(Centre, data, place)
    raise CalendarFileError(f"{place}: neither a year (`year:` and `notices:`) nor a centre (`centre:`)")


def read_year(text: str | bytes, place: str) -> Year:
    """Read the file of a year; raises CalendarFileError that names the place in it."""
    return _validated(Year, _read_yaml(text, place), place)


def read_centre(text: str | bytes, place: str) -> Centre:
    """Read the file of a centre; raises CalendarFileError that names the place in it."""
    return _validated(Centre, _read_yaml(text, place), place)


@cache
def shipped_calendar() -> Calendar:
    """The calendar of the years that ship with the package, read once."""
    files = (resources.files(__package__) / "years").iterdir()
    return Calendar(
        years=tuple(read_year(file.read_bytes(), file.name) for file in files if file.name.endswith(".yaml"))
    )


def _read_yaml(text: str | bytes, place: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - the loader is a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise CalendarFileError(f"{place}: not readable as YAML: {error}") from error


def _validated(model: type[Model], data: Any, place: str) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = (
            f"{place}: {' → '.join(str(part) for part in fault['loc']) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise CalendarFileError("\n".join(faults)) from error
