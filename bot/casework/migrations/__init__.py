"""Every version of the tables, and the way from each to the next and back (alembic).

Leaves to others: running them (``bot/casework/versions.py``).
"""
