"""Train a round's ensemble."""

from pathlib import Path

from stages.shared import artifacts
from stages.shared.members import members
from stages.shared.running import command
from stages.shared.settings.params import load_params


def main(prepared: Path, subset: Path, ensemble: Path, history: Path, dynamics: Path) -> None:
    """Train a round's ensemble on its subset."""
    params = load_params()
    meta = artifacts.load_meta(prepared)
    if params.train_ensemble.weights == "pretrained":
        from stages.train_ensemble import pretrained  # here, because it needs torch

        for draw in params.draws:
            pretrained.write(params.train_ensemble.model, meta, ensemble / draw.draw)
            artifacts.save_history(history / f"{draw.draw}.csv", [])
            artifacts.save_dynamics(dynamics / draw.draw, artifacts.no_dynamics())
        return
    plans = [
        members.Plan(
            params=draw,
            model=params.train_ensemble.model,
            settings=params.train_ensemble,
            learning_rate=params.train_ensemble.optimizer.learning_rate,
            prepared=prepared,
            meta=meta,
            subset=artifacts.load_subset(
                subset / f"{draw.draw}.csv", meta.num_samples["train"], once=params.picks_once
            ),
            initial_weights=None,
            track=params.train_ensemble.track,
        )
        for draw in params.draws
    ]
    members.train_members(plans, ensemble, history, dynamics)


if __name__ == "__main__":
    command.run(main)
