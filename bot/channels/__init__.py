"""Channels beside the telephone: each turns its wire format into the same dialogue."""
