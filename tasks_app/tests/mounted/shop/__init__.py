"""A project that has IoTask among its apps."""

urlpatterns: list[object] = []
