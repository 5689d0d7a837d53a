"""Where in an image an acquisition function is high: data/signals/<from>/heat_*.npy.

Shapes: K images, C classes, H x W positions of a map.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.shared.artifacts.formats import Array, Ints, load_array, require_finite, save_array
from stages.shared.artifacts.subsets import load_order


@dataclass(frozen=True)
class HeatMaps:
    """The values of an acquisition function in the images that it scores highest."""

    row_K: Ints  # of the train split, highest score first
    map_KCHW: Array  # float16


def save_heat_maps(signals: Path, acquisition: str, heat_maps: HeatMaps) -> None:
    """Write the maps of one acquisition function."""
    save_array(signals / f"heat_rows_{acquisition}_K.npy", heat_maps.row_K)
    save_array(signals / f"heat_maps_{acquisition}_KCHW.npy", heat_maps.map_KCHW)


def has_heat_maps(signals: Path, acquisition: str) -> bool:
    """Return whether predict_pool wrote maps; the folder holds what it wrote alone."""
    return (signals / f"heat_maps_{acquisition}_KCHW.npy").exists()


def load_heat_maps(signals: Path, acquisition: str, num_train: int) -> HeatMaps:
    """Return the maps of one acquisition function.

    Raises:
        ArtifactError: a file is missing, or they do not belong together.
    """
    row_K = load_order(signals / f"heat_rows_{acquisition}_K.npy", num_train)
    path = signals / f"heat_maps_{acquisition}_KCHW.npy"
    map_KCHW = load_array(path, np.float16, (len(row_K), None, None, None))
    require_finite(path, map_KCHW)
    return HeatMaps(row_K, map_KCHW)
