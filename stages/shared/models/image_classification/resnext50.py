"""ResNeXt-50, 32x4d (Xie et al. 2017, arXiv 1611.05431, Table 1)."""

from functools import partial

from stages.shared.networks.library_networks import torchvision_network

build = partial(torchvision_network, "resnext50_32x4d")
