"""The files of weights that params.yaml names, by what is in them."""

from pathlib import Path

from stages.listing import checksums
from stages.shared import artifacts
from stages.shared.errors import ParamsError
from stages.shared.running.workspace import located
from stages.shared.settings.params import Params
from stages.shared.settings.sections import WEIGHT_FILES

HEADER = ["path", "size", "mark"]


def content(params: Params, table: Path, *, remember: bool) -> bytes:
    """Return what the table of these files holds, a row for each that a stage will read.

    A file that is not here, such as on a laptop that has the results alone, keeps its row.

    Args:
        params: whose weights they are.
        table: that was written before.
        remember: keep checksums in the resume folder.

    Raises:
        ParamsError: a file is not here and never was, or cannot be read.
    """
    before = {row[0]: row for row in artifacts.load_table(table, HEADER)} if table.exists() else {}
    rows = []
    for model in params.trained_models:
        name = params.weights.get(model, "random")
        if not name.endswith(WEIGHT_FILES):
            continue
        path = located(name)
        marks, problems = checksums.marks(path.parent, [path.name], "contents", remember=remember)
        if not problems:
            rows.append([name, *map(str, marks[0])])
        elif name in before:
            rows.append(before[name])
        else:
            raise ParamsError(
                f"params.yaml: weights.{model} is {name}; it must be a file that is there, and "
                f"{problems[0]}"
            )
    return artifacts.table_bytes(HEADER, sorted(rows))
