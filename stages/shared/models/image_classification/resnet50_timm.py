"""ResNet-50 with weights of today's training (Wightman et al. 2021, arXiv 2110.00476)."""

from functools import partial

from stages.shared.networks.library_networks import timm_network

build = partial(timm_network, "resnet50")
