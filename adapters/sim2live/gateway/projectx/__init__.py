"""The second door: the TopStep simulator's and the ProjectX Gateway's API on the same venue."""
