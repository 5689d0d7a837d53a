"""What the search would cost with the target as its own proxy: the baseline of Selection via Proxy.

Coleman et al. 2020, arXiv 1906.11829, Tables 1 and 2. As many members are trained, on the same
subsets but as the target is trained, and predict as much.
"""

import math
from collections.abc import Iterable, Sequence

from stages.report.numbers.seconds import Seconds, of_ensemble, of_target
from stages.report.run.results import Results, Round, last_epochs, training_flops
from stages.shared.artifacts import Epoch
from stages.shared.prediction.cost import training_cost
from stages.shared.settings.training_sections import Plateau, TrainEnsemble, Training
from stages.shared.training import schedules

# What of a training's settings decides its cost, beside the model.
COSTLY = ("train", "batch_size", "length", "num_threads", "precision", "stop_after", "validations")


def is_proxy(ensemble: TrainEnsemble, target: Training) -> bool:
    """Return whether proxies are trained at the cost at which a target of their model is."""
    same = all(getattr(ensemble, name) == getattr(target, name) for name in COSTLY)
    return ensemble.train != "none" and same


def in_flops(results: Results, model: str, rounds: Sequence[Round]) -> float | None:
    """Return what the rounds would cost with the target as their proxy; None where unknown."""
    settings, proxies = results.params.train_subset_model, results.params.train_ensemble.train
    if isinstance(settings.schedule, Plateau) or not all(entry.history for entry in rounds):
        return None
    trainings = [found.history for (name, _), found in results.targets.items() if name == model]
    num_validation, passes = results.meta.num_samples["validation"], 0.0
    for entry in rounds:
        num_members = len(training_flops(entry.history))
        num_picks = len(results.subsets[entry.source])
        passes += num_members * training_passes(settings, num_picks, num_validation)
        passes += _predicted_passes(entry, num_validation, proxies)
    return passes * _flops_per_pass(trainings, num_validation, settings.train)


def in_seconds(results: Results, model: str, rounds: Sequence[Round], seconds: Seconds) -> float:
    """Return the seconds of the same, estimated; NaN where unknown.

    They are those of the rounds with the target's trainings and predictions for the proxy's, by
    what a forward pass of one image took in the target's own trainings, on the cores of one.
    """
    settings, proxies = results.params.train_subset_model, results.params.train_ensemble.train
    if isinstance(settings.schedule, Plateau) or not all(entry.history for entry in rounds):
        return math.nan
    num_validation = results.meta.num_samples["validation"]
    per_pass, own = _seconds_per_pass(results, model, seconds), seconds.selection(len(rounds))
    for entry in rounds:
        proxy = seconds.training(of_ensemble(entry.number))
        passes = training_passes(settings, len(results.subsets[entry.source]), num_validation)
        own += len(training_flops(entry.history)) * (passes * per_pass - proxy)
        proxy_per_pass = proxy / _passes_of_a_member(entry.history, num_validation, proxies)
        slower = max(0.0, per_pass - proxy_per_pass)
        own += _predicted_passes(entry, num_validation, proxies) * slower
    return own


def _seconds_per_pass(results: Results, model: str, seconds: Seconds) -> float:
    """Return what a forward pass of one image took in the trainings of a target model."""
    taken, passes, train = 0.0, 0.0, results.params.train_subset_model.train
    num_validation = results.meta.num_samples["validation"]
    for (name, subset), target in results.targets.items():
        training = seconds.training(of_target(model, subset))
        if name == model and not math.isnan(training):
            taken += training
            passes += _passes_of_a_member(target.history, num_validation, train)
    return taken / passes if passes else math.nan


def training_passes(settings: Training, num_picks: int, num_validation: int) -> int:
    """Return what a member costs that is trained on so many picks, in forward passes of one image.

    Nothing but its length may end the training.
    """
    updates_per_epoch = -(-num_picks // settings.batch_size)
    epochs = schedules.num_epochs(settings, updates_per_epoch)
    updates = schedules.made_updates(settings, updates_per_epoch)
    # Batches of an epoch differ by one image at most: some of them hold their share of it.
    images = updates * num_picks // updates_per_epoch
    validations = settings.validations if isinstance(settings.validations, int) else epochs
    return training_cost(settings.train) * images + num_validation * min(validations, epochs)


def _predicted_passes(entry: Round, num_validation: int, train: str) -> float:
    """Return how many forward passes the voters made, by what one cost in their trainings."""
    return entry.validation.flops / _flops_per_pass([entry.history], num_validation, train)


def _flops_per_pass(histories: Iterable[Sequence[Epoch]], num_validation: int, train: str) -> float:
    """Return what one forward pass of one image costs, by trainings that were made."""
    flops, passes = 0.0, 0
    for history in histories:
        flops += sum(training_flops(history).values())
        passes += _passes(history, num_validation, train)
    return flops / passes


def _passes(history: Sequence[Epoch], num_validation: int, train: str) -> int:
    """Return the forward passes of all members of a history."""
    passes = training_cost(train) * sum(epoch.images_seen for epoch in last_epochs(history))
    return passes + num_validation * sum(epoch.validation_accuracy is not None for epoch in history)


def _passes_of_a_member(history: Sequence[Epoch], num_validation: int, train: str) -> float:
    return _passes(history, num_validation, train) / len(last_epochs(history))
