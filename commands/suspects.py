"""Add samples that the report suspects to a list of samples to leave out.

    python -m commands.suspects plots/suspects.csv lists/exclude.csv

No subset holds them once `dvc repro` has run again. Look at them first (plots/report.html shows
them) and take out of plots/suspects.csv what is right: the ensemble errs too, and rare samples
look like errors. What is on the list stays there; samples of `select.include` and of
`seed_subset.file` are not added.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from commands import console
from stages.report.samples.suspected import HEADER
from stages.shared import artifacts
from stages.shared.artifacts.user_lists import SEED_HEADER
from stages.shared.running import command
from stages.shared.settings.params import Params, load_params


def add(found: Sequence[Sequence[str]], listed: Path, wanted: Iterable[str]) -> int:
    """Add samples with reasons to a list, which may not be there yet; return how many.

    Those that it has already or that the user wants in subsets are left out; each is added once,
    as its first line has it.

    Raises:
        ArtifactError: a file is another table.
    """
    rows = read(listed) if listed.exists() else []
    known = {name.strip() for name in [*(row[0] for row in rows), *wanted]}
    first_of: dict[str, Sequence[str]] = {}
    for row in found:
        first_of.setdefault(row[0].strip(), row)
    new = [row for name, row in first_of.items() if name not in known]
    artifacts.save_table(listed, HEADER, [*rows, *new])
    return len(new)


def read(path: Path) -> list[list[str]]:
    """Return sample id and reason of each line of a list."""
    return [line.fields for line in artifacts.load_list(path, HEADER)]


def wanted(params: Params) -> list[str]:
    """Return the samples that the user includes or starts from, which cannot be left out too.

    Raises:
        ArtifactError: a file is another table.
    """
    started = artifacts.load_list(Path(params.seed_subset.file), SEED_HEADER)
    included = read(Path(params.select.include))
    return [*(name for name, _ in included), *(line.fields[0] for line in started)]


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
        added = add(read(arguments.found), arguments.list, wanted(load_params()))
        samples = "1 sample" if added == 1 else f"{added} samples"
        console.say(f"{arguments.list}: {samples} added")


if __name__ == "__main__":
    main()
