"""The parts of the page above the samples: verdict, table, curves, classes, rounds."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stages.report.conclusions import (
    OTHERS,
    Conclusion,
    basis_in_words,
    conclusions,
    cost_in_words,
    draws_in_words,
    smallest_in_words,
    verdict_in_words,
)
from stages.report.figures import KINDS, number
from stages.report.page.bars import Difference, histogram, intervals, matrix, scrolled, shares
from stages.report.page.charts import Series, chart, line_chart
from stages.report.page.markup import Markup, element, join, typeset
from stages.report.page.tables import Cell, compared_table, sortable
from stages.report.ranking import ranked_candidates
from stages.report.results import Results, Round, training_length
from stages.shared.artifacts import Rows

MOST_CLASSES = 20  # whose shares are drawn
NUM_BINS = 36
BADGES = {
    "better": "Better",
    "as good as": "As good",
    "worse": "Worse",
    "cannot tell": "Cannot tell",
}
Tables = Mapping[str, Rows]


def section(key: str, title: str, *children: Markup | None) -> Markup | None:
    """Return a part of the page under its title; None where it is empty."""
    if not any(children):
        return None
    return element(
        "section",
        element("h2", title, id=f"{key}-title"),
        *children,
        id=key,
        aria_labelledby=f"{key}-title",
    )


def paragraph(*children: str) -> Markup:
    """Return a paragraph that explains."""
    return element("p", *children, class_="lead")


# --- verdict -------------------------------------------------------------------------------------


def verdicts(results: Results) -> Markup | None:
    """Return what may be said of each target model, with the intervals that it rests on."""
    cards = [_card(found) for found in conclusions(results)]
    if not cards:
        return section("verdict", "Verdict", paragraph("The selected subset was not compared."))
    return section("verdict", "Verdict", *cards)


def _card(found: Conclusion) -> Markup:
    badges = [
        element(
            "li",
            element("span", BADGES[entry.word], class_=f"badge {entry.word.replace(' ', '-')}"),
            f" against {OTHERS[other]}",
        )
        for other, entry in found.against.items()
    ]
    rows = [
        Difference(other, KINDS.index(other), entry.value, entry.reach)
        for other, entry in found.against.items()
    ]
    metric = found.metric.replace("_", " ")
    drawn = intervals(rows, found.margin, f"points of {metric}")
    others = [*cost_in_words(found), *smallest_in_words(found)]
    return element(
        "article",
        element("h3", found.model),
        element("ul", *badges, class_="badges") if badges else None,
        element("p", _sentence(verdict_in_words(found)), class_="verdict"),
        element(
            "p",
            f"{_sentence(basis_in_words(found))} Shaded: up to {found.margin:g} points below "
            "equal, which counts as good.",
            class_="note",
        ),
        drawn if rows else None,
        element("ul", *(element("li", _sentence(words)) for words in others), class_="points")
        if others
        else None,
        class_="card",
    )


def _sentence(words: str) -> str:
    return typeset(f"{words[0].upper()}{words[1:]}.")


# --- what was compared ---------------------------------------------------------------------------


def compared(results: Results) -> Markup | None:
    """Return the table of every compared subset."""
    length, metric = training_length(results.params), results.params.report.metric
    return section(
        "compared",
        "Compared subsets",
        paragraph(
            f"Every subset was trained for {length}. Test is {metric.replace('_', ' ')} in points, "
            "mean over the members with one standard error; differences are paired by member and "
            "test sample."
        ),
        compared_table(results),
        element(
            "p",
            "Cost is that of training one member, in such trainings on everything (FLOPs).",
            class_="note",
        ),
    )


def curves(results: Results, tables: Tables) -> Markup | None:
    """Return accuracy by size and the validation curves of each target model."""
    charts = [
        drawn
        for model in results.params.compare.models
        for drawn in (
            _accuracy(results, model, tables[f"accuracy/{model}"]),
            _validation(model, tables.get(f"validation_by_images/{model}", [])),
        )
    ]
    return section("curves", "Accuracy", element("div", *charts, class_="charts"))


def _accuracy(results: Results, model: str, rows: Rows) -> Markup | None:
    metric = results.params.report.metric.replace("_", " ")
    lines = []
    for place, kind in enumerate(KINDS):
        found = [row for row in rows if row[kind] is not None]
        lines.append(
            Series(
                kind,
                place,
                [(100 * number(row["fraction"]), number(row[kind])) for row in found],
                [number(row[f"{kind}_standard_error"]) for row in found],
                is_level=kind == "full",
            )
        )
    return line_chart(
        f"{model}: {metric} by subset size",
        f"On test, {draws_in_words(1)}; bars and band: one standard error.",
        lines,
        "subset size (% of the train split)",
        f"{metric} (points)",
    )


def _validation(model: str, rows: Rows) -> Markup | None:
    names = [name for name in (rows[0] if rows else {}) if name not in {"model", "images_seen"}]
    lines = [
        Series(
            name,
            place,
            [
                (number(row["images_seen"]), number(row[name]))
                for row in rows
                if row[name] is not None
            ],
        )
        for place, name in enumerate(_in_order(names))
    ]
    return line_chart(
        f"{model}: validation by images seen",
        "Mean over the members.",
        lines,
        "images seen",
        "accuracy (points)",
    )


def _in_order(names: Sequence[str]) -> list[str]:
    """Return names with those first whose colours are always the same."""
    return [*(name for name in KINDS if name in names), *(n for n in names if n not in KINDS)]


def classes(results: Results, tables: Tables) -> Markup | None:
    """Return the shares of the classes; of many classes those that changed most."""
    rows = tables.get("class_shares", [])
    kinds = [kind for kind in KINDS if rows and rows[0][kind] is not None]
    if not kinds:
        return None
    shown, note = rows, ""
    if len(rows) > MOST_CLASSES:
        by_change = sorted(rows, key=_change, reverse=True)[:MOST_CLASSES]
        shown = [row for row in rows if row in by_change]
        note = f"The {MOST_CLASSES} classes that changed most, of {len(rows)}."
    of = "picks" if results.boxes is None else "objects in the picks"
    drawn = shares(
        "Share of each class",
        note or f"Of the {of}.",
        [str(row["class"]) for row in shown],
        [(kind, KINDS.index(kind), [number(row[kind]) for row in shown]) for kind in kinds],
        f"share of the {of} (%)",
    )
    table = scrolled(_class_table(rows, kinds), "Share of each class")
    return section("classes", "Classes", element("div", drawn, table, class_="charts"))


def _class_table(rows: Rows, kinds: Sequence[str]) -> Markup:
    """Return the shares of all classes in percent, and by how much that of selected changed."""
    lines = []
    for row in rows:
        change = number(row["selected"]) - number(row["full"])
        shown = [Cell(f"{number(row[kind]):.2f}", number(row[kind])) for kind in kinds]
        lines.append([Cell(str(row["class"])), *shown, Cell(typeset(f"{change:+.2f}"), change)])
    return sortable(["Class", *(f"{kind}, %" for kind in kinds), "Change"], lines)


def _change(row: Mapping[str, object]) -> float:
    return abs(number(row["selected"]) - number(row["full"]))


# --- rounds --------------------------------------------------------------------------------------


def rounds(results: Results, tables: Tables) -> Markup | None:
    """Return what each round chose by, and how far its voters and scores agree."""
    return section(
        "rounds", "Rounds", *(_round(results, tables, entry) for entry in results.rounds)
    )


def _round(results: Results, tables: Tables, entry: Round) -> Markup:
    acquisition = entry.acquisition.replace("_", " ")
    title = f"Round {entry.number}: {entry.source} to {entry.target} by {acquisition}"
    charts = [
        _scores(results, entry),
        _facts(tables["rounds"][entry.number - 1]),
        _consensus(tables.get(f"consensus/{entry.source}", [])),
        _correlations(tables.get(f"correlations/{entry.source}", [])),
    ]
    return join(element("h3", title), element("div", *charts, class_="charts"))


FACTS = {
    "ensemble_validation": "ensemble on validation",
    "voter_validation": "single voter on validation",
    "gain": "single voter on validation, minus the round before",
    "ensemble_selected": "ensemble on the samples it was trained on",
    "ensemble_unselected": "ensemble on all other train samples",
}


def _facts(row: Mapping[str, object]) -> Markup:
    """Return how well the round's ensemble does."""
    lines = [
        element(
            "tr",
            element("th", words, scope="row"),
            element("td", typeset(f"{number(row[key]):.2f}")),
        )
        for key, words in FACTS.items()
        if row.get(key) is not None
    ]
    title = "The round's ensemble"
    table = element("table", element("tbody", *lines), class_="facts-table", aria_label=title)
    voters = "1 voter" if row["voters"] == 1 else f"{row['voters']} voters"
    return chart(title, f"Accuracy in points, {voters}.", table)


def _scores(results: Results, entry: Round) -> Markup | None:
    """Draw the candidates' scores, those that were taken at the foot."""
    ranked_K = ranked_candidates(results, entry)
    if not len(ranked_K):
        return None
    subset = results.subsets[entry.target]
    is_taken_K = np.isin(ranked_K, subset.index_P[subset.round_P == entry.number])
    score_K = entry.score_N[ranked_K]
    edges = np.histogram_bin_edges(score_K, bins=NUM_BINS)
    stacks = [
        (name, colour, np.histogram(score_K[mask_K], edges)[0].tolist())
        for name, colour, mask_K in (("taken", 0, is_taken_K), ("left", 7, ~is_taken_K))
    ]
    cut = float(score_K[is_taken_K].min()) if is_taken_K.any() else None
    note = "Scores of the candidates; the cut is the lowest score that was taken."
    return histogram("Scores and the cut", note, edges.tolist(), stacks, cut)


def _consensus(rows: Rows) -> Markup | None:
    names = [name for name in (rows[0] if rows else {}) if name not in {"ensemble", "voters"}]
    lines = [
        Series(
            name.replace("_", ", "),
            place,
            [(number(row["voters"]), number(row[name])) for row in rows if row[name] is not None],
        )
        for place, name in enumerate(names)
    ]
    return line_chart(
        "Consensus of voters",
        "Unselected samples on which all of them, or pairs of them, agree.",
        lines,
        "number of voters",
        "samples (%)",
    )


def _correlations(rows: Rows) -> Markup | None:
    pairs = {
        (str(row["first"]), str(row["second"])): None
        if row["spearman"] is None
        else number(row["spearman"])
        for row in rows
    }
    if not pairs:
        return None
    labels = list(dict.fromkeys(name for pair in pairs for name in pair))
    title = "Acquisition functions"
    shown = matrix(title, [name.replace("_", " ") for name in labels], _spaced(pairs))
    return chart(title, "Rank correlation of their scores (Spearman).", shown)


def _spaced(
    pairs: Mapping[tuple[str, str], float | None],
) -> dict[tuple[str, str], float | None]:
    return {
        (first.replace("_", " "), second.replace("_", " ")): value
        for (first, second), value in pairs.items()
    }


def all_sections(results: Results, tables: Tables) -> Iterator[tuple[str, Markup | None]]:
    """Yield the sections in the order of the page, by what leads to them; None where empty."""
    yield "verdict", verdicts(results)
    yield "compared", compared(results)
    yield "curves", curves(results, tables)
    yield "classes", classes(results, tables)
    yield "rounds", rounds(results, tables)
