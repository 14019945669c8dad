"""The backend for django.tasks, against the behaviours that Django's own suite asks of its backends."""
