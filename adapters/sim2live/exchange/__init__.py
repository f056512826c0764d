"""The simulated venue: accounts, orders and matching. Pure: no clock, no input, no output."""
