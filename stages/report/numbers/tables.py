"""The tables under plots/tables: what the pictures draw, DVC plots, and a reviewer reads.

Accuracies are points from 0 to 100, shares percent, costs floating-point operations. A field is
empty where something was not compared.

Shapes: N train samples, P picks of a subset.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stages.report.formulas.rounding import known_points, points, significant
from stages.report.numbers.how_much_data import how_much_data
from stages.report.numbers.raced import race, raced_sizes
from stages.report.numbers.round_correlations import round_correlations
from stages.report.numbers.round_tables import consensus, ensembles, rounds
from stages.report.numbers.speedups import speedups
from stages.report.numbers.subset_tables import class_shares, duplicates, overlap
from stages.report.numbers.summary import accuracy, differences, mean, member_flops, search_flops
from stages.report.run.results import (
    KINDS,
    Results,
    Round,
    has_matched,
    training_flops,
    training_length,
)
from stages.report.samples.ranking import label_entropy
from stages.shared.artifacts import Epoch, Rows, save_table
from stages.shared.sizes import MATCHED


def all_tables(draws: Sequence[Results]) -> dict[str, Rows]:
    """Return every table by its path under plots/tables, without the ending.

    What the target models reach, and how well ensembles do, is the mean over the draws; what shows
    single samples or scores is of the first. A table without rows is left out: the run has nothing
    to say there.
    """
    results = draws[0]
    models = results.params.compare.models
    of_rounds = [_tables_of_round(results, entry) for entry in results.rounds]
    tables = {
        **{f"accuracy/{model}": accuracy_by_size(draws, model) for model in models},
        **{
            f"validation_by_{name}/{model}": validation_curve(draws, model, column)
            for name, column in (("epoch", "epoch"), ("images", "images_seen"))
            for model in models
        },
        **{name: rows for found in of_rounds for name, rows in found.items()},
        "round_correlations": round_correlations(results.rounds),
        "class_shares": class_shares(draws),
        "rounds": rounds(draws),
        "ensembles": ensembles(draws),
        "overlap": overlap(draws),
        "duplicates": duplicates(results),
        "costs": costs(draws),
        "differences": differences(draws),
        "metrics": metrics(draws),
        "race": race(draws),
        **{f"how_much_data/{name}": rows for name, rows in how_much_data(draws).items()},
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
        fields = ([_for_dvc(value) for value in row.values()] for row in rows)
        save_table(folder / f"{name}.csv", list(rows[0]), fields)


def _for_dvc(value: object) -> object:
    """Return a field that DVC's page, which escapes nothing, does not read as `</script>`."""
    return value.replace("<", "\u2039") if isinstance(value, str) else value


def accuracy_by_size(draws: Sequence[Results], model: str) -> Rows:
    """Return `report.metric` on test by subset size, ascending.

    Full stands in every row, so that it is drawn as a line.
    """
    full = {"full": "full"} if "full" in draws[0].comparison else {}
    return [
        _accuracy_row(draws, model, size, {**names, **full})
        for size, names in draws[0].compared_by_size().items()
    ]


def _accuracy_row(
    draws: Sequence[Results], model: str, size: int, names: dict[str, str]
) -> dict[str, object]:
    results = draws[0]
    found = {kind: accuracy(draws, model, name) for kind, name in names.items()}
    kinds = [*KINDS, *([MATCHED] if has_matched(results) else [])]
    values = {kind: points(estimate.value) for kind, estimate in found.items()}
    errors = {kind: known_points(estimate.plus_minus) for kind, estimate in found.items()}
    return {
        "model": model,
        "size": size,
        "fraction": round(size / len(results.targets_N), 4),
        **{kind: values.get(kind) for kind in kinds},
        **{f"{kind}_plus_minus": errors.get(kind) for kind in kinds},
        "draws": len(draws),
        "length": training_length(results.params),
    }


def validation_curve(draws: Sequence[Results], model: str, column: str) -> Rows:
    """Return validation accuracy by a column of the history, mean over members that came so far.

    Empty where a subset's training was not validated just there.
    """
    curves = {
        subset: _curve(
            [epoch for draw in draws for epoch in draw.targets[model, subset].history], column
        )
        for subset in draws[0].params.compare.subsets
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


def metrics(draws: Sequence[Results]) -> Rows:
    """Return every metric of every target model: mean and sd, and that of all members together.

    The sd is over the draws, or the members of a single one; the ensemble's is the mean over the
    draws. In points from 0 to 100, but the log loss, which is in nats.
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
            "ensemble": _in_points(
                name, mean([draw.targets[key].evaluation.ensemble[name] for draw in draws])
            ),
        }
        for key, target in draws[0].targets.items()
        for model, subset in [key]
        for name in target.evaluation.mean
        for values in [_values(draws, key, name)]
    ]


def _values(draws: Sequence[Results], key: tuple[str, str], metric: str) -> list[float]:
    found = [[member[metric] for member in draw.targets[key].evaluation.members] for draw in draws]
    return found[0] if len(found) == 1 else [mean(values) for values in found]


def _in_points(metric: str, value: float) -> float:
    return significant(value) if metric == "log_loss" else points(100 * value)


def costs(draws: Sequence[Results]) -> Rows:
    """Return what each part of a draw cost, in FLOPs and in trainings of one member on everything.

    Mean over the draws.
    """
    parts = {}
    for entries in zip(*(results.rounds for results in draws), strict=True):
        size = entries[0].source
        trained = [sum(training_flops(entry.history).values()) for entry in entries]
        parts[f"train ensemble {size}"] = mean(trained)
        parts[f"predict {size}"] = mean([entry.validation.flops for entry in entries])
    for size in raced_sizes(draws[0]):
        parts[f"race to {size}"] = mean([results.races[size].flops for results in draws])
    parts["search"] = mean([search_flops(results) for results in draws])
    for model, subset in draws[0].targets:
        parts[f"train one {model} on {subset}"] = member_flops(draws, model, subset)
    unit = parts.get(f"train one {draws[0].params.compare.models[0]} on full")
    return [
        {
            "part": part,
            "flops": significant(flops),
            "full_trainings": significant(flops / unit) if unit else None,
        }
        for part, flops in parts.items()
    ]
