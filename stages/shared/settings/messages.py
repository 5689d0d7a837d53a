"""What is wrong with params.yaml, in lines for people: the dotted key, what was found, what may be.

A check of one value raises `not_allowed`; a check of a section raises ValueError with a message
that begins with the key inside it. What else pydantic finds is put into words here.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

# In pydantic's locations the part behind one of these keys says which form of the value was meant;
# the file has no such key.
TAGGED = ("acquisition", "optimizer", "schedule")
LONGEST_FOUND = 60
AND = "; and "  # between two things that are wrong

Location = tuple[int | str, ...]

# By pydantic's type of error; braces hold its context.
ALLOWED = {
    "bool_type": "true or false",
    "dict_type": "a section",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "string_type": "text, in quotes",
    "too_long": "a list with at most {max_length} in it",
    "too_short": "a list with at least {min_length} in it",
}


def describe(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line for each place where `model` found something that is not allowed."""
    lines: dict[str, str] = {}
    for item in error.errors(include_url=False):
        place = _place(item["loc"], item["type"])
        lines.setdefault(place, _line(place, dict(item), model))
    return list(lines.values())


def not_allowed(allowed: str) -> PydanticCustomError:
    """Return the error of a single value, by what is allowed."""
    return PydanticCustomError("not_allowed", "{allowed}", {"allowed": allowed})


def choice(found: object, known: Iterable[str]) -> str:
    """Return what may be chosen, the nearest to what was found first."""
    known = list(known)
    is_name = isinstance(found, str | float)
    near = difflib.get_close_matches(str(found), known, n=1) if is_name else []
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}choose one of {', '.join(known)}"


def either(allowed: str) -> WrapValidator:
    """Say what is allowed when a value has none of several forms; pydantic lists each failure."""

    def check(value: object, validate: ValidatorFunctionWrapHandler) -> object:
        try:
            return validate(value)
        except ValidationError:
            raise not_allowed(f"it must be {allowed}") from None

    return WrapValidator(check)


def one_of(known: Collection[str]) -> BeforeValidator:
    """Allow these names, which are those of files or folders."""

    def check(name: object) -> object:
        if name not in known:
            raise not_allowed(choice(name, known))
        return name

    return BeforeValidator(check)


def with_writable_name(section: Any) -> Any:
    """Return a section whose name can be written: pydantic tells a name that it does not know."""
    name = section.get("name") if isinstance(section, dict) else None
    try:
        repr(name)
    except ValueError:
        return {**section, "name": as_written(name)}
    return section


def as_written(value: object) -> str:
    """Return a value about as it stands in the file, cut short where it is long."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = repr(value)
    except ValueError:  # Python writes no more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_FOUND else f"{text[: LONGEST_FOUND - 3]}..."


def _place(location: Location, kind: str) -> str:
    """Return the dotted key."""
    keys = [
        str(part)
        for before, part in zip(("", *location), location, strict=False)
        if before not in TAGGED and part != "[key]"
    ]
    return ".".join([*keys, "name"] if kind.startswith("union_tag") else keys)


def _line(place: str, item: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "value_error":
        return f"{place}.{context['error']}" if place else str(context["error"])
    if kind in ("missing", "union_tag_not_found"):
        return f"{place} is missing; every key must be there"
    if kind in ("extra_forbidden", "invalid_key"):
        *section, key = item["loc"]
        return f"{place} is unknown; {choice(key, _keys(model, section))}"
    found = context.get("tag", item["input"])
    return f"{place or 'the file'} is {as_written(found)}; {_allowed(found, item, model)}"


def _allowed(found: object, item: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "not_allowed":
        return str(context["allowed"])
    if kind in ("model_type", "model_attributes_type"):
        return f"it must be a section with {', '.join(_keys(model, item['loc']))}"
    if names := context.get("expected", context.get("expected_tags")):
        return choice(found, _quoted(names))
    if kind not in ALLOWED:
        return str(item["msg"])  # pydantic's own words for what hardly anybody writes
    return f"it must be {ALLOWED[kind].format(**context)}"


def _quoted(text: str) -> list[str]:
    """Return the names in a text such as "'a', 'b' or 'c'"."""
    return text.split("'")[1::2]


def _keys(model: type[BaseModel], location: Iterable[int | str]) -> list[str]:
    """Return the keys that every section at this place may have."""
    sections = [model]
    for part in location:
        found = [_fields(section)[part] for section in sections if part in _fields(section)]
        if found:
            sections = [section for annotation in found for section in _sections_in(annotation)]
        elif isinstance(part, str):  # the name of a schedule, say: one of the sections has it
            sections = [
                section for section in sections if part in get_args(_fields(section)["name"])
            ]
    first, *others = sections
    return [str(key) for key in _fields(first) if all(key in _fields(other) for other in others)]


def _fields(section: type[BaseModel]) -> dict[int | str, Any]:
    """Return the types of a section's keys, as the file names them."""
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def _sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the sections that a type is made of, such as a list of rounds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)
