"""EfficientNet-Lite0: EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946) for small machines."""

from functools import partial

from stages.shared.networks.library_networks import timm_network

build = partial(timm_network, "tf_efficientnet_lite0")
