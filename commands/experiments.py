"""The experiments of the current commit: what each changed, what came out, and how long it took.

    python -m commands.experiments

`dvc exp show` has a column for each file that a stage reads; this has what one chooses by, in 120
columns. Settings are those that differ from the commit's. The highest accuracy on validation comes
first, for by that one chooses; what is queued, running or failed has no numbers.
"""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from commands import console
from commands.compare.parameters import flat
from commands.compare.revision_files import WORKSPACE, MissingError, opened
from stages.shared.errors import UserError
from stages.shared.running import command, timings
from stages.shared.running.whole_run import in_time

COLUMNS = 120
LONGEST_NAME = 24  # characters
LEAST_SETTINGS = 24  # characters of a line of them
SUMMARY, PARAMS = "metrics/summary.json", "params.yaml"
METRICS = ("selected", "random", "full", "validation")  # of a target model in the summary
SETTINGS = "changed settings"
HEADS = ("experiment", "state", "model", SETTINGS, *METRICS, "time")
FINISHED = ("", "success")


@dataclass(frozen=True)
class Experiment:
    """What one line says."""

    name: str
    state: str  # queued, running or failed; empty: finished
    settings: Mapping[str, object]  # all of them, by dotted key
    summary: Mapping[str, Any]  # empty: not known
    time: str = ""

    @property
    def models(self) -> dict[str, Mapping[str, float]]:
        """The metrics of each target model."""
        return {key: value for key, value in self.summary.items() if isinstance(value, Mapping)}

    @property
    def best(self) -> float:
        """The highest accuracy on validation; minus infinity where none is known."""
        found = [values.get("validation") for values in self.models.values()]
        return max((value for value in found if value is not None), default=-math.inf)


def load_experiments() -> tuple[list[Experiment], list[Experiment]]:
    """Return the workspace and the current commit, and the experiments of that, the best first.

    Raises:
        UserError: DVC cannot read the project.
    """
    # Imported here: it takes a second, and --help does without.
    from dvc.exceptions import DvcException  # type: ignore[import-untyped] # it ships no types
    from dvc.repo import Repo  # type: ignore[import-untyped] # nor here

    try:
        with Repo() as repo:
            states = repo.experiments.show()
    except DvcException as error:
        raise UserError(f"dvc: {' '.join(str(error).split())}") from error
    above = [
        _experiment(state.name or state.rev[:7] if state.rev != WORKSPACE else WORKSPACE, "", state)
        for state in states
    ]
    below = [
        _experiment(each.name or state.name or state.rev[:7], _state(each), state)
        for baseline in states
        for each in baseline.experiments or ()
        for state in each.revs[:1]
    ]
    return above, sorted(below, key=lambda each: -each.best)


def _state(found: Any) -> str:
    state = found.executor.state if found.executor else ""
    return "" if state in FINISHED else str(state)


def _experiment(name: str, state: str, found: Any) -> Experiment:
    """Return what DVC knows of an experiment, which may be that it cannot be read."""
    if found.data is None:
        return Experiment(name, state or "failed", {}, {})
    content = {
        kind: files.get(path, {}).get("data") or {}
        for kind, files, path in (
            ("params", found.data.params, PARAMS),
            ("summary", found.data.metrics, SUMMARY),
        )
    }
    # What has not finished has the numbers of the commit that it started from.
    summary = {} if state else content["summary"]
    time = "" if state else _time(found.rev)
    return Experiment(name, state, flat(content["params"]), summary, time)


def _time(revision: str) -> str:
    """Say how long the stages of a revision took, each when it ran; empty where one is unknown."""
    try:
        with opened(revision) as files:
            return files.read(lambda root: total(root / timings.LOCK), str(timings.LOCK))
    except MissingError:  # it was not run by DVC
        return ""


def total(lock: Path) -> str:
    """Say how long the stages of a dvc.lock took; what `report` took is known a run later."""
    stages = timings.of_lock(lock)
    if set(timings.stages_of(lock)) - {"report"} - stages.keys():
        return ""
    return in_time(sum(stage.seconds for stage in stages.values()))


# --- the table -----------------------------------------------------------------------------------


def table(above: Sequence[Experiment], below: Sequence[Experiment]) -> str:
    """Return a table of all, the settings being those that differ from the last of `above`."""
    everything = [*above, *below]
    has_state = any(each.state for each in everything)
    has_models = len({model for each in everything for model in each.models}) > 1
    needed = {"state": has_state, "model": has_models}
    heads = [head for head in HEADS if needed.get(head, True)]
    cells = [_cells(each, above[-1].settings) for each in everything]
    rows = [
        {head: [head] for head in heads},
        *({head: row[head] for head in heads} for row in cells),
    ]
    others = [max(len(x) for row in rows for x in row[head]) for head in heads if head != SETTINGS]
    room = COLUMNS - sum(others) - len(console.BETWEEN) * len(others)
    for row in rows:
        row[SETTINGS] = _wrapped(row[SETTINGS], max(room, LEAST_SETTINGS))
    lines = [line for row in rows for line in zip_longest(*row.values(), fillvalue="")]
    return console.text_table(lines, COLUMNS, heads.index(SETTINGS) + 1)


def _cells(each: Experiment, before: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the lines of each column."""
    values = list(each.models.values())
    return {
        "experiment": [console.shortened(each.name, LONGEST_NAME)],
        "state": [each.state],
        "model": list(each.models),
        SETTINGS: _changed(each.settings, before),
        **{name: [_number(found.get(name)) for found in values] for name in METRICS},
        "time": [each.time],
    }


def _changed(settings: Mapping[str, object], before: Mapping[str, object]) -> list[str]:
    """Return the settings that differ, as `-S` takes them; none where they are not known."""
    return [
        f"{key}={console.in_yaml(settings[key])}" if key in settings else f"~{key}"
        for key in (dict.fromkeys([*before, *settings]) if settings else ())
        if key not in settings or key not in before or before[key] != settings[key]
    ]


def _wrapped(cell: Sequence[str], width: int) -> list[str]:
    return [
        part
        for line in cell
        for part in textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False)
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def lines() -> Iterator[str]:
    """Yield what to show of the project in the working folder."""
    above, below = load_experiments()
    if not above:
        yield "there is no commit yet"
        return
    yield table(above, below)
    if not below:
        yield ""
        yield f"{above[-1].name} has no experiments; `dvc exp run -S acquisition=entropy` makes one"


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "experiments",
        "Show the experiments of the current commit in 120 columns: the settings that each "
        "changed, its results in points, and how long its stages took. The highest on validation "
        "comes first.",
        "",
    )
    with command.errors_in_one_line():
        parser.parse_args()
        for line in lines():
            print(line)


if __name__ == "__main__":
    main()
