"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, Table 2)."""

from functools import partial

from stages.shared.networks.library_networks import torchvision_network

build = partial(torchvision_network, "mobilenet_v2")
