"""MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244, Table 1)."""

from functools import partial

from stages.shared.networks.library_networks import timm_network

build = partial(timm_network, "mobilenetv3_large_100")
