"""Score: how much would the ensemble learn from each train sample?

Reads   data/prepared/train/     sample_ids.csv, targets.npy int64 [N]
        data/signals/<from>/     votes_MN.npy int16 [M, N], ..._N.npy float32 [N]
Writes  data/scores/<from>/      score_N.npy float64 [N], finite; a higher score is selected first
Params  acquisition              a name in ACQUISITIONS of acquisition.py, or one for each round
        random_seed              for the random acquisition
"""
