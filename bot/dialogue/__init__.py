"""What to do next: a pure function from (state, event) to (state, actions)."""
