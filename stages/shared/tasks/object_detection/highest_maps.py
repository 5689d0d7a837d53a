"""Where in an image an acquisition function is high: the maps of the highest-scored images alone.

Those of a whole pool are never stored.

Shapes: M voters, B images of a batch, K kept images or the channels of a model's maps, C classes,
H x W positions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from stages.shared import artifacts
from stages.shared.artifacts import REDUCED_ACQUISITIONS, Array
from stages.shared.tasks.object_detection.box_targets import Boxes
from stages.shared.tasks.object_detection.map_signals import acquisition_maps

NUM_IMAGES = 8  # of each acquisition function; people look at them


class _Kept(NamedTuple):
    minus_score: float  # by which, and by the row where scores are equal, they are sorted
    row: int
    map_CHW: Array  # float16


class HeatMaps:
    """Collects them batch by batch, the batches by row."""

    def __init__(self) -> None:
        self._kept: dict[str, list[_Kept]] = {name: [] for name in REDUCED_ACQUISITIONS}

    def add(
        self, rows: slice, maps_MBKHW: Tensor, boxes: Boxes, signals_B: Mapping[str, Array]
    ) -> None:
        """Take a batch: its rows of train, the voters' probabilities, its objects and signals."""
        for name, kept in self._kept.items():
            score_B = signals_B[f"{name}_max_N"]
            least = -kept[-1].minus_score if len(kept) == NUM_IMAGES else -np.inf
            best = np.argsort(-score_B, kind="stable")[:NUM_IMAGES]
            for place in best[score_B[best] > least].tolist():
                one = slice(place, place + 1)
                values_CHW = acquisition_maps(maps_MBKHW[:, one], boxes[one])[name][0]
                map_CHW = values_CHW.cpu().numpy().astype(np.float16)
                kept.append(_Kept(-float(score_B[place]), rows.start + place, map_CHW))
            self._kept[name] = _best(kept)

    def merged(self, later: "HeatMaps") -> "HeatMaps":
        """Return the maps of both, which saw different images."""
        both = HeatMaps()
        both._kept = {name: _best([*kept, *later._kept[name]]) for name, kept in self._kept.items()}
        return both

    def save(self, signals: Path) -> None:
        """Write the maps of each acquisition function's highest-scored images, highest first."""
        for name, kept in self._kept.items():
            row_K = np.array([entry.row for entry in kept], dtype=np.int64)
            map_KCHW = np.stack([entry.map_CHW for entry in kept])
            artifacts.save_heat_maps(signals, name, artifacts.HeatMaps(row_K, map_KCHW))


def _best(kept: list[_Kept]) -> list[_Kept]:
    return sorted(kept, key=lambda entry: entry[:2])[:NUM_IMAGES]
