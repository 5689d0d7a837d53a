"""The parts of the page above the rounds: verdict, table, curves and classes."""

from collections.abc import Iterator, Mapping, Sequence

from stages.report.conclusions import OTHERS, Conclusion, conclusions
from stages.report.figures import KINDS, number
from stages.report.markup import Markup, element, paragraph, section, typeset
from stages.report.page.bars import Difference, intervals, shares
from stages.report.page.charts import Series, line_chart
from stages.report.page.rounds import rounds
from stages.report.page.tables_of_page import Cell, Tables, compared_table, scrolled, sortable
from stages.report.results import Results, training_length
from stages.report.wording import (
    basis_in_words,
    cost_in_words,
    draws_in_words,
    guessing_in_words,
    smallest_in_words,
    verdict_in_words,
)
from stages.shared.artifacts import Rows

MOST_CLASSES = 20  # whose shares are drawn
BADGES = {
    "better": "Better",
    "as good as": "As good",
    "worse": "Worse",
    "cannot tell": "Cannot tell",
}


# --- verdict -------------------------------------------------------------------------------------


def verdicts(draws: Sequence[Results]) -> Markup | None:
    """Return what may be said of each target model, with the intervals that it rests on."""
    cards = [_card(found) for found in conclusions(draws)]
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
        *(element("p", _sentence(words), class_="warning") for words in guessing_in_words(found)),
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


def compared(draws: Sequence[Results]) -> Markup | None:
    """Return the table of every compared subset."""
    params = draws[0].params
    length, metric = training_length(params), params.report.metric
    return section(
        "compared",
        "Compared subsets",
        paragraph(
            f"Every subset was trained for {length}. Test is {metric.replace('_', ' ')} in points, "
            "mean over the members; differences are paired by random seed and test sample; ± is "
            "one standard error here, where the verdict has 95 % intervals. Validation is measured "
            "as test is, the curves below as the training went."
        ),
        compared_table(draws),
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
                [number(row[f"{kind}_standard_error"] or 0.0) for row in found],
                is_level=kind == "full",
            )
        )
    drawn = draws_in_words(int(number(rows[0]["draws"])))
    return line_chart(
        f"{model}: {metric} by subset size",
        f"On test, {drawn}; bars and band: one standard error.",
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
    return sortable(["Class", *(f"{kind} %" for kind in kinds), "Change"], lines)


def _change(row: Mapping[str, object]) -> float:
    return abs(number(row["selected"]) - number(row["full"]))


def all_sections(draws: Sequence[Results], tables: Tables) -> Iterator[tuple[str, Markup | None]]:
    """Yield the sections in the order of the page, by what leads to them; None where empty."""
    results = draws[0]
    yield "verdict", verdicts(draws)
    yield "compared", compared(draws)
    yield "curves", curves(results, tables)
    yield "classes", classes(results, tables)
    yield "rounds", rounds(results, tables)
