"""Train a target model on a subset."""

from collections.abc import Sequence
from pathlib import Path

from stages.shared import artifacts
from stages.shared.members import members
from stages.shared.running import command
from stages.shared.settings.params import load_params
from stages.shared.settings.training_sections import TrainSubsetModel
from stages.shared.training.job import Parallel

# The yardstick is a training on everything from scratch, whatever the subsets start from:
# fine-tuned, it would owe part of its accuracy to the search that it is compared with.
ALWAYS_FROM_SCRATCH = "full"


def main(
    model: str, prepared: Path, subset: Path, source: Path, models: Path, history: Path
) -> None:
    """Train a target model on a subset, from scratch or from the ensemble `source`."""
    params = load_params()
    settings = params.train_subset_model
    meta = artifacts.load_meta(prepared)
    initial = _initial_weights(settings, subset.stem, source)
    rate = settings.optimizer.learning_rate
    plan = members.Plan(
        model=model,
        settings=settings,
        learning_rate=rate if initial is None else settings.fine_tune_learning_rate,
        prepared=prepared,
        meta=meta,
        subset=artifacts.load_subset(subset, meta.num_samples["train"], once=params.picks_once),
        initial_weights=initial,
        track="none",
        parallel=Parallel(settings.processes, settings.sync_batch_norm),
    )
    members.train_members(params, plan, models, history)


def _initial_weights(
    settings: TrainSubsetModel, subset: str, source: Path
) -> Sequence[Path] | None:
    """Return the last weights of each member of the ensemble, or None to start from scratch."""
    if settings.initialize_from == "scratch" or subset == ALWAYS_FROM_SCRATCH:
        return None
    ensemble = artifacts.load_ensemble(source)
    return [source / ensemble.of_member(member)[-1].path for member in range(settings.members)]


if __name__ == "__main__":
    command.run(main)
