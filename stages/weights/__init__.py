"""Weights: what the networks start from, of each model that is trained.

Reads   data/prepared/meta.json     how many classes there are, and the form of an image
        data/weight_files.csv       whether one of the files below has changed
        the files that params.yaml names under `weights`, or the library's cache
Writes  data/weights/<model>.safetensors   by our names all tensors that fit; the last layer lacks
                                    where it is of other classes, and is then drawn anew. Without
                                    tensors: random weights
Params  weights, task, train_ensemble.model, race.judge, compare.models
"""
