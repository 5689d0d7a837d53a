"""Fashion-MNIST: 60,000 and 10,000 grey garments of 28x28 pixels (Xiao et al. 2017)."""

from torchvision.datasets import FashionMNIST

from stages.shared.datasets.reading.sources import Source, load_torchvision
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return both official splits; validation is carved from train.

    Raises:
        DataError: the data is neither below dataset.root nor to be downloaded.
        ParamsError: a parameter is set that only image files obey.
    """
    return load_torchvision(FashionMNIST, params, "the four files FashionMNIST/raw/*-ubyte.gz")
