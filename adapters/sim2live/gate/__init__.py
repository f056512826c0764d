"""The gate: one door that every framework's orders pass on their way to the venue."""
