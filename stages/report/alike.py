"""What is wrong with samples that are equal, nearly equal or blank: told wherever it matters."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from stages.report.results import Alike, Results
from stages.shared.artifacts.duplicate_groups import Grouped

COPIES = "copies"  # the method where nothing nearly the same is looked for
Groups = list[list[Grouped]]


def groups(alike: Alike) -> Groups:
    """Return the samples of each group of near duplicates, or of copies alone."""
    return [list(group) for _, group in groupby(alike.grouped, attrgetter("group"))]


def copies(alike: Alike) -> Groups:
    """Return the samples of each group that is equal bit by bit."""
    found: dict[str, list[Grouped]] = {}
    for one in alike.grouped:
        if one.copy:
            found.setdefault(one.copy, []).append(one)
    return list(found.values())


def crossing(found: Groups) -> Groups:
    """Return the groups of which several splits hold a part."""
    return _with_several(found, lambda one: one.split)


def conflicting(found: Groups) -> Groups:
    """Return the groups with more than one label."""
    return _with_several(found, lambda one: one.label)


def looks_for_near(alike: Alike) -> bool:
    """Whether more than copies were looked for."""
    return alike.found.method != COPIES


def broken(results: Results) -> dict[int, str]:
    """Return why each train row is surely wrong: blank, or a copy of one with another label."""
    row_of = {name: row for row, name in enumerate(results.sample_ids)}
    return {row_of[name]: reason for name, reason in _broken(results.alike) if name in row_of}


def _broken(alike: Alike) -> Iterator[tuple[str, str]]:
    for group in conflicting(copies(alike)):
        for one in group:
            if one.split == "train":
                other = next(each for each in group if each.label != one.label)
                yield (
                    one.sample_id,
                    (
                        f"labelled {one.label}, and equal to {other.sample_id}, "
                        f"labelled {other.label}"
                    ),
                )
    yield from ((name, "blank") for name in alike.blank)


def _with_several(found: Sequence[Sequence[Grouped]], kind: Callable[[Grouped], str]) -> Groups:
    return [list(group) for group in found if len({*map(kind, group)}) > 1]
