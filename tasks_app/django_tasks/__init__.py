"""The room of `django.tasks`: functions that a Django project marked with @task run in the engine. Needs Django 6.0 or newer."""
