"""What a task type takes: the base of all params, and how they are read again when an attempt begins."""

from __future__ import annotations

from functools import lru_cache

from pydantic import BaseModel, ConfigDict

NO_PARAMS = b"{}"
_MOST_SETS = 10_000


class Params(BaseModel):
    """Base of every task type's params: strict, closed, frozen. One model serves form, API, OpenAPI, masking and rows."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    def summary(self) -> str:
        """What a row shows of these params, in at most about 100 characters; parts are set apart by ` · `. Never a secret."""
        shown = [str(v) for v in self.model_dump(mode="json").values() if v not in (None, "", "**********")]
        return " · ".join(shown)


def read(model: type[Params], text: bytes) -> Params:
    """Params from the JSON text that a task keeps. Raises ValidationError."""
    if text == NO_PARAMS and (nothing := _nothing(model)) is not None:
        return nothing
    params: Params = model.__pydantic_validator__.validate_json(text)  # what `model_validate_json` calls
    given = params.__pydantic_fields_set__
    if len(_sets) < _MOST_SETS:  # params in which the same fields were set have one set of their names, half of what a model holds
        object.__setattr__(params, "__pydantic_fields_set__", _sets.setdefault(frozenset(given), given))
    return params


_sets: dict[frozenset[str], set[str]] = {}


class _Nothing(Params):
    """No fields, and nothing else."""


@lru_cache(maxsize=256)
def _nothing(model: type[Params]) -> Params | None:
    """The one of a model in which there is nothing that could differ: it has no name, and no setting, that an empty one has not. None where
    there is a field, a validator, or a property that may keep something."""
    is_empty = model.__bases__ == (Params,) and vars(model).keys() <= vars(_Nothing).keys() and model.model_config == Params.model_config
    return model.model_validate_json(NO_PARAMS) if is_empty else None
