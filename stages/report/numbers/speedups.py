"""What the search saves (Coleman et al. 2020, arXiv 1906.11829, Tables 1 and 2).

FLOPs are for plots/tables. A speed-up is one of seconds, which no output of a stage holds: they are
for the end of the report, and for `python -m commands.costs`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.report.formulas.rounding import significant
from stages.report.numbers import own_proxy
from stages.report.numbers.seconds import Seconds, known, of_target
from stages.report.numbers.summary import member_flops, round_flops
from stages.report.run.results import Results, Round, training_length
from stages.shared.artifacts import Rows

DASH = "\u2013"
NOTHING = Seconds({}, 1)  # is known


@dataclass(frozen=True)
class Costs:
    """What a budget costs, of one draw and one member of the target; None: not known.

    In FLOPs or in seconds.
    """

    selection: float | None  # proxies and predictions; in seconds scores and choice too
    own_proxy: float | None  # the same, with the target as its own proxy
    target: float | None  # one training on the selected subset
    full: float | None  # one training on everything

    @property
    def total(self) -> float | None:
        """Selection and one training."""
        return _sum(self.selection, self.target)

    @property
    def ratios(self) -> dict[str, float | None]:
        """How many times as much as this costs what it stands against.

        selection: the target as its own proxy, the choice alone (Table 1).
        total: the same with one training on the subset (Table 2).
        full: one training on everything, against choice and training on the subset.
        """
        return {
            "selection": _ratio(self.own_proxy, self.selection),
            "total": _ratio(_sum(self.own_proxy, self.target), self.total),
            "full": _ratio(self.full, self.total),
        }


@dataclass(frozen=True)
class Budget:
    """A number of picks, and what it costs to choose them for a target model and to train on them.

    The target as its own proxy trains as many members, on the same subsets but as the target is
    trained, and predicts as much. Its FLOPs are unknown with a proxy that was not trained here, and
    where the target has the schedule plateau: when that ends depends on the accuracy of trainings
    that nobody made. So are its seconds, unless they were measured.
    """

    model: str
    size: int
    fraction: float
    flops: Costs  # of the first draw: the others are trained alike
    seconds: Costs  # mean over the draws
    is_measured: bool  # the seconds of the target as its own proxy are no estimate


def speedups(results: Results) -> Rows:
    """Return what each budget costs each target model in FLOPs: plots/tables/speedups.csv.

    Empty where the subset, or everything, was not compared.
    """
    return [_row(results, budget) for budget in budgets(results)]


def budgets(
    results: Results,
    seconds: Seconds = NOTHING,
    baselines: Mapping[str, Seconds] | None = None,
) -> list[Budget]:
    """Return what each budget costs each target model, ascending by size.

    `baselines` are runs whose proxy is the target, by its name; without one of them the seconds of
    such a proxy are estimated (`own_proxy`).
    """
    measured = dict(baselines or {})
    params = results.params
    if own_proxy.is_proxy(params.train_ensemble, params.train_subset_model):
        measured[params.train_ensemble.model] = seconds
    return [
        Budget(
            model,
            size,
            round(size / len(results.targets_N), 4),
            _in_flops(results, model, size, rounds),
            _in_seconds(results, model, size, rounds, (seconds, measured.get(model))),
            model in measured,
        )
        for model in results.params.compare.models
        for size, rounds in _rounds_by_size(results).items()
    ]


def ratio_in_words(budget: Budget, name: str) -> str:
    """Return a speed-up in seconds, with the ratio of FLOPs beside; a dash for what is unknown."""
    values = (budget.seconds.ratios[name], budget.flops.ratios[name])
    seconds, flops = (DASH if value is None else f"{value:.3g}" for value in values)
    return DASH if seconds == flops == DASH else f"{seconds} ({flops} in FLOPs)"


def _row(results: Results, budget: Budget) -> dict[str, object]:
    costs = budget.flops
    parts = {name: getattr(costs, name) for name in ("selection", "own_proxy", "target")}
    parts |= {"total": costs.total, "full": costs.full}
    return {
        "model": budget.model,
        "length": training_length(results.params),
        "size": budget.size,
        "fraction": budget.fraction,
        **{f"{name}_flops": _significant(value) for name, value in parts.items()},
        **{f"{name}_ratio": _significant(value) for name, value in costs.ratios.items()},
    }


def _rounds_by_size(results: Results) -> dict[int, list[Round]]:
    """Return the rounds that a subset of so many picks needs, ascending by size.

    Of every round's subset, and of the compared parts of the last one.
    """
    needed = {len(results.subsets[entry.target]): entry.number for entry in results.rounds}
    for size, names in results.compared_by_size().items():
        if "selected" in names:
            needed[size] = int(results.comparison[names["selected"]].round_P.max(initial=0))
    return {size: results.rounds[:number] for size, number in sorted(needed.items())}


def _in_flops(results: Results, model: str, size: int, rounds: Sequence[Round]) -> Costs:
    """Return the FLOPs: ranking is work of the CPU without such operations.

    Races would be the same with the target as its own proxy. What embedding all images costs is
    left out there, although a target that reads embeddings would need them too.
    """
    name = results.compared_by_size().get(size, {}).get("selected")
    races = sum(results.races[entry.target].flops for entry in rounds)
    of_rounds = sum(round_flops(entry.history, entry.validation) for entry in rounds)
    own = own_proxy.in_flops(results, model, rounds)
    return Costs(
        of_rounds + races + results.embedding_flops,
        None if own is None else own + races,
        member_flops([results], model, name) if name else None,
        member_flops([results], model, "full") if "full" in results.comparison else None,
    )


def _in_seconds(
    results: Results,
    model: str,
    size: int,
    rounds: Sequence[Round],
    measured: tuple[Seconds, Seconds | None],  # of the run, and of one whose proxy is the target
) -> Costs:
    seconds, baseline = measured
    name = results.compared_by_size().get(size, {}).get("selected")
    if baseline is None:
        own = own_proxy.in_seconds(results, model, rounds, seconds)
    else:
        is_same = baseline.machine == seconds.machine
        own = baseline.selection(len(rounds)) if is_same else math.nan
    return Costs(
        known(seconds.selection(len(rounds))),
        known(own),
        known(seconds.training(of_target(model, name))) if name else None,
        known(seconds.training(of_target(model, "full"))),
    )


# --- costs that may be unknown -------------------------------------------------------------------


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _ratio(cost: float | None, unit: float | None) -> float | None:
    return cost / unit if cost and unit else None


def _significant(value: float | None) -> float | None:
    return None if value is None else significant(value)
