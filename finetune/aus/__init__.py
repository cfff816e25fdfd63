"""Learning to read muscles back from rendered faces: `duchenne train aus RECIPE`.

`recipe` the settings, `data` rendered people as arrays, `patches` the network over the
skin, `fuse` the network over everything and time, `train` the whole way to the weights
that `agent.senses.units.learned` runs; `ablate`, `parts`, `strata` and `spot` ask what it is worth
where. Knows nothing about real faces.
"""
