"""Equal bytes on a GPU too, where its libraries would else add in whatever order is fastest.

It is a setting and no environment variable, since it decides bytes. Prediction obeys it too.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stages.shared.errors import TrainingError


@contextmanager
def deterministic(is_wanted: bool, device: str) -> Iterator[None]:
    """Let torch use only operations that give equal bytes each time, on a device of this kind.

    To be entered before anything is put on a GPU: its linear algebra reads the environment once.
    On a processor nothing is set, equal bytes are given as it is.

    Raises:
        TrainingError: an operation has no such form.
    """
    if not is_wanted or device != "cuda":
        yield
        return
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    import torch  # here: a stage that enters may start without it

    cudnn = torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    except RuntimeError as error:
        if "determinis" not in str(error):
            raise
        what = str(error).partition(", but")[0]
        raise TrainingError(
            f"params.yaml: deterministic is true; it must be false with this model, {what}"
        ) from None
    finally:
        torch.use_deterministic_algorithms(before[0])
        cudnn.deterministic, cudnn.benchmark = before[1:]
