"""How sure the numbers of a run are: intervals, tests, power, agreement.

Pure functions over sequences. What is drawn at random is drawn from a seed: the same data give the same numbers.
"""
