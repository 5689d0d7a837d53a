"""Members that a stage will find in the resume folder, where all that decides them is there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from commands.plan.graph import Stage
from commands.plan.work import Work
from stages.shared import artifacts
from stages.shared.members import members
from stages.shared.running import engine, workers
from stages.shared.settings.params import Params
from stages.shared.training.job import Parallel

FULL = "full"  # always from scratch


def count(running: Sequence[Stage], work: Mapping[str, Work], params: Params) -> dict[str, int]:
    """Return how many members of each training stage are finished already.

    Where a stage above runs its subset is not known yet, and none is counted; nor where the subset
    is still to come from DVC's cache, or where members start from an ensemble's.
    """
    plans = {
        stage.name: _plan(stage, work[stage.name], params)
        for stage in running
        if work[stage.name].trainings and stage.inputs_stay and _can_be_known(stage, params)
    }
    if not plans:
        return {}
    # In a process of its own: fingerprints need torch.
    (found,) = workers.map_pieces(
        _count, [(params, list(plans.values()))], threads_per_piece=1, on_report=_nothing
    )
    return dict(zip(plans, found, strict=True))


def _can_be_known(stage: Stage, params: Params) -> bool:
    prepared, subset = _inputs(stage)
    from_scratch = (
        stage.kind == "train_ensemble"
        or subset.stem == FULL
        or params.train_subset_model.initialize_from == "scratch"
    )
    return from_scratch and subset.exists() and (prepared / "meta.json").exists()


def _inputs(stage: Stage) -> tuple[Path, Path]:
    """Return the prepared data and the subset of a training stage."""
    first = 0 if stage.kind == "train_ensemble" else 1
    return Path(stage.arguments[first]), Path(stage.arguments[first + 1])


def _plan(stage: Stage, work: Work, params: Params) -> members.Plan:
    """Return what the stage would train, as its `main` has it."""
    trainings = work.trainings
    assert trainings is not None
    prepared, subset = _inputs(stage)
    meta = artifacts.load_meta(prepared)
    return members.Plan(
        model=trainings.model,
        settings=trainings.settings,
        learning_rate=trainings.settings.optimizer.learning_rate,
        prepared=prepared,
        meta=meta,
        subset=artifacts.load_subset(subset, meta.num_samples["train"]),
        initial_weights=None,
        track=getattr(trainings.settings, "track", "none"),
        parallel=Parallel(
            getattr(trainings.settings, "processes", 1),
            getattr(trainings.settings, "sync_batch_norm", False),
        ),
    )


def _count(piece: tuple[Params, Sequence[members.Plan]], report: engine.Report) -> list[int]:
    params, plans = piece
    return [members.num_finished(params, plan) for plan in plans]


def _nothing(number: int, message: object) -> None:
    """Take a report."""
