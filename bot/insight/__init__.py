"""Room for what can be learnt from the calls there were: figures, never single citizens."""
