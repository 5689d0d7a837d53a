"""What the search saves (Coleman et al. 2020, arXiv 1906.11829, Tables 1 and 2).

In FLOPs for plots/tables, in seconds for metrics/timings.json: no stage's output holds seconds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from stages.report.results import Results, Round, last_epochs, training_flops, training_length
from stages.report.rounding import significant
from stages.report.summary import member_flops, round_flops
from stages.shared.artifacts import Epoch, Rows
from stages.shared.prediction.cost import TRAINING_COST
from stages.shared.running import timings
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import EpochLength, Plateau, Training
from stages.shared.training import schedules

ROUND_STAGES = ("train_ensemble", "predict_pool", "score", "select", "race")

Seconds = Mapping[str, float]


def speedups(results: Results) -> Rows:
    """Return what each target model costs on each budget, one member, against training on all.

    Of the first draw: the others are trained alike.

    selection: training the proxies and their predictions, over the rounds that lead to the budget,
        and their races, which would be the same with another proxy.
        Ranking is work of the CPU without such operations, so it is only in the seconds.
    total: selection and one target model on the selected subset.
    total_speedup: full / total. Empty where the subset, or everything, was not compared.
    selection_speedup: what the selection would cost with the target as its own proxy, over what it
        costs: as many members, trained on the same subsets but as the target is trained, and the
        same predictions. 1 where the proxy is the target and its training that of the target; more
        where it is a smaller model, ends earlier or is validated less often. Empty with a proxy
        that was not trained here, and where the target has the schedule plateau: when that ends
        depends on the accuracy of trainings that nobody made.
    """
    return [
        _row(results, model, size, rounds)
        for model in results.params.compare.models
        for size, rounds in _rounds_by_size(results).items()
    ]


def _row(results: Results, model: str, size: int, rounds: Sequence[Round]) -> dict[str, object]:
    races = sum(results.races[entry.target].flops for entry in rounds)
    selection = sum(round_flops(entry.history, entry.validation) for entry in rounds) + races
    own_proxy = _own_proxy_flops(results, model, rounds)
    name = results.compared_by_size().get(size, {}).get("selected")
    target = member_flops([results], model, name) if name else None
    full = member_flops([results], model, "full") if "full" in results.comparison else None
    total = None if target is None else selection + target
    return {
        "model": model,
        "length": training_length(results.params),
        "size": size,
        "fraction": round(size / len(results.targets_N), 4),
        "selection_flops": significant(selection),
        "target_flops": None if target is None else significant(target),
        "total_flops": None if total is None else significant(total),
        "full_flops": None if full is None else significant(full),
        "total_speedup": significant(full / total) if full and total else None,
        "selection_speedup": significant((own_proxy + races) / selection) if own_proxy else None,
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


# --- the target as its own proxy -----------------------------------------------------------------


def _own_proxy_flops(results: Results, model: str, rounds: Sequence[Round]) -> float | None:
    """Return what the rounds would cost with the target as their proxy; None where unknown."""
    settings = results.params.train_subset_model
    if isinstance(settings.schedule, Plateau) or not all(entry.history for entry in rounds):
        return None
    trainings = [found.history for (name, _), found in results.targets.items() if name == model]
    num_validation, passes = results.meta.num_samples["validation"], 0.0
    for entry in rounds:
        num_members = len(training_flops(entry.history))
        num_picks = len(results.subsets[entry.source])
        passes += num_members * training_passes(settings, num_picks, num_validation)
        passes += entry.validation.flops / _flops_per_pass([entry.history], num_validation)
    return passes * _flops_per_pass(trainings, num_validation)


def training_passes(settings: Training, num_picks: int, num_validation: int) -> int:
    """Return what a member costs that is trained on so many picks, in forward passes of one image.

    Nothing but its length may end the training.
    """
    updates_per_epoch = -(-num_picks // settings.batch_size)
    epochs = schedules.num_epochs(settings, updates_per_epoch)
    updates = min(schedules.num_updates(settings, updates_per_epoch), epochs * updates_per_epoch)
    # Batches of an epoch differ by one image at most: some of them hold their share of it.
    images = updates * num_picks // updates_per_epoch
    validations = settings.validations if isinstance(settings.validations, int) else epochs
    return TRAINING_COST * images + num_validation * min(validations, epochs)


def _flops_per_pass(histories: Iterable[Sequence[Epoch]], num_validation: int) -> float:
    """Return what one forward pass of one image costs, by trainings that were made."""
    flops, passes = 0.0, 0
    for history in histories:
        flops += sum(training_flops(history).values())
        passes += TRAINING_COST * sum(epoch.images_seen for epoch in last_epochs(history))
        passes += num_validation * sum(epoch.validation_accuracy is not None for epoch in history)
    return flops / passes


# --- seconds -------------------------------------------------------------------------------------


def speedups_in_seconds(params: Params) -> dict[str, Seconds]:
    """Return the same of the last round's subset in seconds, by target model.

    selection: all stages of all rounds, ranking included, over the number of draws. target, full:
    the stage of all members, over their number. What the target would take as its own proxy was
    not measured. A model is left out where `timings.seconds_of` has nothing, and under equal
    updates: then a subset saves no time.
    """
    found = {model: _seconds(params, model) for model in params.compare.models}
    return {model: seconds for model, seconds in found.items() if seconds}


def _seconds(params: Params, model: str) -> Seconds:
    if not {"selected", "full"} <= set(params.compare.subsets):
        return {}
    if not isinstance(params.train_subset_model.length, EpochLength):
        return {}
    # As DVC names the stages of a matrix.
    rounds = [
        f"{stage}@round{number}" for number in range(len(params.rounds)) for stage in ROUND_STAGES
    ]
    targets = [f"train_subset_model@{model}-{subset}" for subset in ("selected", "full")]
    seconds = timings.seconds_of([*rounds, *targets])
    if not seconds:
        return {}
    num_draws = params.random_seeds
    selection = sum(seconds[: len(rounds)]) / num_draws
    members = params.train_subset_model.members * num_draws
    target, full = (taken / members for taken in seconds[len(rounds) :])
    return {
        "selection": significant(selection),
        "target": significant(target),
        "total": significant(selection + target),
        "full": significant(full),
        "total_speedup": significant(full / (selection + target)),
    }


def seconds_in_words(found: Mapping[str, Seconds]) -> Iterator[str]:
    """Yield a line for each target model whose seconds are known."""
    for model, seconds in found.items():
        yield (
            f"{model}, seconds: selection {seconds['selection']:g} and one training "
            f"{seconds['target']:g}, on full {seconds['full']:g}; "
            f"speed-up {seconds['total_speedup']:g}"
        )
