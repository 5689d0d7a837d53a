"""Classification of vectors, which images are too where a model takes their embeddings."""

from stages.shared.networks.vector_task import VectorClassification

TASK = VectorClassification()
