"""What `manage.py demo` shows: servers on loopback, and believable tasks that talk to them."""
