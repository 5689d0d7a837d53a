"""ConvNeXt-Atto: ConvNeXt (Liu et al. 2022, arXiv 2201.03545) at its smallest."""

from functools import partial

from stages.shared.networks.library_networks import timm_network

build = partial(timm_network, "convnext_atto")
