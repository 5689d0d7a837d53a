"""What somebody had set in a params.yaml before a preset took its place."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from commands.console import in_yaml
from commands.preset.presets import DEFAULT, ORIGIN, resolved
from stages.shared.errors import ParamsError

Content = Mapping[str, Any]


def settings_lost(path: Path, new: Content) -> list[str]:
    """Return what a params.yaml has that is neither of the preset it came from nor in the new one.

    Args:
        path: of the params.yaml, which may be missing.
        new: what it will hold.

    Returns:
        Settings as the command takes them, as "train_ensemble.members=2".
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        before = YAML(typ="safe").load(text)
    except Exception:  # as in load_params; what cannot be read has no settings
        return []
    if not isinstance(before, dict):
        return []
    named = re.match(rf"{ORIGIN}(\w+)\.yaml", text)
    try:
        own = resolved(named[1] if named else DEFAULT)
    except ParamsError:  # that preset is gone
        own = resolved(DEFAULT)
    return [
        shlex.quote(f"{'.'.join(keys)}={in_yaml(value)}")
        for keys, value in _in_neither(before, own, new)
    ]


def _in_neither(
    content: Content, first: Any, second: Any, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield keys and values that two others lack; a map without a key of theirs is one value."""
    for key, value in content.items():
        path, one, other = (*above, str(key)), first.get(key), second.get(key)
        if _has_a_key_of(one, value) and _has_a_key_of(other, value):
            yield from _in_neither(value, one, other, path)
        elif _words(value) not in {_words(one), _words(other)}:
            yield path, value


def _words(value: Any) -> str:
    """Return a value so that a size of 1, one pick, is not one of 1.0, everything."""
    return json.dumps(value, sort_keys=True, default=str)


def _has_a_key_of(other: Any, value: Any) -> bool:
    return isinstance(other, dict) and isinstance(value, dict) and bool({*other} & {*value})
