"""The container images: built by an engine, pushed, and checked for what is in them and how they run."""
