"""One machine's parts: fetched, configured, started, watched and diagnosed."""
