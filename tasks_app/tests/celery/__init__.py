"""Attempts on real Celery workers over a real Valkey, and what is heard of them."""
