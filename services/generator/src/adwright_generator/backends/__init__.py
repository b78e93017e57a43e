"""Model backends: one file each, all with the interface of `base`."""
