"""What the search saves (Coleman et al. 2020, arXiv 1906.11829, Tables 1 and 2), in FLOPs."""

from collections.abc import Iterable, Sequence

from stages.report.results import Results, Round, last_epochs
from stages.report.rounding import significant
from stages.report.summary import member_flops, round_flops
from stages.shared.artifacts import Epoch, Rows

TRAINING_COST = 3  # forward passes that one training image costs, as stages/shared/flops.py has it


def speedups(results: Results) -> Rows:
    """Return what each target model costs on each budget, one member, against training on all.

    selection: training the proxies and their predictions, over the rounds that lead to the budget.
        Ranking is not counted. total: selection and one target model on the selected subset.
    total_speedup: full / total. Empty where the subset, or everything, was not compared.
    selection_speedup: what the selection would cost with the target as its own proxy, with as many
        members, images and predictions, over what it costs: the ratio of both models' FLOPs per
        image. What a proxy saves by stopping early is not in it. Empty for one and the same model.
    """
    return [
        _row(results, model, size, rounds)
        for model in results.params.compare.models
        for size, rounds in _rounds_by_size(results).items()
    ]


def _row(results: Results, model: str, size: int, rounds: Sequence[Round]) -> dict[str, object]:
    selection = sum(round_flops(entry) for entry in rounds)
    name = results.compared_by_size().get(size, {}).get("selected")
    target = member_flops(results, model, name) if name else None
    full = member_flops(results, model, "full") if "full" in results.comparison else None
    total = None if target is None else selection + target
    return {
        "model": model,
        "size": size,
        "fraction": round(size / len(results.targets_N), 4),
        "selection_flops": significant(selection),
        "target_flops": None if target is None else significant(target),
        "total_flops": None if total is None else significant(total),
        "full_flops": None if full is None else significant(full),
        "total_speedup": significant(full / total) if full and total else None,
        "selection_speedup": _selection_speedup(results, model, rounds),
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


def _selection_speedup(results: Results, model: str, rounds: Sequence[Round]) -> float | None:
    if model == results.params.train_ensemble.model:
        return None
    num_validation = results.meta.num_samples["validation"]
    of_target = _flops_per_image(
        (found.history for (name, _), found in results.targets.items() if name == model),
        num_validation,
    )
    of_proxy = _flops_per_image((entry.history for entry in rounds), num_validation)
    return significant(of_target / of_proxy) if of_target and of_proxy else None


def _flops_per_image(histories: Iterable[Sequence[Epoch]], num_validation: int) -> float | None:
    """Return what one forward pass costs for each image; None without a training."""
    flops, passes = 0.0, 0
    for history in histories:
        flops += sum(epoch.flops for epoch in last_epochs(history))
        passes += TRAINING_COST * sum(epoch.images_seen for epoch in last_epochs(history))
        passes += num_validation * sum(epoch.validation_accuracy is not None for epoch in history)
    return flops / passes if passes else None
