"""Captions for whole data sets: clips in, one row a person out, as Parquet that never tears.

`samples` and `sources` find clips, `stages` turns one clip into rows, `engine` runs stages side
by side, `store` keeps what is done, `runner` joins them. Labels of a source travel in a column
of their own and reach a prompt only where rationales of known labels are asked for.
"""
