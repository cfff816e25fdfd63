"""Faces with known muscles: rendered people for learning to read muscles back.

`ict` the head model, `muscles` what moves and when, `people` who it is, `skin` how the
skin looks, `scene` camera and light, `render` pictures, `degrade` what a real camera
does to them, `clips` moving pictures with truth, `seen` what the face mesh makes of
them, `plans` who is rendered how, `shards` data sets on disk. Knows nothing about how an
estimator is trained.
"""
