"""Which settings of params.yaml differ between two revisions."""

from collections.abc import Iterator, Mapping

from stages.report.changes.files import Settings
from stages.report.changes.tables import Code, Row


def parameter_changes(first: Settings, second: Settings) -> list[Row]:
    """Return what differs, by dotted key, before and after; a list is one value."""
    before, after = dict(_flat(first.content)), dict(_flat(second.content))
    return [
        {"parameter": Code(key), "before": _written(before, key), "after": _written(after, key)}
        for key in dict.fromkeys([*before, *after])
        if key not in before or key not in after or before[key] != after[key]
    ]


def _flat(content: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _written(values: Mapping[str, object], key: str) -> Code:
    """Return a setting about as it stands in the file."""
    value = values.get(key)
    if key in values and isinstance(value, bool):
        return Code(str(value).lower())
    if value is None:
        return Code("empty" if key in values else "not there")
    return Code(value)
