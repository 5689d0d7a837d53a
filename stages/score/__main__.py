"""Score every train sample with the acquisition function of the round."""

from pathlib import Path

from stages.score.acquisition import ACQUISITIONS
from stages.shared import artifacts, command
from stages.shared.params import load_params
from stages.shared.randomness import uniform_by_id


def main(size: str, prepared: Path, signals: Path, scores: Path) -> None:
    """Score every train sample for the round that chooses the subset of this size."""
    params = load_params()
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    number = params.round_number(size)
    signals_by_name = {
        **artifacts.load_signals(signals, len(sample_ids)),
        "targets_N": artifacts.load_targets(prepared, "train"),
        "random_N": uniform_by_id(sample_ids, params.random_seed, "acquisition", number),
    }
    acquisition = ACQUISITIONS[params.acquisition_of(size)]
    artifacts.save_scores(scores, acquisition(signals_by_name))


if __name__ == "__main__":
    command.run(main)
