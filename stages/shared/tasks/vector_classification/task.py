"""Classification of vectors, which images are too where a model takes their embeddings.

It says no more than where that stands: stages of other tasks do not watch this folder.
"""

from stages.shared.networks.vector_task import TASK

__all__ = ["TASK"]
