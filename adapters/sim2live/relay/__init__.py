"""The relay: takes signals from a message broker and hands them to the venue beside it."""
