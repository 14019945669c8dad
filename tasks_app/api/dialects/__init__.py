"""The HTTP APIs of other task services: one flat file each, strangers to one another."""
