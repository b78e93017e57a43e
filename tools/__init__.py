"""Running the whole stack on one machine: for `make run`, `make up` and the end-to-end tests."""
