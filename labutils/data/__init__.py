"""The data of the series, installed or made on the spot; no download.

* `reviews`: labelled film reviews as sequences of words; `ngrams` finds their n-grams.
* `characters`: excerpts of the reviews around a bracket; `review_text`: the reviews as one long text.
* `series`: values in time, and windows of them; `dates`: dates in words and in numbers; `digits`: images.
* `packaged_files` finds and checks the installed files, `splits` divides what is in them.
"""
