"""Acquisition functions: what the signals of the ensemble say about the worth of a sample.

Each is a file, whose function `score` takes the signals by name and returns one score for each
sample, float64 [N]; a higher score is selected first. Logarithms are natural. The folder that it
lies in says what it needs; params.yaml names the file, and nothing else has to.

The equations are those of Chitta et al., "Less is More: an Exploration of Data Redundancy with
Active Dataset Subsampling" (2019) and "Training Data Subset Search with Ensemble Active Learning"
(2020), of Coleman et al., "Selection via Proxy" (2020), here SVP, and of Vodrahalli et al., "Are
All Training Examples Created Equal?" (2018).

Shapes: M voters, or members where the signals are of their training, N train samples, B samples
of a batch, C classes.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from stages.score.acquisition.inputs import Signals as Signals
from stages.shared.artifacts import Floats

ACQUISITIONS: dict[str, Callable[[Signals], Floats]] = {
    path.stem: import_module(f"{__name__}.{path.parent.name}.{path.stem}").score
    for path in sorted(Path(__file__).parent.glob("*/[!_]*.py"), key=lambda path: path.stem)
}


def score(name: str, signals: Signals, reduction: str) -> Floats:
    """Return the scores of an acquisition function, float64 [N].

    Where a sample has many outputs, such as a map of probabilities, predict_pool has applied the
    function to each of them and reduced the results: the largest of some differences is not the
    difference of the largest.
    """
    reduced = f"{name}_{reduction}_N"
    if reduced in signals:
        return signals[reduced].astype(np.float64)
    return ACQUISITIONS[name](signals)
