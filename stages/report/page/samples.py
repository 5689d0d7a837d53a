"""Galleries of samples: what the last round took, dropped and skipped, and what looks wrong.

Shapes: N train samples, K candidates, P picks, S samples of a gallery.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stages.report.page.browser import num_draws_with
from stages.report.pages import typeset
from stages.report.pictures.tiles import PER_ROW
from stages.report.run.reading import drawing_of
from stages.report.run.results import Results, Round
from stages.report.samples.neighbours import nearest
from stages.report.samples.ranking import ranked_candidates
from stages.report.samples.suspected import outliers
from stages.shared.artifacts import Array, Ints


@dataclass(frozen=True)
class Card:
    """One sample with its name, label, prediction and score."""

    name: str
    content: Array | str  # a picture, uint8 [H, W, 3], or a text
    told: list[str]
    neighbour: "Card | None" = None  # the nearest that was kept,
    distance: float = 0.0  # and how far it is


@dataclass(frozen=True)
class Gallery:
    """Some samples of one kind."""

    title: str
    note: str
    num: int  # of all of them, of which so many as fit into a row are shown
    cards: list[Card]


def galleries(draws: Sequence[Results]) -> Iterator[Gallery]:
    """Yield the galleries of the first draw's last round, perhaps without a sample."""
    results, entry = draws[0], draws[0].rounds[-1]
    subset = results.subsets[entry.target]
    draws_N = num_draws_with(draws, entry.target)
    picked_P = subset.index_P[subset.round_P == entry.number]
    ranked_K = ranked_candidates(results, entry)
    is_taken_K = np.isin(ranked_K, picked_P)
    skipped_S = outliers(results, entry)
    dropped_S = ranked_K[~is_taken_K & ~np.isin(ranked_K, skipped_S)][::-1]
    times_N = np.bincount(subset.index_P, minlength=len(results.targets_N))
    most_S = np.argsort(-times_N, kind="stable")

    def gallery(
        title: str,
        note: str,
        row_S: Ints,
        more: Callable[[int], str] | None = None,
    ) -> Gallery:
        """Return a gallery of rows, the most telling first."""

        def told(row: int) -> list[str]:
            found = [more(row)] if more else []
            if len(draws) > 1:
                found.append(f"picked in {draws_N[row]} of {len(draws)} draws")
            return found

        cards = [card(results, entry, row, told(row)) for row in row_S[:PER_ROW].tolist()]
        return Gallery(title, note, len(row_S), cards)

    yield gallery("Highest-scored, taken", "", ranked_K[is_taken_K])
    yield _dropped(results, entry, gallery("Lowest-scored, dropped", "", dropped_S), dropped_S)
    note = "The highest scores."
    yield gallery("Skipped as outliers", note, skipped_S)
    yield gallery(
        "Drawn most often",
        "With how often each is in the subset.",
        most_S[times_N[most_S] > 1],
        lambda row: f"drawn {times_N[row]} times",
    )


def _dropped(results: Results, entry: Round, found: Gallery, row_S: Ints) -> Gallery:
    """Return dropped samples with the nearest kept one of each, where there are features."""
    if entry.features_ND is None:
        return found
    kept_P = np.unique(results.subsets[entry.target].index_P)
    near = nearest(entry.features_ND, row_S[:PER_ROW], kept_P)
    cards = [
        replace(one, neighbour=card(results, entry, row), distance=distance)
        for one, row, distance in zip(found.cards, *(of_S.tolist() for of_S in near), strict=True)
    ]
    note = "Below each the nearest sample that was kept, by the features of the first voter."
    return replace(found, note=note, cards=cards)


def card(results: Results, entry: Round, row: int, more: Sequence[str] = ()) -> Card:
    """Return what is shown of a sample, and what a gallery adds."""
    told = [*_labels(results, entry, row), typeset(f"score {entry.score_N[row]:.4g}"), *more]
    return Card(results.sample_ids[row], content_of(results, row), told)


def content_of(results: Results, row: int, *, is_large: bool = False) -> Array | str:
    """Return a picture of a sample, or its text; large ones are to be judged by."""
    drawing = drawing_of(results.params.rules.gallery)
    found: Array | str = (
        drawing.close_up(results, row)
        if is_large
        else drawing.on_page(results.inputs_N, results.labels, row)
    )
    return found


def _labels(results: Results, entry: Round, row: int) -> list[str]:
    names = results.meta.class_names
    if results.boxes is not None:
        class_A = results.boxes.of(np.array([row])).class_A
        counts = np.bincount(class_A, minlength=len(names)).tolist()
        found = [f"{count} {name}" for count, name in zip(counts, names, strict=True) if count]
        return [", ".join(found) or "no objects"]
    label = f"label {names[results.targets_N[row]]}"
    if entry.votes is None:
        return [label]
    return [label, f"predicted {names[entry.votes.predicted_class_N[row]]}"]
