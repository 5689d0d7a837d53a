"""RegNetY-800MF (Radosavovic et al. 2020, arXiv 2003.13678, Table 12)."""

from functools import partial

from stages.shared.networks.library_networks import timm_network

build = partial(timm_network, "regnety_008")
