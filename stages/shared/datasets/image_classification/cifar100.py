"""CIFAR-100: 50,000 and 10,000 colour images of 32x32 pixels, 100 classes (Krizhevsky 2009)."""

from torchvision.datasets import CIFAR100

from stages.shared.datasets.reading.sources import Source, load_torchvision
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return both official splits; validation is carved from train.

    Raises:
        DataError: the data is neither below dataset.root nor to be downloaded.
        ParamsError: a parameter is set that only image files obey.
    """
    return load_torchvision(CIFAR100, params, "cifar-100-python.tar.gz")
