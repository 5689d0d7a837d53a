"""Draw the seed subset, or take the user's own."""

from pathlib import Path

from stages.shared import artifacts
from stages.shared.artifacts.files import atomic_folder
from stages.shared.choosing import sampling
from stages.shared.choosing.absent_classes import warn_of_absent_classes
from stages.shared.choosing.demands import check_demands
from stages.shared.choosing.limits import load_limits, warn_of_absent_excluded
from stages.shared.running import command
from stages.shared.settings.params import check_counts, load_params
from stages.shared.sizes import parse_size


def main(seed_size: str, prepared: Path, subset: Path) -> None:
    """Draw the random subset that the first ensemble is trained on."""
    params = load_params()
    sample_ids = artifacts.load_sample_ids(prepared, "train")
    class_names = artifacts.load_meta(prepared).class_names
    check_counts(params, len(sample_ids), len(class_names))
    limits = load_limits(prepared, sample_ids, params.select)

    drawn = {
        draw.draw: sampling.seed_rows(parse_size(seed_size), draw, sample_ids, limits)
        for draw in params.draws
    }
    check_demands(params, limits)
    with atomic_folder(subset) as folder:
        for name, index_P in drawn.items():
            artifacts.save_subset(folder / f"{name}.csv", sampling.unscored(index_P))
    warn_of_absent_excluded(prepared, sample_ids, Path(params.select.exclude))
    if params.rules.has_labels:
        warn_of_absent_classes([*drawn.values()], limits.targets_N, class_names)


if __name__ == "__main__":
    command.run(main)
