"""Train a round's ensemble."""

from pathlib import Path

from stages.shared import artifacts
from stages.shared.members import members
from stages.shared.running import command
from stages.shared.settings.params import Params, load_params


def main(prepared: Path, subset: Path, ensemble: Path, history: Path, dynamics: Path) -> None:
    """Train a round's ensemble on its subset."""
    params = load_params()
    if params.train_ensemble.weights == "pretrained":
        from stages.train_ensemble import pretrained  # here, because it needs torch

        pretrained.write(params.train_ensemble.model, artifacts.load_meta(prepared), ensemble)
        artifacts.save_history(history, [])
        artifacts.save_dynamics(dynamics, artifacts.no_dynamics())
        return
    members.train_members(params, plan_of(params, prepared, subset), ensemble, history, dynamics)


def plan_of(params: Params, prepared: Path, subset: Path) -> members.Plan:
    """Return what is to be trained."""
    meta = artifacts.load_meta(prepared)
    return members.Plan(
        model=params.train_ensemble.model,
        settings=params.train_ensemble,
        learning_rate=params.train_ensemble.optimizer.learning_rate,
        prepared=prepared,
        meta=meta,
        subset=artifacts.load_subset(subset, meta.num_samples["train"], once=params.picks_once),
        initial_weights=None,
        track=params.train_ensemble.track,
    )


if __name__ == "__main__":
    command.run(main)
