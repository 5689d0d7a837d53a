"""What a review says, in the order in which a reviewer asks."""

from collections.abc import Iterator, Sequence

from commands.compare.accuracies import AccuracyChange
from commands.compare.markdown import Code, Row, Section
from commands.compare.rankings import Comparison
from commands.compare.review import Review
from commands.compare.subset_changes import Moved, SubsetChange
from stages.report.run.labels import Labels

MOST_LISTED = 20  # samples
ADDED, REMOVED = "Added", "Removed"


def sections(review: Review) -> Iterator[Section]:
    """Yield what changed; nothing of what could not be compared."""
    if review.accuracies:
        yield _of_accuracies(review.accuracies, review.metric)
    yield _of_parameters(review.parameters)
    if review.subsets is not None:
        yield _of_subsets(review.subsets)
    if review.class_shares:
        yield Section(
            "Class shares",
            ["In percent of the picks, or of the objects in them; most changed first."],
            review.class_shares,
            decimals=2,
        )
    if review.rankings:
        yield from _of_rankings(review.rankings)


def lists(review: Review) -> Iterator[Section]:
    """Yield the first of the samples that were added, and of those removed, in words."""
    if review.subsets is None:
        return
    labels = review.labels or (None, None)
    yield _listed(ADDED, review.subsets.came, labels[1])
    yield _listed(REMOVED, review.subsets.went, labels[0])


def _of_subsets(change: SubsetChange) -> Section:
    new, gone = (sum(not one.is_in_other for one in moved) for moved in (change.came, change.went))
    added = f"{_picks(change.came)} added" + (
        f", {new} of them new in the train split" if new else ""
    )
    removed = f"{_picks(change.went)} removed" + (
        f", {gone} no longer in the train split" if gone else ""
    )
    rows: list[Row] = [
        {"": name, "before": before, "after": after, "change": after - before}
        for name, (before, after) in {
            "picks": change.sizes,
            "different samples": change.different,
            "train split": change.train_samples,
        }.items()
    ]
    jaccard = (
        f"Jaccard index {change.jaccard:.4f}, as multisets: a sample that is picked twice counts "
        "twice, in what was added and removed too."
    )
    return Section("Selected samples", [f"{added}; {removed}.", jaccard], rows)


def _picks(moved: Sequence[Moved]) -> str:
    return "1 pick" if len(moved) == 1 else f"{len(moved)} picks"


def _of_accuracies(changes: Sequence[AccuracyChange], metric: str) -> Section:
    rows: list[Row] = [
        {
            "model": change.model,
            "trained on": change.subset,
            "before": change.before,
            "after": change.after,
            "change": change.difference.value,
            "± (95 %)": change.difference.plus_minus,
            "paired by": change.paired_by,
            "verdict": "unchanged" if change.is_none else change.verdict,
        }
        for change in changes
    ]
    name = metric.replace("_", " ")
    sentence = (
        f"{name.capitalize()} in points, mean over the members; ± is half of the change's 95 % "
        "interval (trainings and test samples; of one draw of the subsets)."
    )
    return Section("Test results", [sentence], rows, decimals=2)


def _of_parameters(rows: list[Row]) -> Section:
    return Section("Parameters that differ", [] if rows else ["None."], rows)


def _of_rankings(rankings: Sequence[Comparison]) -> Iterator[Section]:
    rows = [_of_round(found.summary) for found in rankings]
    yield Section(
        "Rankings",
        ["Spearman's rank correlation, and the Jaccard index of the subsets, round by round."],
        rows,
    )
    curves = [_of_round(row) for found in rankings for row in found.overlap_rows]
    if curves:
        sentence = "Of the first k picks that scores chose; random is what two random sets share."
        yield Section("Overlap", [sentence], curves, is_long=True)


def _of_round(row: Row) -> Row:
    """Return a row without the revisions, and with one name of the round."""
    sizes = dict.fromkeys([row["first_size"], row["second_size"]])
    found = {key.replace("_", " "): value for key, value in list(row.items())[4:]}
    return {"round to": ", ".join(map(str, sizes)), **found}


def _listed(title: str, moved: Sequence[Moved], labels: Labels | None) -> Section:
    rows: list[Row] = [
        {
            "sample": Code(one.sample_id),
            "label": Code(labels.said_of(one.row)) if labels else "",
            "picked": said_of(one, was_added=title == ADDED),
        }
        for one in moved[:MOST_LISTED]
    ]
    order = f"The first {MOST_LISTED} in" if moved[MOST_LISTED:] else "In"
    sentence = (
        f"{order} the order of picking, with the round in which each was picked, and its rank by "
        "score in that round before → after."
    )
    return Section(f"{title}: {_picks(moved)}", [sentence], rows, is_long=True)


def said_of(moved: Moved, *, was_added: bool) -> str:
    """Say in which round a pick was chosen, and how it ranked there by score before and after."""
    where = f"round {moved.round}" if moved.round else "seed subset"
    if moved.rank is not None:
        ranks = [moved.rank] if moved.other_rank is None else [moved.rank, moved.other_rank]
        where += f", rank {' → '.join(map(str, ranks[::-1] if was_added else ranks))}"
    if moved.is_in_other:
        return where
    return f"{where}, " + ("new" if was_added else "gone")
