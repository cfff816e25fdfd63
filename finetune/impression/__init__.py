"""Learning what people say they see in a face: `python -m finetune.impression.train`.

`data` the voted pictures and their splits, `augment` how they are altered, `net` the network,
`train` the training, `export` the file that `agent.senses.faces.impression` runs, `score` how
well it does. Knows nothing about muscles.
"""
