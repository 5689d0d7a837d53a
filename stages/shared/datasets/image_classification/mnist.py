"""MNIST: 60,000 and 10,000 grey handwritten digits of 28x28 pixels (LeCun et al. 1998)."""

from torchvision.datasets import MNIST

from stages.shared.datasets.reading.sources import Source, load_torchvision
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return both official splits; validation is carved from train.

    Raises:
        DataError: the data is neither below dataset.root nor to be downloaded.
        ParamsError: a parameter is set that only image files obey.
    """
    return load_torchvision(MNIST, params, "the four files MNIST/raw/*-ubyte.gz")
