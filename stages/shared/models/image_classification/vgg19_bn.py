"""VGG-19 with batch normalisation (Simonyan and Zisserman 2015, arXiv 1409.1556, Table 1, E)."""

from functools import partial

from stages.shared.networks.library_networks import torchvision_network

build = partial(torchvision_network, "vgg19_bn")
