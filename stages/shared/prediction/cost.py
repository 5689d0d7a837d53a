"""What images cost, in forward passes: the unit that every stage counts in (no torch here)."""

# Of an image that is trained on: a backward pass costs twice a forward pass, one product for the
# inputs and one for the weights.
TRAINING_COST = 3
