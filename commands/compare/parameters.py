"""Which settings of params.yaml differ between two revisions."""

from collections.abc import Mapping

from commands.compare.markdown import Code, Row
from commands.compare.revision_files import Settings


def parameter_changes(first: Settings, second: Settings) -> list[Row]:
    """Return what differs, by dotted key, before and after; a list is one value."""
    before, after = flat(first.content), flat(second.content)
    return [
        {"parameter": Code(key), "before": _written(before, key), "after": _written(after, key)}
        for key in dict.fromkeys([*before, *after])
        if key not in before or key not in after or before[key] != after[key]
    ]


def flat(content: Mapping[str, object], section: str = "") -> dict[str, object]:
    """Return settings by their dotted keys; a list is one value, and so is an empty section."""
    found: dict[str, object] = {}
    for key, value in content.items():
        name = f"{section}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: value}
    return found


def _written(values: Mapping[str, object], key: str) -> Code:
    """Return a setting about as it stands in the file."""
    value = values.get(key)
    if key in values and isinstance(value, bool):
        return Code(str(value).lower())
    if value is None:
        return Code("empty" if key in values else "not there")
    return Code(value)
