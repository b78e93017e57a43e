"""Which products answer a brief: their words (BM25) and their meaning (sentence vectors), together.

Pure: no store, no clock, no network, no event loop. `index.ProductIndex` is what the service uses.
"""
