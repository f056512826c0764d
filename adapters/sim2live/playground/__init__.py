"""The Algo Playground here: its functions and globals, and what runs a script against a replay."""
