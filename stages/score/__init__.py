"""Score: how much would the ensemble learn from each train sample?

Reads   data/prepared/train/     sample_ids.csv, targets.npy int64 [N]
        data/signals/<from>/     votes_MN.npy int16 [M, N], ..._N.npy float32 [N]; voters.csv,
                                 voter_entropy_MS.npy float32 [M, S], sampled_S.npy int64
        data/dynamics/<from>/    row_R.npy, sampled_S.npy int64, ..._MR.npy int32 or float32 [M, R];
                                 kept_{member,epoch}_E.npy int64, kept_events_ES.npy int32 [E, S]
        score.reference          CSV list (sample_id,score) of another model, often empty
Writes  data/scores/<from>/      score_N.npy float64 [N], finite; a higher score is selected first
          acquisitions.csv       correlations of each two acquisition functions, 100,000 samples
          voters.csv             of each two voters' entropies on the sampled rows
          reference.csv          of each voter's entropy, and of the scores, with the reference
          forgetting.csv         of forgetting events up to each kept epoch, with the reference
Params  acquisition              the name of a file in acquisition/, or one for each round
        predict_pool.signals     whether there are gradient norms
        random_seed              for the random acquisition, and for samples that are compared
        score
"""
