"""Add samples that the report suspects to a list of samples to leave out.

    python -m commands.suspects plots/suspects.csv lists/exclude.csv

No subset holds them once `dvc repro` has run again. Look at them first (plots/report.html shows
them) and take out of plots/suspects.csv what is right: the ensemble errs too, and rare samples
look like errors. What is on the list stays there; samples of `select.include` are not added.
"""

from collections.abc import Sequence
from pathlib import Path

from commands import console
from stages.report.suspected import HEADER
from stages.shared import artifacts
from stages.shared.running import command
from stages.shared.settings.params import load_params


def add(found: Sequence[Sequence[str]], listed: Path, include: Path) -> int:
    """Add samples with reasons to a list, which may not be there yet; return how many.

    Those that it has already or that the user includes are left out.

    Raises:
        ArtifactError: a file is another table.
    """
    rows = read(listed) if listed.exists() else []
    known = {part for name, _ in [*rows, *read(include)] for part in (name, name.strip())}
    new = [row for row in found if row[0] not in known]
    artifacts.save_table(listed, HEADER, [*rows, *new])
    return len(new)


def read(path: Path) -> list[list[str]]:
    """Return sample id and reason of each line of a list."""
    return [line.fields for line in artifacts.load_list(path, HEADER)]


def main() -> None:
    """Run the command line; an error of the user's ends it with code 1 and one line."""
    parser = console.parser(
        "suspects",
        "Add the samples of a list to another, as those with doubtful labels to the samples to "
        "leave out. Look at them first, and take out what is right.",
        "plots/suspects.csv lists/exclude.csv",
    )
    parser.add_argument("found", type=Path, metavar="FOUND", help="what the report wrote")
    parser.add_argument("list", type=Path, metavar="LIST", help="where to add it")
    with command.errors_in_one_line():
        arguments = parser.parse_args()
        include = Path(load_params().select.include)
        added = add(read(arguments.found), arguments.list, include)
        samples = "1 sample" if added == 1 else f"{added} samples"
        console.say(f"{arguments.list}: {samples} added")


if __name__ == "__main__":
    main()
