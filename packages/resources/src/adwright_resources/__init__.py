"""What services that keep resources share: filters, stores and their errors, the nearest name."""
