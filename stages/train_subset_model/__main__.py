"""Train a target model on a subset."""

from operator import attrgetter
from pathlib import Path

from stages.shared import artifacts, models
from stages.shared.members import members
from stages.shared.running import command
from stages.shared.settings.params import Params, load_params
from stages.shared.settings.training_sections import TrainSubsetModel
from stages.shared.training.job import Parallel

# What the selected subsets are compared with is trained from scratch, whatever they start from:
# fine-tuned from weights that had everything, it would owe its accuracy to the search.
FINE_TUNED = "selected"


def main(  # noqa: PLR0913, PLR0917 - paths of dvc.yaml
    model: str,
    prepared: Path,
    embeddings: Path,
    subset: Path,
    source: Path,
    weights: Path,
    trained: Path,
    history: Path,
) -> None:
    """Train a target model on a subset, from `weights` or from the ensemble `source`."""
    params = load_params()
    prepared = models.data_of(params.task, model, prepared, embeddings)
    plans = [plan_of(draw, model, prepared, subset, source, weights) for draw in params.draws]
    members.train_members(plans, trained, history)


def plan_of(
    draw: Params, model: str, prepared: Path, subset: Path, source: Path, weights: Path
) -> members.Plan:
    """Return what is to be trained of one draw."""
    settings = draw.train_subset_model
    meta = artifacts.load_meta(prepared)
    is_new = settings.initialize_from == "scratch" or subset.name.partition("-")[0] != FINE_TUNED
    optimizer = settings.optimizer
    return members.Plan(
        params=draw,
        model=model,
        settings=settings,
        learning_rate=optimizer.learning_rate if is_new else settings.fine_tune_learning_rate,
        prepared=prepared,
        meta=meta,
        subset=artifacts.load_subset(
            subset / f"{draw.draw}.csv", meta.num_samples["train"], once=draw.picks_once
        ),
        initial_weights=members.given_weights(weights, settings)
        if is_new
        else _first_weights(settings, source / draw.draw),
        track="none",
        as_long_as=artifacts.load_as_long_as(subset),
        parallel=Parallel(settings.processes, settings.sync_batch_norm),
    )


def _first_weights(settings: TrainSubsetModel, source: Path) -> list[Path]:
    """Return the last or the best weights of the first members of an ensemble."""
    ensemble = artifacts.load_ensemble(source)
    is_wanted = attrgetter("is_best" if settings.initialize_with == "best" else "is_last")
    return [
        source / list(filter(is_wanted, ensemble.of_member(member)))[-1].path
        for member in range(settings.members)
    ]


if __name__ == "__main__":
    command.run(main)
