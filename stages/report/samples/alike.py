"""What is wrong with samples that are equal, nearly equal or blank: told wherever it matters.

What the user's list leaves out is no problem any more, and is told of nowhere.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np

from stages.report.run.results import Alike, Results
from stages.shared.artifacts.duplicate_groups import Grouped

COPIES, THUMBNAILS = "copies", "thumbnails"  # how was looked, where that is not by vectors
Groups = list[list[Grouped]]


def groups(results: Results) -> Groups:
    """Return the samples of each group of near duplicates, or of copies alone; no blank ones."""
    found = groupby(results.alike.grouped, attrgetter("group"))
    return _with_content([[*group] for _, group in found], results)


def copies(results: Results) -> Groups:
    """Return the samples of each group that is equal bit by bit; no blank ones."""
    return _with_content(_copies(results.alike), results)


def blank(results: Results) -> list[str]:
    """Return the ids of samples without content."""
    left_out = excluded(results)
    return [name for name in results.alike.blank if name not in left_out]


def blank_copies(results: Results) -> Groups:
    """Return the groups of blank samples that are equal bit by bit."""
    names = {*blank(results)}
    kept = [[one for one in group if one.sample_id in names] for group in _copies(results.alike)]
    return [group for group in kept if len(group) > 1]


def crossing(found: Groups) -> Groups:
    """Return the groups of which several splits hold a part."""
    return _with_several(found, lambda one: one.split)


def conflicting(found: Groups) -> Groups:
    """Return the groups with more than one label."""
    return _with_several(found, lambda one: one.label)


def leaking(results: Results) -> list[str]:
    """Return the ids of the train samples that another split holds too, or nearly."""
    return [
        one.sample_id
        for group in crossing(groups(results))
        for one in group
        if one.split == "train"
    ]


def looks_for_near(alike: Alike) -> bool:
    """Whether more than copies were looked for."""
    return alike.found.method != COPIES


def excluded(results: Results) -> set[str]:
    """Return the ids of the train samples that the user's list leaves out."""
    return {results.sample_ids[row] for row in np.flatnonzero(results.is_excluded_N).tolist()}


def broken(results: Results) -> dict[int, str]:
    """Return why each train row is surely wrong: blank, or a copy of one with another label."""
    row_of = {name: row for row, name in enumerate(results.sample_ids)}
    return {row_of[name]: reason for name, reason in _broken(results) if name in row_of}


def _broken(results: Results) -> Iterator[tuple[str, str]]:
    for group in conflicting(copies(results)):
        yield from ((one.sample_id, _another(one, group)) for one in group if one.split == "train")
    told = {
        one.sample_id: f"blank, {_another(one, group)}"
        for group in conflicting(blank_copies(results))
        for one in group
    }
    yield from ((name, told.get(name, "blank")) for name in blank(results))


def _another(one: Grouped, group: Sequence[Grouped]) -> str:
    """Name one of a group with another label."""
    other = next(each for each in group if each.label != one.label)
    return f"labelled {one.label}, and equal to {other.sample_id}, labelled {other.label}"


def _copies(alike: Alike) -> Groups:
    found: dict[str, list[Grouped]] = {}
    for one in alike.grouped:
        if one.copy:
            found.setdefault(one.copy, []).append(one)
    return [*found.values()]


def _with_content(found: Groups, results: Results) -> Groups:
    """Return groups without blank samples, which are told of by themselves, and excluded ones."""
    without = {*results.alike.blank} | excluded(results)
    kept = [[one for one in group if one.sample_id not in without] for group in found]
    return [group for group in kept if len(group) > 1]


def _with_several(found: Sequence[Sequence[Grouped]], kind: Callable[[Grouped], str]) -> Groups:
    return [list(group) for group in found if len({*map(kind, group)}) > 1]
