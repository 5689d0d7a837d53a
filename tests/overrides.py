"""Commands that change settings by `-S`, and the parameters that DVC makes of them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SETTING = r"-S\s(?:'[^']*'|[^\s'`|]*[^\s'`|.,;)])"
COMMAND = re.compile(rf"(?:dvc exp run (?:--queue )?)?{SETTING}(?:\s{SETTING})*")


def commands(text: str) -> list[str]:
    """Return the commands with settings in a text: `-S` that follow each other are one.

    Lines may be those of a comment, so a command may go on in the next.
    """
    found = COMMAND.findall(" ".join(text.replace("#", " ").split()))
    assert sum(command.count("-S ") for command in found) == text.count("-S "), "one is not seen"
    assert "--set-param" not in text, "only -S is looked for"
    return found


def changed(command: str, params: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """Yield each file of parameters that a command makes of these; it is written into a folder.

    As JSON, which DVC changes in a tenth of the time that YAML with comments takes.

    Raises:
        dvc.exceptions.InvalidArgumentError: DVC does not understand a setting.
    """
    # Here, because it takes a second.
    from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

    words = [word for word in shlex.split(command) if word != "-S"]
    settings = [word for word in words if "=" in word or word.startswith("~")]
    runs = get_hydra_sweeps({"params.json": settings})
    # As `dvc exp run` has it.
    assert len(runs) == 1 or "--queue" in words, f"{command}: more than one run needs --queue"
    for run in runs:
        path = folder / "params.json"
        path.write_text(json.dumps(params))
        apply_overrides(path, run["params.json"])
        yield path
