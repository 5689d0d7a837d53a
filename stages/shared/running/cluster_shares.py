"""What a piece of work asks a Ray cluster for, and how many such pieces it runs at once.

SUBSET_CPUS_PER_PIECE   cores; default: a training's threads, or to predict those of a node
SUBSET_GPUS_PER_PIECE   GPUs, 0.25 for four pieces on each; default: 1 where there are any
"""

import os
from typing import Any

from stages.shared.errors import ParamsError
from stages.shared.running import engine


def needs_of_a_piece(ray: Any, num_cpus: int, num_gpus: int = 1) -> dict[str, float]:
    """Return what a piece asks the cluster for.

    Raises:
        ParamsError: no node has it, so that it would wait for ever.
    """
    nodes = _nodes(ray)
    most_gpus = max(node["Resources"].get("GPU", 0.0) for node in nodes)
    device = engine.wanted_device()
    if device == "cuda" and not most_gpus:
        raise ParamsError("SUBSET_DEVICE is 'cuda'; the cluster has no GPU, so choose auto or cpu")
    gpus = 0.0
    if device != "cpu" and most_gpus:
        # A training on several GPUs needs each of them whole.
        gpus = float(num_gpus) if num_gpus > 1 else _share("SUBSET_GPUS_PER_PIECE", 1.0)
    needs = {
        "num_cpus": float(engine.positive("SUBSET_CPUS_PER_PIECE") or num_cpus),
        "num_gpus": gpus,
    }
    kinds = _kinds(needs)
    if not any(
        all(node["Resources"].get(kind, 0.0) >= needs[name] for kind, name in kinds)
        for node in nodes
    ):
        wanted = " and ".join(f"{needs[name]:g} {kind}s" for kind, name in kinds)
        largest = max(nodes, key=lambda node: [node["Resources"].get(kind, 0) for kind, _ in kinds])
        found = " and ".join(f"{largest['Resources'].get(kind, 0):g} {kind}s" for kind, _ in kinds)
        raise ParamsError(
            f"a piece of work needs {wanted}; the largest node of the cluster has {found}, so "
            "lower SUBSET_CPUS_PER_PIECE, SUBSET_GPUS_PER_PIECE or num_threads"
        )
    return needs


def num_at_once(ray: Any, needs: dict[str, float]) -> int:
    """Return how many pieces with these needs the cluster runs at once, 1 at least."""
    fitting = [
        min(int(node["Resources"].get(kind, 0) / needs[name]) for kind, name in _kinds(needs))
        for node in _nodes(ray)
    ]
    return max(1, sum(fitting))


def share_of_a_node(ray: Any) -> int:
    """Return the cores of the smallest node, or with GPUs those that each of them has there."""
    wants_gpu = engine.wanted_device() != "cpu"
    shares = []
    for node in _nodes(ray):
        gpus = int(node["Resources"].get("GPU", 0)) if wants_gpu else 0
        shares.append(max(1, int(node["Resources"]["CPU"]) // max(1, gpus)))
    return min(shares)


def _nodes(ray: Any) -> list[dict[str, Any]]:
    """Return the nodes that run pieces; the head of a cluster often has no core to give."""
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise ParamsError("the cluster at RAY_ADDRESS has no node with a core; start one")
    return nodes


def _kinds(needs: dict[str, float]) -> list[tuple[str, str]]:
    return [
        (kind, name) for kind, name in (("CPU", "num_cpus"), ("GPU", "num_gpus")) if needs[name]
    ]


def _share(name: str, default: float) -> float:
    """Return a positive number of the environment, below 1 or whole, as Ray shares GPUs."""
    text = os.environ.get(name)
    if not text:
        return default
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not (0 < share < 1 or (share >= 1 and share.is_integer())):
        raise ParamsError(f"{name} is {text!r}; it must be in (0, 1), or whole")
    return share
