"""GoogLeNet (Szegedy et al. 2015, arXiv 1409.4842, Table 1), without its auxiliary classifiers.

torchvision's weights were trained with another mean and standard deviation, which it sees to.
"""

from functools import partial

from stages.shared.networks.library_networks import torchvision_network

build = partial(
    torchvision_network, "googlenet", aux_logits=False, init_weights=True, transform_input=True
)
