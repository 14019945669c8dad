"""`manage.py demo`: believable tasks run against servers of its own, and all of it ends in order."""

from __future__ import annotations

from tasks_app.demo import scene
from tasks_app.demo.world import world
from tasks_app.engine.context import Context
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.ports import SystemClock
from tasks_app.engine.registry import Registry
from tasks_app.engine.trail import Trail
from tasks_app.handlers import dns_lookup
from tasks_app.tests.processes import started
from tasks_app.tests.test_serve import answers


def test_the_demo_serves_and_goes_in_order(tmp_path):
    with started(tmp_path / "output", "manage.py", "demo", "-p", "0", IOTASK_GRACE_SECONDS="0.2", TMPDIR=str(tmp_path)) as process:
        assert answers(process)
        process.wait_until(lambda: any(tmp_path.glob("iotask-demo-*/*.part")))
        assert process.stop() == 0, process.said
    assert "Traceback" not in process.said
    assert not list(tmp_path.glob("iotask-demo-*"))


async def test_every_task_of_the_demo_can_be_launched_and_every_shipped_type_is_among_them():
    registry = Registry()
    registry.discover("tasks_app.handlers")
    async with world() as ports:
        asked = [LaunchRequest(**idea(ports)) for idea in scene.IDEAS]
    for request in asked:
        registry.get(request.type).encode(request.params)
    assert {request.type for request in asked} == {task_type.name for task_type in registry if task_type.launchable}


async def test_the_name_server_of_the_demo_answers():
    trail = Trail()
    context = Context(task_id="x", number=1, type="dns_lookup", attempt=1, clock=SystemClock(), trail=lambda: trail, report=lambda *_: None)
    async with world() as ports:
        params = dns_lookup.DnsLookupParams(name="example.net", server=f"127.0.0.1:{ports.names}")
        result = await dns_lookup.dns_lookup.function(params, context)
    assert result["records"][0]["value"].startswith("192.0.2.")


def test_a_long_demo_does_not_fill_the_disk(tmp_path):
    for number in range(20):
        (tmp_path / f"file-{number}").touch()
    (tmp_path / "coming.part").touch()
    scene._keep_few(tmp_path)
    assert len(list(tmp_path.iterdir())) == scene.FILES_KEPT + 1
    assert (tmp_path / "coming.part").exists()
