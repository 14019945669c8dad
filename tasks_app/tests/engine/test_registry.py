"""Task types: declared beside their handlers, found by name, their params validated and their secrets kept apart."""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, PrivateAttr, SecretStr, ValidationError, model_validator

from tasks_app.engine.context import Context
from tasks_app.engine.errors import DuplicateType, InvalidParams, SetupError, UnknownType
from tasks_app.engine.registry import Backoff, Kind, Params, Registry, TaskType, task_type
from tasks_app.tests import scripted
from tasks_app.tests.engine.records import a_task


class Login(Params):
    """A part with a secret in it."""

    user: str
    password: SecretStr


class Everything(Params):
    """Secrets in every place."""

    count: int = 3
    token: SecretStr = SecretStr("")
    maybe: SecretStr | None = None
    login: Login | None = None
    several: list[SecretStr] = []
    logins: list[Login] = []
    by_name: dict[str, SecretStr] = {}


async def nothing(params: Params, context: Context) -> None:
    """Does nothing.

    At length."""


def a_type(params: type[Params] = Everything, **declared: Any) -> TaskType:
    return task_type("nothing", params=params, **declared)(nothing)


# -- declaring


def test_the_function_says_where_it_runs() -> None:
    assert (scripted.scripted.kind, scripted.scripted_thread.kind, scripted.scripted_process.kind) == (
        Kind.ASYNC,
        Kind.THREAD,
        Kind.PROCESS,
    )


def test_title_and_description_come_from_name_and_docstring() -> None:
    declared = task_type("two_words")(nothing)
    assert (declared.title, declared.description) == ("Two words", "Does nothing.\n\nAt length.")


def test_threads_and_processes_have_slots_of_their_own_unless_declared() -> None:
    def work(params: Params, context: Context) -> None: ...

    assert a_type().concurrency is None
    assert task_type("a")(work).concurrency == 64
    assert (task_type("a", cpu_bound=True)(work).concurrency or 0) >= 1
    assert task_type("a", concurrency=None)(work).concurrency is None


def test_generators_are_refused() -> None:
    def generates(params: Params, context: Context) -> Any:
        yield 1

    async def generates_too(params: Params, context: Context) -> Any:
        yield 1

    for function in (generates, generates_too):
        with pytest.raises(SetupError, match="generator"):
            task_type("a")(function)


def test_a_coroutine_cannot_be_cpu_bound() -> None:
    with pytest.raises(SetupError, match="def, not async def"):
        task_type("a", cpu_bound=True)(nothing)


@pytest.mark.parametrize("name", ["", "A", "1a", "a-b", "a b", "a\n", "a" * 65, "ä"])
def test_names_are_lower_case_words(name: str) -> None:
    with pytest.raises(SetupError):
        task_type(name)


@pytest.mark.parametrize("declared", [{"concurrency": 0}, {"concurrency": -1}, {"timeout": 0}, {"max_attempts": 0}, {"max_attempts": 51}])
def test_what_would_never_run_is_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(SetupError, match="nothing"):
        a_type(**declared)


@pytest.mark.parametrize(
    "declared", [{"base": -1}, {"factor": 0.5}, {"factor": 1e300}, {"limit": float("inf")}, {"jitter": 2}, {"base": float("nan")}]
)
def test_waits_that_are_no_waits_are_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(SetupError):
        Backoff(**declared)


@given(
    st.builds(Backoff, base=st.floats(0, 100), factor=st.floats(1, 1000), limit=st.floats(0, 1e5), jitter=st.floats(0, 1)),
    st.integers(1, 1000),
    st.floats(0, 1, exclude_max=True),
)
def test_a_wait_grows_up_to_its_limit_and_jitter_only_shortens_it(backoff: Backoff, failures: int, chance: float) -> None:
    whole = backoff.seconds(failures, 0.0)
    wait = backoff.seconds(failures, chance)
    assert 0 <= whole * (1 - backoff.jitter) * (1 - 1e-9) <= wait <= whole <= backoff.limit
    assert backoff.seconds(failures + 1, 0.0) >= whole


def test_waits_double_from_one_second_to_five_minutes() -> None:
    assert [Backoff().seconds(n, 0.0) for n in (1, 2, 3, 4, 9, 10, 1000)] == [1, 2, 4, 8, 256, 300, 300]


# -- params


def test_defaults_are_filled_in() -> None:
    assert b'"count":3' in a_type().encode({})[0]
    assert a_type(Params).encode({}) == (b"{}", None)


@pytest.mark.parametrize(
    "given_params",
    [
        {"count": "5"},
        {"count": True},
        {"count": 1.0},
        {"count": None},
        {"unknown": 1},
        {"count": float("nan")},
        [],
        None,
        "x",
        5,
        {"token": 1},
    ],
)
def test_params_that_do_not_fit_are_refused_with_the_field(given_params: Any) -> None:
    with pytest.raises(InvalidParams) as refused:
        a_type().encode(given_params)
    assert refused.value.problems
    assert all(field.split(".")[0] == "params" and text for field, text in refused.value.problems)


@pytest.mark.parametrize("odd", [{"a": object()}, {"a": "\ud800"}, {"\ud800": 1}, {"a": {1, 2}}, {"a": float("inf")}, {"a": 10**5000}])
def test_params_that_are_not_json_are_refused(odd: Any) -> None:
    with pytest.raises(InvalidParams):
        a_type().encode(odd)


def test_params_nested_without_end_are_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidParams):
        a_type().encode({"several": deep})
    while deep:  # take it apart gently
        deep = deep[0]


def test_the_message_does_not_repeat_what_was_given() -> None:
    with pytest.raises(InvalidParams) as refused:
        a_type().encode({"login": {"user": "ann", "password": 12345678}})
    assert "12345678" not in str(refused.value)
    assert refused.value.field == "params.login.password"


SECRETS = {
    "token": "secret-1",
    "maybe": "secret-2",
    "login": {"user": "ann", "password": "secret-3"},
    "several": ["secret-4", "secret-5"],
    "logins": [{"user": "bob", "password": "secret-6"}],
    "by_name": {"a": "secret-7"},
}


def test_secrets_are_masked_wherever_they_stand() -> None:
    shown, _ = a_type().encode(SECRETS)
    assert b"secret" not in shown
    assert shown.count(b"**********") == 7
    assert b"ann" in shown


def test_the_handler_gets_every_secret_in_the_clear() -> None:
    shown, secrets = a_type().encode(SECRETS)
    params = a_type().params_of(a_task(params=shown, secrets=secrets))
    assert isinstance(params, Everything)
    assert params.login is not None
    assert params.maybe is not None
    found = [params.token, params.maybe, params.login.password, *params.several, params.logins[0].password, params.by_name["a"]]
    assert [secret.get_secret_value() for secret in found] == [f"secret-{n}" for n in range(1, 8)]


def test_without_secrets_nothing_is_kept_twice() -> None:
    assert a_type().encode({"count": 5})[1] is None


def test_a_summary_shows_no_secret() -> None:
    shown, secrets = a_type().encode({"token": "secret-1", "count": 5})
    assert a_type().summary(a_task(params=shown, secrets=secrets)).startswith("5")
    assert "secret" not in a_type().summary(a_task(params=shown, secrets=secrets))


# -- the registry


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a package of handler modules; its name."""

    def made(**modules: str) -> str:
        folder = tmp_path / "sample_handlers"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        for name in [name for name in sys.modules if name.startswith("sample_handlers")]:
            monkeypatch.delitem(sys.modules, name)
        return "sample_handlers"

    return made


GOOD = "from tasks_app.engine.registry import task_type\n@task_type({name!r})\nasync def work(params, context): ...\n"


def test_every_module_of_a_package_is_looked_through(package: Any) -> None:
    registry = Registry()
    registry.discover(package(one=GOOD.format(name="one"), two=GOOD.format(name="two"), three="x = 1"))
    assert [found.name for found in registry] == ["one", "two"]
    assert len(registry) == 2


@pytest.mark.parametrize("text", ["import no_such_module", "1/0", "def", "raise SystemExit", "raise ImportError('x')"])
def test_a_broken_module_disables_its_types_alone(package: Any, text: str) -> None:
    registry = Registry()
    registry.discover(package(good=GOOD.format(name="good"), broken=text))
    assert [found.name for found in registry] == ["good"]
    assert list(registry.broken) == ["sample_handlers.broken"]
    assert registry.broken["sample_handlers.broken"].split(":")[0] in {
        "ModuleNotFoundError",
        "ZeroDivisionError",
        "SyntaxError",
        "SystemExit",
        "ImportError",
    }


def test_a_module_that_is_not_there_is_broken() -> None:
    registry = Registry()
    registry.discover("no_such_package_at_all")
    assert list(registry.broken) == ["no_such_package_at_all"]


def test_two_types_of_one_name_stop_the_start(package: Any) -> None:
    with pytest.raises(DuplicateType, match="same"):
        Registry().discover(package(one=GOOD.format(name="same"), two=GOOD.format(name="same")))


def test_one_type_may_be_found_twice(package: Any) -> None:
    registry = Registry()
    name = package(one=GOOD.format(name="one"), two="from sample_handlers.one import work")
    registry.discover(name)
    registry.discover(name)
    assert len(registry) == 1


@pytest.mark.parametrize("name", ["no_such_type", "", "\ud800", "x" * 10_000, [], None])
def test_an_unknown_type_is_refused(name: Any) -> None:
    with pytest.raises(UnknownType) as refused:
        Registry().get(name)
    assert refused.value.field == "type"
    assert len(refused.value.message.encode()) < 300
    if name != []:
        assert Registry().find(name) is None


def test_params_know_which_of_their_fields_were_given_and_keep_the_names_once() -> None:
    kind = task_type("everything", params=Everything)(nothing)
    one, other, more = (kind.params_of(a_task(params=text)) for text in (b'{"count":4}', b'{"count":5}', b'{"count":5,"login":null}'))
    assert (one.model_fields_set, more.model_fields_set) == ({"count"}, {"count", "login"})
    assert one.model_fields_set is other.model_fields_set
    assert one == kind.params_of(a_task(params=b'{"count":4}')) != other


# -- params without a field


class Nothing(Params):
    """Takes nothing."""


class Remembers(Params):
    """Takes nothing, and keeps something."""

    _seen: list[int] = PrivateAttr(default_factory=list)


class WorksOut(Params):
    """Takes nothing, and keeps what it worked out."""

    @cached_property
    def found(self) -> list[int]:
        return []


class Open(Params):
    """Takes whatever comes."""

    model_config = ConfigDict(extra="allow", frozen=False)


class Asks(Params):
    """Takes nothing, and not every day."""

    days: ClassVar[list[str]] = []

    @model_validator(mode="after")
    def refuse(self) -> Asks:
        if self.days:
            raise ValueError("not today")
        return self


class AsksToo(Asks):
    """The same, from its base."""


def test_params_in_which_nothing_can_differ_are_one_and_the_same() -> None:
    task = a_task(params=b"{}")
    assert a_type(Nothing).params_of(task) is a_type(Nothing).params_of(task)
    assert type(a_type(Nothing).params_of(task)) is Nothing


def test_params_that_could_differ_are_each_their_own() -> None:
    for params in (Remembers, WorksOut, Open, Asks, AsksToo, Everything):
        task_type = a_type(params)
        assert task_type.params_of(a_task(params=b"{}")) is not task_type.params_of(a_task(params=b"{}")), params


@pytest.mark.parametrize("params", [Asks, AsksToo])
def test_params_that_may_refuse_are_asked_each_time(params: type[Params], monkeypatch: pytest.MonkeyPatch) -> None:
    a_type(params).params_of(a_task(params=b"{}"))
    monkeypatch.setattr(Asks, "days", ["today"])
    with pytest.raises(ValidationError):
        a_type(params).params_of(a_task(params=b"{}"))


def test_params_that_were_more_once_are_refused() -> None:
    with pytest.raises(ValidationError):
        a_type(Nothing).params_of(a_task(params=b'{"old": 1}'))
