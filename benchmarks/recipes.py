"""The recipes that bench_recipe.py tries, the table of what came out, and what won."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from stages.shared.settings.training_sections import Sgd, TrainEnsemble

Shown = dict[str, Any]  # what one training shows, as JSON
Values = npt.NDArray[np.float64]  # one for each random seed
VIEWS = {"identity": ["identity"], "both": ["identity", "flip"]}
MARGIN = 0.5  # points within which a cheaper recipe is as good


@dataclass(frozen=True)
class Row:
    """One thing changed, as in dvc's -S within the section train_ensemble."""

    name: str
    changes: tuple[str, ...] = ()
    views: str = "identity"

    @property
    def setting(self) -> str:
        """What is changed: of several rows for one setting, the best may win."""
        return self.changes[0].partition("=")[0] if self.changes else self.views


def rows(base: TrainEnsemble) -> list[Row]:
    """Return the rows, the base first."""
    optimizer = base.optimizer
    assert isinstance(optimizer, Sgd), "what the rows change is SGD's"
    rate, decay = optimizer.learning_rate, optimizer.weight_decay
    border = "black" if base.augmentation.border == "mirrored" else "mirrored"
    other = "fp32" if base.precision == "bf16" else "bf16"
    return [
        Row("base"),
        *(
            Row(f"label smoothing {share}", (f"label_smoothing={share}",))
            for share in (0.0, 0.1, 0.2)
            if share != base.label_smoothing
        ),
        *(
            Row(f"rate x {factor}", (f"optimizer.learning_rate={rate * factor}",))
            for factor in (0.5, 2)
        ),
        Row("weight decay x 2", (f"optimizer.weight_decay={decay * 2}",)),
        Row("no Nesterov", ("optimizer.nesterov=false",))
        if optimizer.nesterov
        else Row("Nesterov", ("optimizer.nesterov=true",)),
        Row("whitened first layer", ("first_layer=whitened",))
        if base.first_layer == "trained"
        else Row("trained first layer", ("first_layer=trained",)),
        *(
            [Row("no mirror images", ("augmentation.horizontal_flip=false",))]
            if base.augmentation.horizontal_flip
            else []
        ),
        *(
            [
                Row("no shifts", ("augmentation.crop_padding=0",)),
                Row(f"{border} borders", (f"augmentation.border={border}",)),
            ]
            if base.augmentation.crop_padding
            else []
        ),
        Row("mirrored views", views="both"),
        Row(other, (f"precision={other}",)),
    ]


def all_winners(chosen: Sequence[Row], found: dict[str, list[Shown]]) -> Row | None:
    """Return a row with all that won; None where fewer than two things did.

    A row wins if its 95 % interval is above 0, or if it costs fewer FLOPs and its interval is above
    minus the margin. The precision takes no part: what it saves depends on the machine.
    """
    base, *others = chosen
    best: dict[str, tuple[float, Row]] = {}
    for row in others:
        difference = accuracies(row, found) - accuracies(base, found)
        mean, half = float(difference.mean()), interval(difference)
        is_cheaper = _median(found[row.name], "flops") < _median(found[base.name], "flops")
        least = -MARGIN if is_cheaper else 0.0
        if row.setting != "precision" and mean - half > least:
            best[row.setting] = max(best.get(row.setting, (mean, row)), (mean, row), key=_first)
    winners = [row for _, row in best.values()]
    if len(winners) <= 1:
        return None
    changes = tuple(change for row in winners for change in row.changes)
    views = "both" if any(row.views == "both" for row in winners) else "identity"
    return Row(f"all of: {', '.join(row.name for row in winners)}", changes, views)


def _first(pair: tuple[float, Row]) -> float:
    return pair[0]


def table(chosen: Sequence[Row], found: dict[str, list[Shown]]) -> str:
    """Return accuracies, differences to the base, and medians of what a training took."""
    base = accuracies(chosen[0], found)
    lines = [
        "| recipe | accuracy | minus base | images/s | s | processor s | FLOPs |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in chosen:
        shown, own = found[row.name], accuracies(row, found)
        difference = own - base
        minus = "" if row is chosen[0] else f"{difference.mean():+.2f}"
        if minus and len(own) > 1:
            minus += f" ± {error(difference):.2f} (95 %: ± {interval(difference):.2f})"
        seconds = _median(shown, "seconds")
        lines.append(
            f"| {row.name} | {own.mean():.2f} | {minus} | {_median(shown, 'images') / seconds:.0f} "
            f"| {seconds:.1f} | {_median(shown, 'processor_seconds'):.1f} "
            f"| {_median(shown, 'flops'):.3g} |"
        )
    return "\n".join(lines)


def accuracies(row: Row, found: dict[str, list[Shown]]) -> Values:
    """Return the accuracy of each random seed, in points."""
    return np.array([100 * shown["accuracy"][row.views] for shown in found[row.name]])


def error(values: Values) -> float:
    """Return the standard error over the random seeds; not known of one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")


def interval(values: Values) -> float:
    """Return the half width of the 95 % t-interval over the random seeds."""
    return float(stats.t.ppf(0.975, len(values) - 1)) * error(values) if len(values) > 1 else np.inf


def _median(shown: Sequence[Shown], key: str) -> float:
    return float(np.median([entry[key] for entry in shown]))
