"""The sub-commands of ``hotline``, one file for each kind of user task."""
