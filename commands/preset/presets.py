"""What a preset stands for: the default, changed by the preset and by settings."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import SafeConstructor

from stages.shared.errors import ParamsError, reason
from stages.shared.settings.messages import choice

FOLDER = Path(__file__).parents[2] / "presets"
DEFAULT = "default"
ORIGIN = "# From presets/"  # how a params.yaml begins that was written from a preset

Changes = dict[tuple[str, ...], Any]  # values by the keys that lead to them


class _Whole(dict[str, Any]):
    """A map that takes the place of another."""


class _Constructor(SafeConstructor):
    """Knows the tag `!replace`."""


_Constructor.add_constructor(
    "!replace", lambda make, node: _Whole(make.construct_mapping(node, deep=True))
)


def resolved(name: str, settings: Sequence[str] = (), folder: Path = FOLDER) -> dict[str, Any]:
    """Return the content of the params.yaml that a preset stands for; see `text`."""
    content: dict[str, Any] = YAML(typ="safe").load(text(name, settings, folder))
    return content


def text(name: str, settings: Sequence[str] = (), folder: Path = FOLDER) -> str:
    """Return the text of that params.yaml, with the comments of presets/default.yaml.

    Args:
        name: of the preset.
        settings: changes of it, as "train_ensemble.members=2".
        folder: of the presets.

    Raises:
        ParamsError: there is no such preset, or no such key.
    """
    return written(name, changes(name, settings, folder), folder)


def changes(name: str, settings: Sequence[str] = (), folder: Path = FOLDER) -> Changes:
    """Return what a preset and settings change of the default; see `text`."""
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        raise ParamsError(f"the preset is {name!r}; {choice(name, known)}")
    default = YAML(typ="safe").load((folder / f"{DEFAULT}.yaml").read_text(encoding="utf-8"))
    found: Changes = {}
    if name != DEFAULT:
        yaml = YAML(typ="safe")
        yaml.Constructor = _Constructor
        found = dict(
            _differences(yaml.load((folder / f"{name}.yaml").read_text(encoding="utf-8")), default)
        )
    for setting in settings:
        _set(found, default, setting)
    return found


def _differences(
    preset: Mapping[str, Any], default: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the keys that a preset changes, in its order, and their values."""
    for key, value in preset.items():
        path = (*above, key)
        _require(path, default)
        if isinstance(value, _Whole):
            yield path, dict(value)
        elif isinstance(value, dict) and default[key] and isinstance(default[key], dict):
            yield from _differences(value, default[key], path)
        else:
            yield path, value


def _set(found: Changes, default: Mapping[str, Any], setting: str) -> None:
    """Add what `key=value` changes."""
    key, equals, value = setting.partition("=")
    if not equals:
        raise ParamsError(f"the setting is {setting!r}; it must be key=value")
    path = tuple(key.split("."))
    # What the preset replaces is changed there.
    start = next((path[:end] for end in range(1, len(path)) if path[:end] in found), ())
    section: Any = found[start] if start else default
    for end in range(len(start) + 1, len(path) + 1):
        _require(path[:end], section)
        if end < len(path):
            section = section[path[end - 1]]
    try:
        new = YAML(typ="safe", pure=True).load(value)
        node = YAML(typ="safe", pure=True).compose(value)  # it knows where the value ends
    except Exception as error:  # as in load_params
        raise ParamsError(f"{key} is {value!r} ({reason(error)}); it must be YAML 1.2") from None
    if comment := value[node.end_mark.index if node else 0 :].strip():
        raise ParamsError(
            f"{key} is {value!r}, where YAML takes {comment!r} for a comment; with a # it must be "
            f"in quotes of its own: '{key}=\"{value}\"'"
        )
    if start:
        section[path[-1]] = new
        return
    for other in [other for other in found if other[: len(path)] == path]:
        del found[other]
    found[path] = new


def _require(path: tuple[str, ...], section: object) -> None:
    known = list(section) if isinstance(section, dict) else []
    if path[-1] not in known:
        allowed = choice(path[-1], known) if known else f"{'.'.join(path[:-1])} is no section"
        raise ParamsError(f"{'.'.join(map(str, path))} is unknown; {allowed}")


def written(name: str, found: Changes, folder: Path) -> str:
    """Return the text of the default with other values; all else stays, letter by letter."""
    default = (folder / f"{DEFAULT}.yaml").read_text(encoding="utf-8")
    lines = default.splitlines()
    root = YAML(typ="safe").compose(default)  # it knows the lines
    places = {path: _place(root, path) for path in found}
    for path in sorted(found, key=lambda path: places[path], reverse=True):
        first, column = places[path]
        end = first + 1
        # Behind the key come the lines of its value: further in, or an item of its list.
        while end < len(lines) and re.match(rf" {{{column}}}(- | +[^ #])", lines[end]):
            end += 1
        new = [" " * column + line for line in _dumped({path[-1]: found[path]})]
        if comment := re.search(r"(?<= )#.*", lines[first]):
            new[0] = f"{new[0].ljust(comment.start() - 1)} {comment[0]}"
        lines[first:end] = new
    if name != DEFAULT:
        origin = f"{ORIGIN}{name}.yaml, which says what comes out and what it costs."
        lines[:0] = [origin]
    return "\n".join(lines) + "\n"


def _place(node: Any, path: tuple[str, ...]) -> tuple[int, int]:
    """Return the line and the column where a key begins."""
    for key in path:
        found, node = next(pair for pair in node.value if pair[0].value == key)
    return found.start_mark.line, found.start_mark.column


def _dumped(content: Mapping[str, Any]) -> list[str]:
    yaml = YAML()
    yaml.default_flow_style = None  # maps and lists of single values stand in one line
    yaml.width = 1000
    root, made = CommentedMap(content), io.StringIO()
    root.fa.set_block_style()
    yaml.dump(root, made)
    return made.getvalue().splitlines()
