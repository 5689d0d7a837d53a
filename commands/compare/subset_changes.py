"""Which samples came and went between two selections, and what they are.

Subsets are multisets: a sample that one holds twice and the other once came, or went, once.
Samples are the same where their ids are, so data sets that grew or were reordered compare rightly.
They are shown with their ranks by score, not with their scores: two acquisition functions have
different units.

Shapes: N train samples of a revision, P picks of its subset.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commands.compare.markdown import Code, Row
from commands.compare.revision_files import Files
from commands.compare.revisions import PREPARED, Revision
from stages.report.labels import Labels
from stages.shared import artifacts
from stages.shared.artifacts import Floats, Ints


def load_labels(files: Files) -> Labels:
    """Read the labels of a revision's train split.

    Raises:
        DataError: they are neither here nor on the remote.
    """
    meta = files.read(lambda root: artifacts.load_meta(root / PREPARED), f"{PREPARED}/meta.json")
    # Boxes lie beside the inputs, which may be large and are otherwise left where they are.
    path = f"{PREPARED}/train/targets.npy" if files.rules.has_labels else f"{PREPARED}/train"
    return files.read(lambda root: _labels(root / PREPARED, meta.class_names), path)


def _labels(prepared: Path, class_names: list[str]) -> Labels:
    has_boxes = artifacts.has_boxes(prepared, "train")
    return Labels(
        class_names,
        np.array(artifacts.load_targets(prepared, "train")),
        artifacts.load_boxes(prepared, "train") if has_boxes else None,
    )


@dataclass(frozen=True)
class Moved:
    """A pick of one revision that the other lacks."""

    row: int  # of the revision's own train split
    sample_id: str
    rank: int  # by the last round's scores of all train samples, from 1
    other_rank: int | None  # in the revision that lacks it; None: so does its train split


@dataclass(frozen=True)
class SubsetChange:
    """What the last rounds of two revisions selected."""

    sizes: tuple[int, int]  # picks
    different: tuple[int, int]  # samples among them
    train_samples: tuple[int, int]
    jaccard: float  # of the multisets, in [0, 1]
    came: list[Moved]  # both in the order of picking
    went: list[Moved]


def subset_change(first: Revision, second: Revision) -> SubsetChange:
    """Compare the subsets of the last rounds."""
    picks = [[entry.sample_ids[row] for row in _last(entry).tolist()] for entry in (first, second)]
    went, came = left_over(picks[0], picks[1]), left_over(picks[1], picks[0])
    shared = len(picks[0]) - len(went)
    either = len(picks[0]) + len(came)
    return SubsetChange(
        sizes=(len(picks[0]), len(picks[1])),
        different=(len(set(picks[0])), len(set(picks[1]))),
        train_samples=(len(first.sample_ids), len(second.sample_ids)),
        jaccard=shared / either if either else 1.0,
        came=_moved(second, first, came),
        went=_moved(first, second, went),
    )


def _last(revision: Revision) -> Ints:
    return revision.rounds[-1].subset.index_P


def left_over(picks: Sequence[str], others: Sequence[str]) -> list[int]:
    """Return the places of the picks that others lack, as multisets.

    Of a sample that both hold it is the first picks that they share.
    """
    unmatched = Counter(others)
    places = []
    for place, pick in enumerate(picks):
        if unmatched[pick] > 0:
            unmatched[pick] -= 1
        else:
            places.append(place)
    return places


def _moved(revision: Revision, other: Revision, places: Sequence[int]) -> list[Moved]:
    rank_N, other_rank_N = (_ranks(entry.rounds[-1].score_N) for entry in (revision, other))
    rank_of = dict(zip(other.sample_ids, other_rank_N.tolist(), strict=True))
    return [
        Moved(row, name, int(rank_N[row]), rank_of.get(name))
        for row in _last(revision)[np.array(places, dtype=np.int64)].tolist()
        for name in [revision.sample_ids[row]]
    ]


def _ranks(score_N: Floats) -> Ints:
    """Return how many scores are higher, plus 1; scores themselves differ by what they are of."""
    return 1 + len(score_N) - np.searchsorted(np.sort(score_N), score_N, side="right")


def class_shares(
    first: Revision, second: Revision, first_labels: Labels, second_labels: Labels
) -> list[Row]:
    """Return each class's share of the picks, or of the objects in them, in percent.

    Classes are the same where their names are; the class whose share changed most comes first.
    """
    before, after = _shares(first, first_labels), _shares(second, second_labels)
    names = dict.fromkeys([*first_labels.class_names, *second_labels.class_names])
    pairs = {name: (before.get(name, 0.0), after.get(name, 0.0)) for name in names}
    return [
        {"class": Code(name), "before": old, "after": new, "change": new - old}
        for name, (old, new) in sorted(
            pairs.items(), key=lambda item: -abs(item[1][1] - item[1][0])
        )
    ]


def _shares(revision: Revision, labels: Labels) -> dict[str, float]:
    classes = labels.classes_of(_last(revision))
    count_C = np.bincount(classes, minlength=len(labels.class_names))
    share_C = 100 * count_C / max(1, len(classes))
    return dict(zip(labels.class_names, share_C.tolist(), strict=True))
