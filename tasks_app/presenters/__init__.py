"""Presenters: what a page, an htmx answer and a socket frame show of a task. Between record and template; no request in sight."""
