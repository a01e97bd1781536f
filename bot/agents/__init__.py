"""The agent queue in Redis and the desk logic around it."""
