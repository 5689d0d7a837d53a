"""What each round chose by, and how far its voters and scores agree.

Shapes: K candidates.
"""

from collections.abc import Mapping

import numpy as np

from stages.report.figures import number
from stages.report.markup import Markup, element, join, section, typeset
from stages.report.page.bars import histogram
from stages.report.page.charts import Series, chart, line_chart
from stages.report.page.tables_of_page import Tables, matrix
from stages.report.ranking import ranked_candidates
from stages.report.results import Results, Round
from stages.shared.artifacts import Rows

NUM_BINS = 36


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
