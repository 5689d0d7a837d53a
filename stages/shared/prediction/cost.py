"""What images cost, in forward passes: the unit that every stage counts in (no torch here)."""

# Of an image that is trained on: a backward pass costs twice a forward pass, one product for the
# inputs and one for the weights.
TRAINING_COST = 3


def training_cost(train: str) -> int:
    """Return what an image costs that is trained on; the last layer's own share is left out."""
    return TRAINING_COST if train == "all" else 1
