"""ViT-S/16 (Steiner et al. 2021, arXiv 2106.10270), trained on ImageNet-21k."""

from functools import partial

from stages.shared.networks.library_networks import timm_network

build = partial(timm_network, "vit_small_patch16_224")
