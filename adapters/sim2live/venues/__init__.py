"""Where signals go: one module for each kind of venue."""
