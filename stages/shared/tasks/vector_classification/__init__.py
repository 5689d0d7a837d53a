"""Classification of vectors: one of C classes for each embedding, or row of a table of numbers."""
