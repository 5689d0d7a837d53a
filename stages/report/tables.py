"""The tables under plots/tables: what the pictures draw, DVC plots, and a reviewer reads.

Accuracies are points from 0 to 100, shares percent, costs floating-point operations. A field is
empty where something was not compared.

Shapes: N train samples, P picks of a subset.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.report.correlations import round_correlations
from stages.report.ranking import label_entropy
from stages.report.results import KINDS, Results, Round, training_flops, training_length
from stages.report.round_tables import consensus, rounds
from stages.report.rounding import percent, points, significant
from stages.report.speedups import speedups
from stages.report.summary import accuracy, member_flops, search_flops
from stages.shared.artifacts import Epoch, Rows, save_table


def all_tables(results: Results) -> dict[str, Rows]:
    """Return every table by its path under plots/tables, without the ending.

    One without rows is left out: the run has nothing to say there.
    """
    models = results.params.compare.models
    of_rounds = [_tables_of_round(results, entry) for entry in results.rounds]
    tables = {
        **{f"accuracy/{model}": accuracy_by_size(results, model) for model in models},
        **{
            f"validation_by_{name}/{model}": validation_curve(results, model, column)
            for name, column in (("epoch", "epoch"), ("images", "images_seen"))
            for model in models
        },
        **{name: rows for found in of_rounds for name, rows in found.items()},
        "round_correlations": round_correlations(results.rounds),
        "class_shares": class_shares(results),
        "rounds": rounds(results),
        "duplicates": duplicates(results),
        "costs": costs(results),
        "metrics": metrics(results),
        "speedups": speedups(results),
    }
    return {name: rows for name, rows in tables.items() if rows}


def _tables_of_round(results: Results, entry: Round) -> dict[str, Rows]:
    found = entry.correlations
    tables = {
        "consensus": consensus(results, entry),
        "correlations": found.acquisitions,
        "voter_correlations": found.voters,
        "reference_correlations": found.reference,
        "forgetting_correlations": found.forgetting,
        "label_entropy": label_entropy(results, entry),
        "gradient_batches": [vars(batch) for batch in entry.gradient_batches],
    }
    return {f"{name}/{entry.source}": rows for name, rows in tables.items()}


def save_tables(folder: Path, tables: dict[str, Rows]) -> None:
    """Write each table as CSV."""
    for name, rows in tables.items():
        save_table(folder / f"{name}.csv", list(rows[0]), (list(row.values()) for row in rows))


def accuracy_by_size(results: Results, model: str) -> Rows:
    """Return `report.metric` on test by subset size, ascending.

    Full stands in every row, so that it is drawn as a line.
    """
    full = {"full": "full"} if "full" in results.comparison else {}
    return [
        _accuracy_row(results, model, size, {**names, **full})
        for size, names in results.compared_by_size().items()
    ]


def _accuracy_row(
    results: Results, model: str, size: int, names: dict[str, str]
) -> dict[str, object]:
    found = {kind: accuracy(results, model, name) for kind, name in names.items()}
    values = {kind: points(estimate.value) for kind, estimate in found.items()}
    errors = {kind: points(estimate.standard_error) for kind, estimate in found.items()}
    return {
        "model": model,
        "size": size,
        "fraction": round(size / len(results.targets_N), 4),
        **{kind: values.get(kind) for kind in KINDS},
        **{f"{kind}_standard_error": errors.get(kind) for kind in KINDS},
        "length": training_length(results.params),
    }


def validation_curve(results: Results, model: str, column: str) -> Rows:
    """Return validation accuracy by a column of the history, mean over members that came so far.

    Empty where a subset's training was not validated just there.
    """
    curves = {
        subset: _curve(results.targets[model, subset].history, column)
        for subset in results.params.compare.subsets
    }
    return [
        {
            "model": model,
            column: place,
            **{subset: curve.get(place) for subset, curve in curves.items()},
        }
        for place in sorted({place for curve in curves.values() for place in curve})
    ]


def _curve(history: Sequence[Epoch], column: str) -> dict[int, float]:
    found: dict[int, list[float]] = {}
    for epoch in history:
        if epoch.validation_accuracy is not None:
            found.setdefault(getattr(epoch, column), []).append(epoch.validation_accuracy)
    return {place: points(100 * float(np.mean(values))) for place, values in found.items()}


def class_shares(results: Results) -> Rows:
    """Return each class's share of the picks, or of the objects in them, in percent."""
    picks = {
        "full": np.arange(len(results.targets_N)),
        "selected": results.last_subset.index_P,
        **{
            name: results.comparison[name].index_P
            for name in ("full", "random")
            if name in results.comparison
        },
    }
    targets = {name: results.labels.classes_of(index_P) for name, index_P in picks.items()}
    return [
        {
            "class": label.replace("<", "\u2039"),  # DVC's page would read `</script>` as its own
            **{
                name: percent(targets[name] == index) if name in targets else None for name in KINDS
            },
        }
        for index, label in enumerate(results.meta.class_names)
    ]


def metrics(results: Results) -> Rows:
    """Return every metric of every target model: of its members, mean and sd, and of all together.

    In points from 0 to 100, but the log loss, which is in nats.
    """
    return [
        {
            "model": model,
            "subset": subset,
            "metric": name,
            "mean": _in_points(name, float(np.mean(values))),
            "standard_deviation": _in_points(name, float(np.std(values, ddof=1)))
            if len(values) > 1
            else None,
            "ensemble": _in_points(name, target.evaluation.ensemble[name]),
        }
        for (model, subset), target in results.targets.items()
        for name in target.evaluation.mean
        for values in [[member[name] for member in target.evaluation.members]]
    ]


def _in_points(metric: str, value: float) -> float:
    return significant(value) if metric == "log_loss" else points(100 * value)


def duplicates(results: Results) -> Rows:
    """Return how often each subset holds its samples (Chitta et al. 2020, Table VII)."""
    rows: Rows = []
    for size, subset in results.subsets.items():
        times = Counter(subset.index_P.tolist())
        samples = Counter(min(count, 4) for count in times.values())
        rows.append(
            {
                "subset": size,
                "total": len(subset),
                "unique": len(times),
                "once": samples[1],
                "twice": samples[2],
                "three_times": samples[3],
                "four_times_or_more": samples[4],
            }
        )
    return rows


def costs(results: Results) -> Rows:
    """Return what each part cost, in FLOPs and in trainings of one member on everything."""
    parts = {}
    for entry in results.rounds:
        parts[f"train ensemble {entry.source}"] = sum(training_flops(entry.history).values())
        parts[f"predict {entry.source}"] = entry.validation.flops
    parts["search"] = search_flops(results)
    for model, subset in results.targets:
        parts[f"train one {model} on {subset}"] = member_flops(results, model, subset)
    unit = parts.get(f"train one {results.params.compare.models[0]} on full")
    return [
        {
            "part": part,
            "flops": significant(flops),
            "full_trainings": significant(flops / unit) if unit else None,
        }
        for part, flops in parts.items()
    ]
