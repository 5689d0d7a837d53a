"""Train a round's ensemble."""

from pathlib import Path

from stages.shared import artifacts, models
from stages.shared.members import members
from stages.shared.running import command
from stages.shared.settings.params import Params, load_params


def main(  # noqa: PLR0913, PLR0917 - the arguments are those of dvc.yaml
    prepared: Path,
    embeddings: Path,
    subset: Path,
    weights: Path,
    ensemble: Path,
    history: Path,
    dynamics: Path,
) -> None:
    """Train a round's ensemble on its subset."""
    params = load_params()
    prepared = models.data_of(params.task, params.train_ensemble.model, prepared, embeddings)
    if params.train_ensemble.train == "none":
        from stages.train_ensemble import untrained  # here, because it needs torch

        meta = artifacts.load_meta(prepared)
        for draw in params.draws:
            untrained.write(params.train_ensemble.model, weights, meta, ensemble / draw.draw)
            artifacts.save_history(history / f"{draw.draw}.csv", [])
            artifacts.save_dynamics(dynamics / draw.draw, artifacts.no_dynamics())
        return
    plans = [plan_of(draw, prepared, subset, weights) for draw in params.draws]
    members.train_members(plans, ensemble, history, dynamics)


def plan_of(draw: Params, prepared: Path, subset: Path, weights: Path) -> members.Plan:
    """Return what is to be trained of one draw."""
    meta, settings = artifacts.load_meta(prepared), draw.train_ensemble
    return members.Plan(
        params=draw,
        model=settings.model,
        settings=settings,
        learning_rate=settings.optimizer.learning_rate,
        prepared=prepared,
        meta=meta,
        subset=artifacts.load_subset(
            subset / f"{draw.draw}.csv", meta.num_samples["train"], once=draw.picks_once
        ),
        initial_weights=members.given_weights(weights, settings),
        track=settings.track,
    )


if __name__ == "__main__":
    command.run(main)
