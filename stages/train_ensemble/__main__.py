"""Train a round's ensemble."""

from pathlib import Path

from stages.shared import artifacts, command, members
from stages.shared.params import load_params


def main(prepared: Path, subset: Path, ensemble: Path, history: Path) -> None:
    """Train a round's ensemble on its subset."""
    params = load_params()
    meta = artifacts.load_meta(prepared)
    plan = members.Plan(
        model=params.train_ensemble.model,
        settings=params.train_ensemble,
        learning_rate=params.train_ensemble.optimizer.learning_rate,
        prepared=prepared,
        meta=meta,
        subset=artifacts.load_subset(subset, meta.num_samples["train"]),
        initial_weights=None,
    )
    members.train_members(params, plan, ensemble, history)


if __name__ == "__main__":
    command.run(main)
