"""For another project's urls.py: `path("iotask/", include("tasks_app.urls"))` says where our pages are, and gives them names there.

`{% url 'iotask:tasks' %}` and `reverse("iotask:task", args=[id])` are addresses of pages. Requests for them are answered by what `iotask()`
made in asgi.py, before the project's own application hears of them.
"""

from __future__ import annotations

from django.urls import re_path

from tasks_app.mounted.elsewhere import elsewhere
from tasks_app.web.urls import urlpatterns as pages

app_name = "iotask"
urlpatterns = [re_path("", elsewhere), *pages]
