"""Room 1, the engine: pure Python and asyncio; knows nothing of Django, sockets or pages."""
