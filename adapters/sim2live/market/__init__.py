"""What is traded and what it did: contracts and bars."""
