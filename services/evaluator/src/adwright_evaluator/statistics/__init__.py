"""How sure the numbers of a run are: intervals, tests, power, agreement, calibration, trade-offs.

Pure functions over sequences and arrays. What is drawn at random is drawn from a seed, so the same data give the
same numbers. Nothing here knows of suites or of the model.
"""
