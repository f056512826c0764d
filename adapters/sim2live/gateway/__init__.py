"""The gateway: a local server that stands in for EvalItUp's, over the simulated venue."""
