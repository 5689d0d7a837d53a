"""ViT-S/14 of DINOv2 (Oquab et al. 2023, arXiv 2304.07193), whose features need no labels.

It was trained with 518 pixels, which is dear: images of 224 have their positions interpolated.
"""

from functools import partial

from stages.shared.networks.library_networks import timm_network

build = partial(
    timm_network,
    "vit_small_patch14_dinov2",
    dynamic_img_size=True,
    preprocessing={"size": 224, "resize": 256},
)
