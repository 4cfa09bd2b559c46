"""Reference data read from files: directory, policy, calendars; a mistake is named by file and line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from consumers.contents import CalendarContent, Reference, ReferenceDataError
from consumers.settings import Settings
from deadlines import CalendarFileError, Centre, Year, read_file
from router.policy import DEFAULT_POLICY, Policy
from topics.directory import Directory, Misfits
from topics.registry import TopicNames

__all__ = ["Reference", "ReferenceDataError", "calendar_files", "load_reference", "read_calendar", "read_yaml"]

AnyModel = TypeVar("AnyModel", bound=BaseModel)


def load_reference(settings: Settings) -> Reference:
    """Read every file the settings name. Raises ReferenceDataError with file and line."""
    if settings.directory is None:
        raise ReferenceDataError("no directory is set: put the path of a directory.yaml into NOVETO_DIRECTORY")
    return Reference.assemble(
        directory=read_yaml(settings.directory, Directory),
        policy=read_yaml(settings.policy, Policy) if settings.policy else DEFAULT_POLICY,
        calendar=read_calendar(CalendarContent.shipped(), calendar_files(settings.calendar)),
        names=TopicNames(settings.topic_prefix),
        lanes=settings.lanes,
    )


def calendar_files(folder: Path | None) -> list[Path]:
    """The calendar files of a folder, in the order of their names."""
    return sorted(folder.glob("*.yaml")) if folder else []


def read_calendar(base: CalendarContent, files: Iterable[Path]) -> CalendarContent:
    """A calendar with the years and centres of files added, or in the place of those it had."""
    for file in files:
        base = base.with_file(_year_or_centre(file))
    return base


def _year_or_centre(path: Path) -> Year | Centre:
    text = _text_of(path)
    try:
        return read_file(text, str(path))
    except CalendarFileError as error:
        cause = error.__cause__
        if isinstance(cause, ValidationError):
            raise ReferenceDataError(_faults(path, yaml.compose(text, yaml.SafeLoader), cause)) from error
        raise ReferenceDataError(str(error)) from error


def read_yaml(path: Path, model: type[AnyModel]) -> AnyModel:
    """A YAML file as a model; a mistake is named by file and line."""
    text = _text_of(path)
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ReferenceDataError(f"{path} is no YAML: {error}") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ReferenceDataError(_faults(path, node, error)) from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ReferenceDataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ReferenceDataError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error


def _faults(path: Path, node: yaml.Node | None, error: ValidationError) -> str:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        misfits = fault.get("ctx", {}).get("error")
        found = misfits.found if isinstance(misfits, Misfits) else ((fault["loc"], fault["msg"]),)
        lines += [f"{path}:{_line(node, place)}: {_place(place)}: {what}" for place, what in found]
    return "\n".join(lines)


def _place(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location) or "the whole file"


def _line(node: yaml.Node | None, location: tuple[Any, ...]) -> int:
    """The line of the deepest place that the file has on the way to a fault."""
    line = 1
    for part in location:
        if node is None:
            break
        found: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
        if found is None:
            break
        node, line = found, found.start_mark.line + 1
    return line
