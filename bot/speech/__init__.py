"""Sound to words and words to sound; knows nothing of dialogue, Redis or SQL."""
