"""Which tensors of a file are which of a network's: by name, or by their order."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from stages.shared.errors import ParamsError
from stages.shared.networks.layers import LAST_LAYER
from stages.shared.networks.library_networks import LibraryNetwork

COUNTER = "num_batches_tracked"  # of batch normalisation: nothing reads it, and old files lack it
MOST_NAMED = 3


@dataclass(frozen=True)
class Matched:
    """What fits a network."""

    tensors: dict[str, Tensor]  # by our names
    described: str  # how many there are, and what does not fit


def match(
    network: nn.Module, found: Mapping[str, Tensor], where: str, *, in_order: bool
) -> Matched:
    """Return the tensors that fit a network: all, but for a last layer of other classes.

    Args:
        network: with our names.
        found: tensors by our names, by the library's, or by others.
        where: what an error begins with.
        in_order: whether as many tensors of other names may be taken in their order.

    Raises:
        ParamsError: they are those of another network.
    """
    own, found = _counted(network.state_dict()), _counted(found)
    fits = [
        {ours: theirs for ours, theirs in names.items() if _is_alike(own, ours, found, theirs)}
        for names in _namings(network, own, found, in_order=in_order)
    ]
    best = max(fits, key=len)
    missing = [name for name in own if name not in best]
    told = f"{len(best)} of {len(own)} tensors fit"
    for name in missing:
        if not name.startswith(LAST_LAYER):
            raise ParamsError(
                f"{where}; {told}, and there is none for {name} {list(own[name].shape)}: it must "
                "be of the same network"
            )
    told += f"; drawn anew: {_some(missing)}" if missing else ""
    left = [name for name in found if name not in best.values()]
    told += f"; left out: {_some(left)}" if left else ""
    taken = {ours: found[theirs].to(own[ours].dtype) for ours, theirs in best.items()}
    counters = {name: count for name, count in network.state_dict().items() if name not in own}
    return Matched(taken | counters, told)


def _counted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTER)}


def _namings(
    network: nn.Module, own: Mapping[str, Tensor], found: Mapping[str, Tensor], *, in_order: bool
) -> list[dict[str, str]]:
    """Return in which ways our names may be those of the file, best first."""
    namings = [{name: name for name in own}]
    if isinstance(network, LibraryNetwork):
        namings.append(network.library_names())
    if in_order and len(own) == len(found):
        namings.append(dict(zip(own, found, strict=True)))
    return namings


def _is_alike(
    own: Mapping[str, Tensor], ours: str, found: Mapping[str, Tensor], theirs: str
) -> bool:
    return ours in own and theirs in found and own[ours].shape == found[theirs].shape


def _some(names: list[str]) -> str:
    more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *more])
