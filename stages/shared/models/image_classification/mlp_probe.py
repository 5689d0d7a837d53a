"""A hidden layer with dropout on an embedding; members differ more than linear ones."""

from stages.shared.networks.probes import mlp_probe

TAKES = "embeddings"

build = mlp_probe
