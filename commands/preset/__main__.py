"""Write params.yaml from a preset: `python -m commands.preset [NAME [KEY=VALUE ...]]`."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from commands import console
from commands.preset.heads import listed
from commands.preset.presets import DEFAULT, FOLDER, Changes, changes, written
from commands.preset.replaced import settings_lost
from stages.listing.__main__ import brings_its_own
from stages.shared.artifacts.files import write_atomically
from stages.shared.errors import printable
from stages.shared.running.command import errors_in_one_line
from stages.shared.running.workspace import located
from stages.shared.settings.params import check_params

TARGET = Path("params.yaml")


def told(name: str, found: Changes) -> Iterator[str]:
    """Yield the lines that say what was written."""
    yield f"{TARGET}: presets/{name}.yaml" + (
        f"; other than in presets/{DEFAULT}.yaml:" if found else ""
    )
    keys = {path: ".".join(path) for path in found}
    indent = 4 + max(map(len, keys.values()), default=0)
    for path, value in found.items():
        line = f"  {keys[path].ljust(indent - 2)}{console.in_yaml(value)}"
        yield console.wrapped(line, " " * indent)


def write(name: str, settings: Sequence[str]) -> None:
    """Write params.yaml; say what is other than in the default, and what was set before."""
    found = changes(name, settings)
    made = written(name, found, FOLDER)
    content = YAML(typ="safe").load(made)
    check_params(content, TARGET)
    lost = settings_lost(TARGET, content)
    write_atomically(TARGET, made.encode())
    for line in told(name, found):
        console.say(line)
    if lost:
        had = f"{TARGET} had {' '.join(lost)}, which is not kept"
        console.say(f"{had}; to keep a setting, name it behind the preset")
    _warn_of_absent_root(content, settings)


def _warn_of_absent_root(content: dict[str, Any], settings: Sequence[str]) -> None:
    """Say so where the user names a folder that is not there; one may put it there later."""
    root = content["dataset"]["root"]
    is_named = any(setting.startswith("dataset.root=") for setting in settings)
    if not is_named or brings_its_own(content["task"], content["dataset"]["name"]):
        return
    if not os.path.isdir(located(root)):  # noqa: PTH112 - takes any text
        sys.stderr.write(f"warning: dataset.root, {printable(root)}, is not here yet\n")


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "preset",
        "Write params.yaml anew: presets/default.yaml, changed by a preset and by settings of "
        "yours. What you had set there before is named, and not kept. Without a name the presets "
        "are listed.",
        "images_cpu dataset.root=/my/images",
    )
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help=f"of a file in presets/, without .yaml; {DEFAULT} changes nothing",
    )
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE",
        help="a setting of params.yaml, as train_ensemble.members=2",
    )
    parser.add_argument("--list", action="store_true", help="list the presets, and write nothing")
    with errors_in_one_line():
        arguments = parser.parse_args()
        if arguments.list or arguments.name is None:
            for line in listed(FOLDER):
                console.say(line)
        else:
            write(arguments.name, arguments.settings)


if __name__ == "__main__":
    main()
