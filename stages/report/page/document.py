"""The page as a whole: what its template shows."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from stages.report.numbers import raced
from stages.report.numbers.conclusions import conclusions
from stages.report.numbers.how_much_data import learning_curves
from stages.report.numbers.raced import taken_by
from stages.report.page.browser import as_json, browsed
from stages.report.page.compared import Cell, compared
from stages.report.page.data_problems import problems
from stages.report.page.findings import findings
from stages.report.page.labels_to_check import (
    accuracy_in_words,
    in_validation,
    label_groups,
)
from stages.report.page.samples import galleries
from stages.report.page.trust import checks, trust_in_short
from stages.report.pages import render
from stages.report.pictures import charts
from stages.report.pictures.heat_map_pictures import square
from stages.report.pictures.svg import Chart, chart
from stages.report.run.files_of_samples import linked_folder
from stages.report.run.results import KINDS, Results, Round, training_length, validated_by
from stages.report.verdict_lines import result_table
from stages.report.words import headline, next_step, size_wording, wording
from stages.report.words.shown_in_words import shown_in_words
from stages.shared.artifacts import Rows
from stages.shared.artifacts.files import write_atomically

MOST_ROWS = 50  # labels of validation
Tables = Mapping[str, Rows]  # by their path under plots/tables


class ShownRound(NamedTuple):
    """What the page shows of a round."""

    entry: Round
    row: Mapping[str, object]  # of the table of rounds
    charts: list[Chart]
    correlations: dict[str, dict[str, float]]  # of acquisition functions, NaN where there is none


def save_page(path: Path, draws: Sequence[Results], tables: Tables) -> None:
    """Write the page; equal results give equal bytes."""
    write_atomically(path, document(draws, tables).encode())


def document(draws: Sequence[Results], tables: Tables) -> str:
    """Return the page: one file, with its pictures, style and script in it.

    What shows single samples, scores or a round's charts is of the first draw.
    """
    results = draws[0]
    drawn = partial(_drawn, results, tables)
    models = results.params.compare.models
    found, curves, samples = conclusions(draws), learning_curves(draws), browsed(draws)
    steps, trusted = next_step.of_run(draws, found), checks(draws, found)
    return render(
        "report.html",
        results=results,
        data_name=_name(results),
        seeds=", ".join(str(draw.params.random_seed) for draw in draws),
        races=raced.race_sentences(draws),
        race_charts=drawn("race"),
        sizes=size_wording.sizes_in_words(draws, curves),
        next_size=size_wording.next_command(draws, curves),
        size_charts=drawn(*(name for name in tables if name.startswith("how_much_data/"))),
        overlap=tables.get("overlap", []),
        length=training_length(results.params),
        validated_by=validated_by(results.params),
        wording=wording,
        headline=headline,
        steps=steps,
        number_of={step.name: number for number, step in enumerate(steps, 1)},
        findings=findings(draws),
        tables_of_results={one.model: result_table(one) for one in found},
        conclusions=found,
        intervals={
            one.model: chart(charts.intervals(one), f"intervals-{one.model}")
            for one in found
            if one.against
        },
        checks=trusted,
        trust_in_short=trust_in_short(trusted),
        label_groups=list(label_groups(draws)),
        validation_labels=_validation_table(draws),
        label_accuracy=accuracy_in_words(draws),
        how_taken=taken_by(results),
        browsed=samples,
        samples_json=as_json(samples),
        compared=compared(draws),
        accuracy_charts=drawn(*(f"accuracy/{one}" for one in models)),
        shown=list(shown_in_words(results.shown)),
        training_charts=drawn(*(f"validation_by_images/{one}" for one in models)),
        problems=problems(results),
        class_charts=drawn("class_shares"),
        class_table=[_class_row(row) for row in tables.get("class_shares", [])],
        rounds=[_shown(results, tables, entry) for entry in results.rounds],
        galleries=[one for one in galleries(draws) if one.cards],
    )


def _drawn(results: Results, tables: Tables, *names: str) -> list[Chart]:
    """Return the charts of those of the tables that there are."""
    return [
        chart(charts.drawn(name, tables[name], results), name.replace("/", "-"))
        for name in names
        if name in tables
    ]


def _shown(results: Results, tables: Tables, entry: Round) -> ShownRound:
    scores = charts.scores(results, entry)
    shown = [chart(scores, f"scores-{entry.source}")] if scores else []
    shown += _drawn(results, tables, f"consensus/{entry.source}")
    rows = tables.get(f"correlations/{entry.source}")
    correlations = square(charts.frame(rows)).to_dict("index") if rows else {}
    return ShownRound(entry, tables["rounds"][entry.number - 1], shown, correlations)


def _validation_table(draws: Sequence[Results]) -> list[dict[str, Cell]]:
    """Return the rows of labels of validation that every model contradicts."""
    return [
        {
            "Sample": Cell(one["name"]),
            "Label": Cell(one["label"]),
            "All models say": Cell(one["predicted"]),
        }
        for one in in_validation(draws)[:MOST_ROWS]
    ]


def _name(results: Results) -> str:
    """Return what people call the data: the folder of their files, or the data set."""
    folder = Path(results.params.dataset.root).name if linked_folder(results) else ""
    return folder or results.meta.dataset


def _class_row(row: Mapping[str, Any]) -> dict[str, Cell]:
    """Return a class's shares in percent, and by how much that of selected changed."""
    change = row["selected"] - row["full"]
    shown = {
        f"{kind} %": Cell(f"{row[kind]:.2f}", row[kind]) for kind in KINDS if row[kind] is not None
    }
    return {"Class": Cell(row["class"])} | shown | {"Change": Cell(f"{change:+.2f}", change)}
