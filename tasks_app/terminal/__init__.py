"""The terminal: a client of /api/v2 for people and scripts. It knows the API alone, and nothing of the rooms behind it."""
