"""Members that a stage will find in the resume folder, where all that decides them is there."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from commands.plan.graph import Stage
from commands.plan.trials import in_processes
from stages.shared import models
from stages.shared.errors import ArtifactError
from stages.shared.members import members
from stages.shared.running import engine
from stages.shared.settings.params import Params
from stages.train_ensemble import __main__ as train_ensemble
from stages.train_subset_model import __main__ as train_subset_model


def count(running: Sequence[Stage], params: Params) -> dict[str, int]:
    """Return how many members are finished of the training stages of which this can be known.

    Where a stage above runs its subset is not known yet.
    """
    plans = {}
    for stage in running:
        if stage.inputs_stay:
            with suppress(ArtifactError):  # what it reads is still to come from DVC's cache
                if of_draws := [plan for draw in params.draws if (plan := _plan(stage, draw))]:
                    plans[stage.name] = of_draws
    if not plans:
        return {}
    # In a process of its own: fingerprints need torch.
    (found,) = in_processes(_count, [list(plans.values())])
    return dict(zip(plans, found, strict=True))


def _plan(stage: Stage, params: Params) -> members.Plan | None:
    paths = [Path(argument) for argument in stage.arguments]
    if stage.kind == "train_ensemble" and params.train_ensemble.train != "none":
        model, (prepared, embeddings, *rest) = params.train_ensemble.model, paths
        data = models.data_of(params.task, model, prepared, embeddings)
        return train_ensemble.plan_of(params, data, *rest[:2])
    if stage.kind == "train_subset_model":
        model, (prepared, embeddings, *rest) = stage.arguments[0], paths[1:]
        data = models.data_of(params.task, model, prepared, embeddings)
        return train_subset_model.plan_of(params, model, data, *rest[:3])
    return None


def _count(stages: Sequence[Sequence[members.Plan]], report: engine.Report) -> list[int]:
    return [sum(map(members.num_finished, plans)) for plans in stages]
