"""Tickets (工单) and their life, kept in SQL; knows nothing of telephony."""
