"""Galleries of samples: what the last round took, dropped and skipped, and what looks wrong.

Shapes: N train samples, K candidates, P picks, S samples of a gallery.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from stages.report.markup import Markup, data_uri, element, join, paragraph, section, typeset
from stages.report.neighbours import nearest
from stages.report.ranking import ranked_candidates
from stages.report.results import Results, Round
from stages.report.suspects import label_suspects, outliers
from stages.report.tiles import PER_ROW
from stages.shared.artifacts import Ints


@dataclass(frozen=True)
class Gallery:
    """Some samples of one kind."""

    key: str
    title: str
    note: str
    row_S: Ints  # all of them, the most telling first; so many as fit into a row are shown


def samples(results: Results) -> Markup | None:
    """Return the galleries of the last round that have samples."""
    entry = results.rounds[-1]
    shown = [found for found in galleries(results, entry) if len(found.row_S)]
    acquisition = entry.acquisition.replace("_", " ")
    lead = paragraph(
        f"From the last round, {entry.source} to {entry.target}. Scores are {acquisition}: a "
        "higher one is taken first."
    )
    return section("samples", "Samples", lead, *(_gallery(results, entry, one) for one in shown))


def galleries(results: Results, entry: Round) -> Iterator[Gallery]:
    """Yield the galleries of a round, perhaps without a sample."""
    subset = results.subsets[entry.target]
    picked_P = subset.index_P[subset.round_P == entry.number]
    ranked_K = ranked_candidates(results, entry)
    is_taken_K = np.isin(ranked_K, picked_P)
    skipped_S = outliers(results, entry)
    dropped_K = ranked_K[~is_taken_K & ~np.isin(ranked_K, skipped_S)]
    yield Gallery("taken", "Highest-scored, taken", "", ranked_K[is_taken_K])
    yield Gallery("dropped", "Lowest-scored, dropped", _of_neighbours(entry), dropped_K[::-1])
    yield Gallery("outliers", "Skipped as outliers", "The highest scores.", skipped_S)
    yield Gallery(
        "duplicated",
        "Drawn most often",
        "With how often each is in the subset.",
        _repeated(subset.index_P),
    )
    yield Gallery(
        "suspects",
        "Likely label errors",
        "Every voter contradicts the label, with confidence; label quality is the mean probability "
        "of the given label, the lowest first. The ensemble is right on "
        f"{100 * entry.validation.ensemble_accuracy:.1f} % of validation: the lower that is, the "
        "more of these are its own errors and not the label's.",
        label_suspects(results),
    )


def _of_neighbours(entry: Round) -> str:
    if entry.features_ND is None:
        return ""
    return "Below each the nearest sample that was kept, by the features of the first voter."


def _repeated(index_P: Ints) -> Ints:
    """Return the rows that are picked more than once, most often first."""
    row_S, count_S = np.unique(index_P, return_counts=True)
    order_S = np.argsort(-count_S, kind="stable")
    return row_S[order_S][count_S[order_S] > 1]


def _gallery(results: Results, entry: Round, gallery: Gallery) -> Markup:
    row_S, num = gallery.row_S[:PER_ROW], len(gallery.row_S)
    count = f"{num:,} in all." if num > len(row_S) else ""
    note = " ".join(part for part in (gallery.note, count) if part)
    beside = _neighbours(results, entry, row_S) if gallery.key == "dropped" else {}
    cards = [
        element(
            "li",
            _card(results, entry, index, _more(results, entry, gallery, index)),
            beside.get(index),
        )
        for index in row_S.tolist()
    ]
    hint = None
    if gallery.key in {"outliers", "suspects"}:
        hint = element(
            "p",
            "Look at them, take out of plots/suspects.csv what is right, and leave the rest out: ",
            element("code", "python -m commands.suspects plots/suspects.csv lists/exclude.csv"),
            class_="note",
        )
    return join(
        element("h3", gallery.title),
        element("p", note, class_="note") if note else None,
        element("ul", *cards, class_=f"cards {results.params.rules.gallery}"),
        hint,
    )


def _more(results: Results, entry: Round, gallery: Gallery, index: int) -> str | None:
    """Return what a gallery adds to a sample's card."""
    if gallery.key == "suspects":
        assert entry.votes is not None
        return f"label quality {entry.votes.label_probability_N[index]:.3f}"
    if gallery.key == "duplicated":
        times = int((results.subsets[entry.target].index_P == index).sum())
        return f"drawn {times} times"
    return None


def _card(results: Results, entry: Round, index: int, more: str | None = None) -> Markup:
    """Return a sample with its name, label, prediction and score."""
    told = [*_labels(results, entry, index), typeset(f"score {entry.score_N[index]:.4g}")]
    if more:
        told.append(more)
    return element(
        "figure",
        _shown(results, index, told),
        element(
            "figcaption",
            element("span", *_parts(results.sample_ids[index]), class_="name"),
            *(element("span", line) for line in told),
        ),
    )


def _parts(sample_id: str) -> Iterator[str]:
    """Yield the parts of a path, between which a line may end."""
    *folders, name = sample_id.split("/")
    for folder in folders:
        yield f"{folder}/"
        yield element("wbr")
    yield name


def _shown(results: Results, index: int, told: list[str]) -> Markup:
    drawing = import_module(f"stages.report.gallery_of_{results.params.rules.gallery}")
    content = drawing.on_page(results, index)
    if isinstance(content, str):
        return element("blockquote", content)
    height, width = content.shape[:2]
    alt = f"Sample {results.sample_ids[index]}: {', '.join(told)}"
    return element("img", src=data_uri(content), alt=alt, width=width, height=height)


def _labels(results: Results, entry: Round, index: int) -> list[str]:
    names = results.meta.class_names
    if results.boxes is not None:
        class_A = results.boxes.of(np.array([index])).class_A
        counts = np.bincount(class_A, minlength=len(names)).tolist()
        found = [f"{count} {name}" for count, name in zip(counts, names, strict=True) if count]
        return [", ".join(found) or "no objects"]
    label = f"label {names[results.targets_N[index]]}"
    if entry.votes is None:
        return [label]
    return [label, f"predicted {names[entry.votes.predicted_class_N[index]]}"]


def _neighbours(results: Results, entry: Round, row_S: Ints) -> dict[int, Markup]:
    """Return, by row, the nearest kept sample; nothing without features."""
    if entry.features_ND is None or not len(row_S):
        return {}
    kept_P = np.unique(results.subsets[entry.target].index_P)
    near_S, distance_S = nearest(entry.features_ND, row_S, kept_P)
    return {
        row: element(
            "div",
            element("p", f"nearest kept, distance {distance:.3g}", class_="note"),
            _card(results, entry, near),
            class_="neighbour",
        )
        for row, near, distance in zip(
            row_S.tolist(), near_S.tolist(), distance_S.tolist(), strict=True
        )
    }
