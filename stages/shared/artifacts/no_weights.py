"""What stands in the place of first weights where there are none: a .safetensors without tensors.

It is no empty file, since DVC warns of each. Light, as stages are that train nothing: no torch.
"""

from safetensors import serialize

NO_WEIGHTS = serialize({})


def has_weights(num_bytes: int) -> bool:
    """Return whether a file of so many bytes holds weights; an empty one holds none either."""
    return num_bytes > len(NO_WEIGHTS)
