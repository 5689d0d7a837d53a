"""Write what the target models are trained on."""

from pathlib import Path

from stages.comparison_subsets.comparison import Comparison, order_of_random_subsets
from stages.shared import artifacts
from stages.shared.artifacts.files import atomic_folder
from stages.shared.choosing.limits import load_limits
from stages.shared.running import command
from stages.shared.settings.params import load_params
from stages.shared.sizes import MATCHED, kind_and_size, num_picks, parse_size


def main(last_size: str, prepared: Path, subsets: Path, comparison: Path) -> None:
    """Write the subsets that are compared; `last_size` is that of the last round's subset."""
    params = load_params()
    sizes = [
        size
        for size in map(str, params.sizes)
        if size == last_size or f"selected-{size}" in params.compare.subsets
    ]
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    limits = load_limits(prepared, sample_ids, params.select)
    with atomic_folder(comparison) as folder:
        for name in params.compare.subsets:
            kind, size = kind_and_size(name)
            if kind == MATCHED:
                count = num_picks(parse_size(size or last_size), len(sample_ids))
                artifacts.save_as_long_as(folder / name, count)
        for draw in params.draws:
            of_rounds = {
                size: artifacts.load_subset(
                    subsets / size / f"{draw.draw}.csv",
                    len(sample_ids),
                    once=params.picks_once,
                )
                for size in sizes
            }
            compared = Comparison(
                selected=of_rounds[last_size],
                of_rounds=of_rounds,
                random_K=order_of_random_subsets(draw, sample_ids, limits),
                num_train=len(sample_ids),
            )
            for name in params.compare.subsets:
                path = folder / name / f"{draw.draw}.csv"
                artifacts.save_subset(path, compared.subset(name))


if __name__ == "__main__":
    command.run(main)
