"""What is wrong with params.yaml, in lines for people: the dotted key, what was found, what may be.

Checks inside a section raise ValueError with a message that begins with the key or, as those of a
single value, with what is allowed; everything else pydantic finds is put into words here.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

# The part of pydantic's location behind one of these keys tells which member of the union was
# meant; the file has no such key.
TAGGED = ("acquisition", "schedule")
LONGEST_FOUND = 60

Location = tuple[int | str, ...]

# By pydantic's type of error; braces hold its context.
ALLOWED = {
    "bool_type": "true or false",
    "dict_type": "a map",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "string_type": "a text",
    "too_long": "a list of at most {max_length}",
    "too_short": "a list of at least {min_length}",
}


def describe(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line for each place in which `model` found something wrong, in its order."""
    lines: dict[str, str] = {}
    for item in error.errors(include_url=False):
        place = _place(item["loc"])
        lines.setdefault(place, _line(place, item, model))  # type: ignore[arg-type] # a TypedDict
    return list(lines.values())


def choice(found: object, known: Iterable[str]) -> str:
    """Return what may be chosen, the nearest to what was found first."""
    known = list(known)
    near = difflib.get_close_matches(str(found), known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}choose one of {', '.join(known)}"


def as_written(value: object) -> str:
    """Return a value about as it stands in the file, cut short where it is long."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= LONGEST_FOUND else f"{text[: LONGEST_FOUND - 3]}..."


def _place(location: Location) -> str:
    """Return the dotted key."""
    keys: list[str] = []
    before: int | str = ""
    for part in location:
        if before not in TAGGED and part != "[key]":
            keys.append(str(part))
        before = part
    return ".".join(keys)


def _line(place: str, item: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, found, context = item["type"], item["input"], item.get("ctx", {})
    is_found = f"{place or 'the file'} is {as_written(found)}"
    if kind == "missing":
        return f"{place} is missing; every key must be there"
    if kind in ("extra_forbidden", "invalid_key"):
        return f"{place} is unknown; {choice(item['loc'][-1], _keys(model, item['loc'][:-1]))}"
    if kind in ("model_type", "model_attributes_type"):
        keys = ", ".join(_keys(model, item["loc"]))
        return f"{is_found}; it must hold the keys {keys}"
    if kind == "literal_error":
        return f"{is_found}; {choice(found, _quoted(context['expected']))}"
    if kind.startswith("union_tag"):
        return _line_of_schedule(place, found, _quoted(context["expected_tags"]))
    if kind == "value_error":
        return _line_of_check(place, found, str(context["error"]))
    return f"{is_found}; it must be {ALLOWED[kind].format(**context)}"


def _line_of_check(place: str, found: object, message: str) -> str:
    if isinstance(found, Mapping) and not message.startswith("it must"):
        return f"{place}.{message}" if place else message
    return f"{place} is {as_written(found)}; {message}"


def _quoted(text: str) -> list[str]:
    """Return the names in a text such as "'a', 'b' or 'c'"."""
    return text.split("'")[1::2]
