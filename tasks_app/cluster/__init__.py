"""The cluster: what Celery workers do, for others or for us, followed from their events; who they are, and what they can be told."""
