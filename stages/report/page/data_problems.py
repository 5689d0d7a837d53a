"""*Problems in the data*: copies, labels that differ, blanks, tiny classes, and what follows."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from stages.report.page.compared import Cell
from stages.report.page.labels_to_check import MOST
from stages.report.page.samples import Card, content_of
from stages.report.page.trust import Check, of_classes, of_splits
from stages.report.run.results import Results
from stages.report.samples import alike
from stages.report.samples.alike import Groups
from stages.report.samples.beliefs import judge_labels, right_on_validation
from stages.report.samples.suspected import label_suspects
from stages.report.words.headline import listed
from stages.report.words.next_step import SUSPECTS
from stages.shared.artifacts import Ints

FEWEST = 10  # train samples of a class: with fewer its own accuracy means nothing
MOST_ROWS, MOST_NAMES = 10, 4  # of a table; of a group, and of classes
# What finds more, or why nothing does; of texts nothing.
COPIES_ALONE = {
    "images": ": what is nearly the same is found of coloured pictures of 32 pixels or more; of "
    "others with embeddings (embed.model)",
    "vectors": ": so few numbers are nearly the same by chance",
}


class Problems(NamedTuple):
    """What the page shows."""

    checks: list[Check]  # those that are not fine first
    note: str
    cards: list[Card]  # of what is surely wrong in train
    tables: dict[str, list[dict[str, Cell]]]  # by title; none is empty


def problems(results: Results) -> Problems:
    """Return what the page shows, of the first draw."""
    broken, near = alike.broken(results), alike.groups(results)
    in_train = {results.sample_ids[row] for row in broken}
    blank = [name for name in alike.blank(results) if name not in in_train]
    tables = {
        "Groups that cross splits": _rows(alike.crossing(near)),
        "Groups with more than one label": _rows(alike.conflicting(near)),
        "Blank samples of other splits": [{"Sample": Cell(name)} for name in blank[:MOST_ROWS]],
    }
    return Problems(
        checks=sorted(_checks(results), key=lambda check: check.is_fine),
        note=_how(results),
        cards=[
            Card(results.sample_ids[row], content_of(results, row), [broken[row]])
            for row in [*broken][:MOST]
        ],
        tables={title: rows for title, rows in tables.items() if rows},
    )


def in_short(draws: Sequence[Results]) -> str:
    """Return one sentence on the data: what is not fine, and how many labels are likely wrong."""
    checks = [*_checks(draws[0]), *of_classes(draws[0])]
    bad = [check for check in checks if not check.is_fine]
    found = [f"{check.name.lower()}: {check.found}" for check in bad]
    suspect_S = label_suspects(draws)
    found = found or [f"no {'other ' if len(suspect_S) else ''}problem found"]
    if draws[0].rounds[-1].votes is not None:
        found.append(_labels_in_short(draws, suspect_S))
    return f"Data: {'; '.join(found)}."


def _labels_in_short(draws: Sequence[Results], suspect_S: Ints) -> str:
    right = f"{100 * right_on_validation(draws):.0f} % of validation"
    if not judge_labels(draws):
        return f"labels were not judged, as the models are right on {right} only"
    taken = int(np.isin(suspect_S, draws[0].last_subset.index_P).sum())
    if not len(suspect_S):
        return "no label looks wrong"
    labels = "1 label looks" if len(suspect_S) == 1 else f"{len(suspect_S):,} labels look"
    return (
        f"{labels} wrong to models that are right on {right}, "
        f"{f'{taken:,}' if taken else 'none'} of them in the subset"
    )


def _checks(results: Results) -> Iterator[Check]:
    same = alike.copies(results)
    conflicts = alike.conflicting(same)
    if results.params.rules.has_labels:
        yield _check(
            "Equal samples with different labels",
            len(conflicts),
            "group",
            "At most one label of each is right: look at them, and leave out what is not.",
            SUSPECTS,
        )
    yield of_splits(results)
    repeated = [
        group
        for group in same
        if group not in conflicts and sum(one.split == "train" for one in group) > 1
    ]
    yield _check(
        "Repeated samples in train",
        len(repeated),
        "group",
        "They count more than once; select.near_duplicates: one takes one of each group.",
    )
    yield blank_check(results)
    yield _tiny_classes(results)
    yield Check(True, "Unreadable files", "none: a run stops at them, and lists them all")


def _check(name: str, num: int, unit: str, consequence: str, step: str = "") -> Check:
    units = unit if num == 1 or not unit else f"{unit}s"
    found = f"{num:,} {units}".strip() if num else "none"
    return Check(not num, name, found, consequence, step)


def blank_check(results: Results) -> Check:
    """Tell of blank samples all that is wrong with them at once."""
    names, same = alike.blank(results), alike.blank_copies(results)
    found = [f"{len(names):,}" if names else "none"]
    if same:
        equal = sum(map(len, same))
        labels = sorted({one.label for group in same for one in group})
        found.append("all equal" if len(same) == 1 and equal == len(names) else f"{equal:,} equal")
        if len(labels) > 1:
            found.append(f"labelled {listed(labels[:MOST_NAMES])}")
    return Check(
        not names,
        "Blank samples",
        ", ".join(found),
        "They teach nothing, yet a search may take them as hard.",
        SUSPECTS,
    )


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
    found, inputs = results.alike.found, results.params.rules.inputs
    compared = f"{found.samples:,} samples of all splits were compared"
    if not alike.looks_for_near(results.alike):
        return f"{compared}, for copies alone{COPIES_ALONE.get(inputs, '')}"
    if found.method == alike.THUMBNAILS:
        return (
            f"{compared}, by copies and by thumbnails, which show what was saved anew, scaled or "
            f"brightened ({_grouped(results)}); what was turned, cropped or taken from elsewhere "
            "is found with embeddings (embed.model, as in presets/images_pretrained_cpu.yaml)"
        )
    scaled = ", each number scaled to mean 0 and deviation 1" * (inputs == "vectors")
    told = f"{compared}{scaled}: {_grouped(results)}"
    if found.method == "approximate":
        share = "unknown" if found.recall is None else f"{100 * found.recall:.1f} %"
        told += (
            "; not every pair was compared: of the samples with near duplicates about "
            f"{share} were found with all of them"
        )
    return told


def _grouped(results: Results) -> str:
    found = results.alike.found
    if not found.groups:
        return f"none has a near duplicate, with a cosine of {found.threshold:g} or more"
    return (
        f"{found.grouped:,} have a near duplicate, with a cosine of {found.threshold:g} or more, "
        f"in {found.groups:,} groups, the largest of {found.largest:,}"
    )


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
