"""Embed: every image through a frozen network, once.

What is written is a prepared data set of vectors, which probes train on (models whose file says
that it takes embeddings), and in which near duplicates are found. With `embed.model: none` there
are no vectors, and `none.json` stands for them.

An image that was embedded before, by the same weights and preprocessing, is not embedded again: in
another split, in a data set that grew, or after a run that was killed.

Reads   data/prepared/                images and targets of all splits, meta.json
        data/weights/<model>.safetensors   of the network; without tensors: random ones
Writes  data/embeddings/
          meta.json, <split>/targets.npy, sample_ids.csv, groups.npy   as prepare writes them
          <split>/vectors.npy         float16 [N, D], what the network's last layer reads
          <split>/digest_N.npy        uint64, of each image's pixels: equal ones are copies
          <split>/contrast_N.npy      uint8, its brightest value minus its darkest
          cost.json                   the FLOPs of all images, and what the network is shown of them
Params  embed.model, task
"""
