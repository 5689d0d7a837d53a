"""Near duplicates in words and short tables: leaks between splits, labels that differ, blanks."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from stages.report.page.compared import Cell
from stages.report.results import Alike
from stages.shared.artifacts.duplicate_groups import Found, Grouped

MOST_ROWS = 10  # of a table
MOST_NAMES = 4  # of a group


class NearlySame(NamedTuple):
    """What the page shows."""

    sentences: list[str]
    tables: dict[str, list[dict[str, Cell]]]  # by title; none is empty


def nearly_same(alike: Alike) -> NearlySame | None:
    """Return what to show; None: nothing was looked for."""
    found = alike.found
    if found.method == "none":
        return None
    groups = [list(group) for _, group in groupby(alike.grouped, attrgetter("group"))]
    tables = {
        "Groups that cross splits": _rows(groups, lambda one: one.split),
        "Groups with more than one label": _rows(groups, lambda one: one.label),
        "Blank samples": [{"Sample": Cell(name)} for name in alike.blank[:MOST_ROWS]],
    }
    return NearlySame([*_sentences(found)], {name: rows for name, rows in tables.items() if rows})


def _rows(
    groups: Sequence[Sequence[Grouped]], kind: Callable[[Grouped], str]
) -> list[dict[str, Cell]]:
    """Return a row for each group whose samples are of several kinds, the first of them."""
    several = [group for group in groups if len({*map(kind, group)}) > 1]
    return [
        {
            "Samples": Cell(f"{len(group)}", len(group)),
            "Splits": Cell(", ".join(dict.fromkeys(one.split for one in group))),
            "Labels": Cell(", ".join(sorted({one.label for one in group})[:MOST_NAMES])),
            "Such as": Cell(", ".join(one.sample_id for one in group[:MOST_NAMES])),
        }
        for group in several[:MOST_ROWS]
    ]


def _sentences(found: Found) -> Iterator[str]:
    how = f"cosine of {found.threshold:g} or more"
    yield (
        f"{found.grouped:,} of {found.samples:,} samples have a near duplicate ({how}), in "
        f"{found.groups:,} groups, the largest of {found.largest:,}"
    )
    if found.method == "approximate":
        share = "unknown" if found.recall is None else f"{100 * found.recall:.1f} %"
        yield f"so many samples are not compared pair by pair: of all pairs {share} were found"
    yield (
        f"{found.across_splits:,} groups cross splits, which tests a model on what it has seen; "
        f"{found.conflicting:,} have more than one label"
    )
    yield (
        f"{found.copies:,} groups are equal bit by bit, {found.conflicting_copies:,} of them with "
        f"more than one label; {found.blank:,} samples are blank"
    )
