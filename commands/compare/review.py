"""All that changed between two revisions, as far as their data is here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from commands.compare.accuracies import (
    AccuracyChange,
    accuracy_changes,
    load_evaluated,
    metric_of,
)
from commands.compare.markdown import Row
from commands.compare.parameters import parameter_changes
from commands.compare.rankings import Comparison, compare_revisions
from commands.compare.revision_files import Files, MissingError
from commands.compare.revisions import load_revision
from commands.compare.subset_changes import (
    SubsetChange,
    class_shares,
    load_labels,
    subset_change,
)
from stages.report.run.labels import Labels
from stages.shared.errors import UserError

Found = TypeVar("Found")


@dataclass(frozen=True)
class Review:
    """What changed from one revision to another; what their data does not tell is empty."""

    first: Files
    second: Files
    metric: str  # that the second reports
    parameters: list[Row]
    subsets: SubsetChange | None
    labels: tuple[Labels, Labels] | None
    class_shares: list[Row]
    rankings: list[Comparison]
    accuracies: list[AccuracyChange]
    problems: list[str]  # a line for each that left a part uncompared


def review(first: Files, second: Files) -> Review:
    """Compare two revisions.

    Raises:
        ParamsError: one of them has no params.yaml of this pipeline.
    """
    problems: list[UserError] = []
    parameters = parameter_changes(first.settings, second.settings)
    metric = metric_of(second)

    def of_both(load: Callable[[Files], Found]) -> tuple[Found, Found] | None:
        before, after = (_unless(problems, partial(load, files)) for files in (first, second))
        return None if before is None or after is None else (before, after)

    revisions = of_both(load_revision)
    labels = of_both(load_labels)
    evaluated = of_both(lambda files: load_evaluated(files, metric))
    # Raises where they are of different data sets, whose samples are not the same.
    rankings = revisions and _unless(problems, lambda: compare_revisions(*revisions))
    comparable = revisions if rankings is not None else None
    return Review(
        first=first,
        second=second,
        metric=metric,
        parameters=parameters,
        subsets=subset_change(*comparable) if comparable else None,
        labels=labels,
        class_shares=class_shares(*comparable, *labels) if comparable and labels else [],
        rankings=rankings or [],
        accuracies=list(accuracy_changes(*evaluated)) if evaluated else [],
        problems=_lines(problems),
    )


def _unless(problems: list[UserError], find: Callable[[], Found]) -> Found | None:
    """Return what is found; otherwise note why it is not."""
    try:
        return find()
    except UserError as error:
        problems.append(error)
        return None


def _lines(problems: Sequence[UserError]) -> list[str]:
    """Return a line for each problem, and one for all that is missing in a revision."""
    missing: dict[str, MissingError] = {}
    for error in problems:
        if isinstance(error, MissingError):
            known = missing.get(error.name, error)
            paths = dict.fromkeys([*known.paths, *error.paths])
            missing[error.name] = MissingError(error.name, list(paths), known.reason)
    others = [error for error in problems if not isinstance(error, MissingError)]
    return list(dict.fromkeys(map(str, [*missing.values(), *others])))
