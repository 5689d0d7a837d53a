"""A linear layer on the embedding of an image: how far its classes lie apart."""

from stages.shared.networks.probes import linear_probe

TAKES = "embeddings"

build = linear_probe
