"""A hidden layer with dropout on the vector; such members differ more than linear ones."""

from stages.shared.networks.probes import mlp_probe

build = mlp_probe
