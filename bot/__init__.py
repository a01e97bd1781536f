"""An open, offline voice hotline for city government.

The folders tell the story of a call: ``telephony`` answers it, ``speech`` turns
sound into words and back, ``understanding`` finds what the caller wants,
``dialogue`` decides what to do next, ``agents`` holds the caller for a person,
``casework`` files the ticket, ``web`` shows it all. ``node`` sets up and watches
one machine, ``config`` holds the settings, ``app`` puts the rooms together and
``cli`` is the ``hotline`` command.
"""
