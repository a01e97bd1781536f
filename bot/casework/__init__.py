"""Tickets (工单) and their life, kept in SQL; knows nothing of telephony or packs.

Pure: ``lifecycle`` (what may happen), ``dispatch`` (to whom), ``deadlines`` (by when), ``rates``
(how well). Stored: ``ledger`` (every change is an event), ``tickets`` (for those who talk to
citizens), ``handling`` (for staff), ``clocks``, ``whistles``, ``surveys``, ``incidents``, and
small things beside a ticket: ``drafts``, ``citizens``, ``ratings``, ``callbacks``, ``notices``,
``audit``. ``rules`` is what a city decides.
"""
