"""A linear layer on the vector: how far its classes lie apart."""

from stages.shared.networks.probes import linear_probe

build = linear_probe
