"""Below ASGI: the listening socket, uvicorn and its end, and what one client may do with a connection of `serve` or `runserver`."""
