"""*Problems in the data*: copies, labels that differ, blanks, tiny classes, and what follows."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from stages.report import alike
from stages.report.alike import Groups
from stages.report.page.compared import Cell
from stages.report.page.labels_to_check import MOST
from stages.report.page.samples import Card, card
from stages.report.page.trust import Check, of_splits
from stages.report.results import Results
from stages.report.suspected import label_suspects

FEWEST = 10  # train samples of a class: with fewer its own accuracy means nothing
MOST_ROWS, MOST_NAMES = 10, 4  # of a table; of a group, and of classes


class Problems(NamedTuple):
    """What the page shows."""

    checks: list[Check]  # those that are not fine first
    note: str
    cards: list[Card]  # of what is surely wrong in train
    tables: dict[str, list[dict[str, Cell]]]  # by title; none is empty


def problems(results: Results) -> Problems:
    """Return what the page shows, of the first draw."""
    entry, broken = results.rounds[-1], alike.broken(results)
    near = alike.groups(results.alike)
    tables = {
        "Groups that cross splits": _rows(alike.crossing(near)),
        "Groups with more than one label": _rows(alike.conflicting(near)),
        "Blank samples": [{"Sample": Cell(name)} for name in results.alike.blank[:MOST_ROWS]],
    }
    return Problems(
        checks=sorted(_checks(results), key=lambda check: check.is_fine),
        note=_how(results),
        cards=[card(results, entry, row, [broken[row]]) for row in [*broken][:MOST]],
        tables={title: rows for title, rows in tables.items() if rows},
    )


def in_short(results: Results) -> str:
    """Return one sentence on the data: what is not fine, and how many labels are to be checked."""
    bad = [check for check in _checks(results) if not check.is_fine]
    found = [f"{check.name.lower()}: {check.found}" for check in bad] or ["no problem found"]
    if results.rounds[-1].votes is not None:
        found.append(_labels_in_short(results))
    return f"Data: {'; '.join(found)}."


def _labels_in_short(results: Results) -> str:
    suspect_S = label_suspects(results)
    taken = int(np.isin(suspect_S, results.last_subset.index_P).sum())
    if not len(suspect_S):
        return "no label to check"
    labels = "1 label" if len(suspect_S) == 1 else f"{len(suspect_S)} labels"
    return f"{labels} to check, {taken or 'none'} of them in the subset"


def _checks(results: Results) -> Iterator[Check]:
    same = alike.copies(results.alike)
    if results.params.rules.has_labels:
        yield _check(
            "Equal samples with different labels",
            len(alike.conflicting(same)),
            "group",
            "At most one label of each is right: look at them, and leave out what is not.",
        )
    yield of_splits(results)
    repeated = [group for group in same if sum(one.split == "train" for one in group) > 1]
    yield _check(
        "Repeated samples in train",
        len(repeated),
        "group",
        "They count more than once; select.near_duplicates: one takes one of each group.",
    )
    yield _check(
        "Blank samples",
        len(results.alike.blank),
        "",
        "They teach nothing, yet a search may take them as hard.",
    )
    yield _tiny_classes(results)
    yield Check(True, "Unreadable files", "none: a run stops at them, and lists them all")


def _check(name: str, num: int, unit: str, consequence: str) -> Check:
    units = unit if num == 1 or not unit else f"{unit}s"
    found = f"{num:,} {units}".strip() if num else "none"
    return Check(not num, name, found, consequence)


def _tiny_classes(results: Results) -> Check:
    class_A = results.labels.classes_of(np.arange(len(results.targets_N)))
    count_C = np.bincount(class_A, minlength=results.meta.num_classes)
    tiny = [
        f"{name} ({count})"
        for name, count in zip(results.meta.class_names, count_C.tolist(), strict=True)
        if count < FEWEST
    ]
    more = f" and {len(tiny) - MOST_NAMES} more" if len(tiny) > MOST_NAMES else ""
    return Check(
        not tiny,
        "Tiny classes",
        f"{', '.join(tiny[:MOST_NAMES])}{more}"
        if tiny
        else f"none has fewer than {FEWEST} in train",
        "So few samples hardly teach a class; select.min_per_class keeps some of each.",
    )


def _how(results: Results) -> str:
    """Say what was compared."""
    found = results.alike.found
    if not alike.looks_for_near(results.alike):
        return (
            f"{found.samples:,} samples of all splits were compared, for copies alone: what is "
            "nearly the same is found with embeddings (embed.model)"
        )
    told = (
        f"{found.grouped:,} of {found.samples:,} samples have a near duplicate (cosine of "
        f"{found.threshold:g} or more), in {found.groups:,} groups, the largest of "
        f"{found.largest:,}"
    )
    if found.method == "approximate":
        share = "unknown" if found.recall is None else f"{100 * found.recall:.1f} %"
        told += (
            "; not every pair was compared: of the samples with near duplicates about "
            f"{share} were found with all of them"
        )
    return told


def _rows(groups: Groups) -> list[dict[str, Cell]]:
    """Return a row for each group, the first of them."""
    return [
        {
            "Samples": Cell(f"{len(group)}", len(group)),
            "Splits": Cell(", ".join(dict.fromkeys(one.split for one in group))),
            "Labels": Cell(", ".join(_some(sorted({one.label for one in group})))),
            "Such as": Cell(", ".join(_some([one.sample_id for one in group]))),
        }
        for group in groups[:MOST_ROWS]
    ]


def _some(names: Sequence[str]) -> Sequence[str]:
    return names[:MOST_NAMES]
