"""Signals of maps of probabilities: each position and class is an output of its own, yes or no.

What an acquisition function says of each output is reduced to one value of the image here, since
the largest of some differences is not the difference of the largest (Chitta et al. 2020, section
4.2, takes the maximum). Sums run in float64.

Shapes: M voters, B images, K = C classes and the values of a box, H x W positions, L outputs.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from stages.shared.tasks.object_detection.box_targets import Boxes
from stages.shared.tasks.object_detection.maps import NUM_BOX_VALUES, class_maps

TOP_K = 10  # outputs whose mean is taken: about as many as an image has objects
MOST_OUTPUTS = 2**20  # of all voters, looked at together: memory does not grow with the batch


def signals(maps_MBKHW: Tensor, boxes: Boxes) -> dict[str, Tensor]:
    """Return for each acquisition function its reduced values, float32 [B], by name."""
    together = max(1, MOST_OUTPUTS // maps_MBKHW[:, 0].numel())
    parts = [
        _reduced(part, boxes[start : start + together])
        for start, part in zip(
            range(0, len(boxes), together),
            torch.split(maps_MBKHW, together, dim=1),
            strict=True,
        )
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _reduced(maps_MBKHW: Tensor, boxes: Boxes) -> dict[str, Tensor]:
    return {
        f"{name}_{reduction}_N": reduce(values_BCHW.flatten(1)).float()
        for name, values_BCHW in acquisition_maps(maps_MBKHW, boxes).items()
        for reduction, reduce in REDUCE.items()
    }


def acquisition_maps(maps_MBKHW: Tensor, boxes: Boxes) -> dict[str, Tensor]:
    """Return what each acquisition function says of each output, float64 [B, C, H, W].

    Entropy and mutual information are in nats, in [0, log 2]. A voter votes yes where its
    probability is above one half; variation ratios are the share against most, in [0, 1/2]. The
    error count is the share that is wrong of whether a box of the class has its centre there, in
    [0, 1] (Chitta et al. 2020, eq. 6 of each output).
    """
    probs_MBCHW = maps_MBKHW[:, :, :-NUM_BOX_VALUES].double()
    entropy_BCHW = binary_entropy(probs_MBCHW.mean(dim=0))
    expected_BCHW = binary_entropy(probs_MBCHW).mean(dim=0)
    yes_BCHW = (probs_MBCHW > 0.5).double().mean(dim=0)  # noqa: PLR2004 - as likely as not
    is_there_BCHW = class_maps(boxes, probs_MBCHW.shape[2]).bool()
    return {
        "entropy": entropy_BCHW,
        # Rounding may leave the difference just below 0.
        "mutual_information": (entropy_BCHW - expected_BCHW).clamp(min=0),
        "variation_ratios": torch.minimum(yes_BCHW, 1 - yes_BCHW),
        "error_count": torch.where(is_there_BCHW, 1 - yes_BCHW, yes_BCHW),
    }


def entropy(maps_BKHW: Tensor) -> Tensor:
    """Return the largest entropy of an output of each map [..., K, H, W], in nats."""
    probs_BCHW = maps_BKHW[..., :-NUM_BOX_VALUES, :, :]
    return binary_entropy(probs_BCHW).amax(dim=(-3, -2, -1))


def binary_entropy(probs: Tensor) -> Tensor:
    """Return -p log p - (1 - p) log(1 - p), in nats; p = 0 and p = 1 have none."""
    return torch.special.entr(probs) + torch.special.entr(1 - probs)


def _top_k_mean(values_BL: Tensor) -> Tensor:
    return values_BL.topk(min(TOP_K, values_BL.shape[1]), dim=1).values.mean(dim=1)


REDUCE: dict[str, Callable[[Tensor], Tensor]] = {
    "max": lambda values_BL: values_BL.amax(dim=1),
    "mean": lambda values_BL: values_BL.mean(dim=1),
    "top_k_mean": _top_k_mean,
}
