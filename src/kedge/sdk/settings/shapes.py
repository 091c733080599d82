"""From the dict that ``xmltodict`` makes, which knows nothing but texts, to what a model can be made of."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, SecretStr, TypeAdapter, ValidationError

__all__ = ["element_names", "shaped"]

_LISTS = (list, set, frozenset, tuple, typing.Sequence, typing.Collection)
_NO_VALUE = type(None)


def shaped(annotation: Any, value: Any, path: str, problems: list[str]) -> Any:
    """``value`` in the shape that ``annotation`` has: lists where there may be one element, texts as choices.

    Adds to ``problems`` what has no place in a model. Values are left to pydantic to convert and check.
    """
    annotation = _bare(annotation)
    origin = get_origin(annotation) or annotation
    if origin in (Union, types.UnionType):
        return _of_union(annotation, value, path, problems)
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return _of_model(origin, value, path, problems)
    if origin in (Literal, *_LISTS) or _is_a(origin, (list, tuple, AbstractSet)):
        return (
            _of_choice(get_args(annotation), value)
            if origin is Literal
            else _of_list(annotation, value, path, problems)
        )
    if _is_a(origin, (Mapping,)):
        return _of_mapping(annotation, value, path, problems)
    if _is_a(origin, (Enum,)):
        return _of_choice([member.value for member in origin], value)
    plain = _plain(value)
    return "" if plain is None and _is_a(origin, (str, SecretStr)) else plain


def element_names(model: type[BaseModel]) -> dict[str, Any]:
    """The annotation of each field of a model, by every name that its element may have."""
    by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
    names: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        alias = field.validation_alias or field.alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        known = [each for each in choices if isinstance(each, str)]
        for each in [*known, *([name] if by_name or not known else [])]:
            names[each] = field.annotation
    return names


def _bare(annotation: Any) -> Any:
    """Without what only says more of the type: ``Annotated``, a name for it, a new type of it."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        else:
            return annotation


def _is_a(origin: Any, classes: tuple[Any, ...]) -> bool:
    return isinstance(origin, type) and issubclass(origin, classes)


def _of_model(model: type[BaseModel], value: Any, path: str, problems: list[str]) -> Any:
    names = element_names(model)
    if isinstance(value, str) and "#text" in names:
        value = {"#text": value}
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        return value
    known: dict[str, Any] = {}
    for name, content in value.items():
        if name in names:
            known[name] = shaped(names[name], content, f"{path}/{name}", problems)
        elif "extra" in model.model_config:
            known[name] = content
        else:
            problems.append(_unknown(f"{path}/{name}", name, names))
    return known


def _unknown(path: str, name: str, names: Mapping[str, Any]) -> str:
    near = get_close_matches(name, names, n=1)
    listed = ", ".join(names) or "none"
    return f"{path}: there is no such setting{f'; did you mean {near[0]}?' if near else f'; there are {listed}'}"


def _of_list(annotation: Any, value: Any, path: str, problems: list[str]) -> list[Any]:
    items = [] if value is None else value if isinstance(value, list) else [value]
    kinds = get_args(annotation)
    if get_origin(annotation) is tuple and kinds and kinds[-1] is not Ellipsis:
        each = [kinds[number] if number < len(kinds) else Any for number in range(len(items))]
    else:
        each = [kinds[0] if kinds else Any] * len(items)
    return [
        shaped(kind, item, f"{path}[{number}]", problems)
        for number, (kind, item) in enumerate(zip(each, items, strict=True), 1)
    ]


def _of_mapping(annotation: Any, value: Any, path: str, problems: list[str]) -> Any:
    kind = (*get_args(annotation), Any, Any)[1]
    if not isinstance(value, Mapping):
        return {} if value is None else value
    return {name: shaped(kind, content, f"{path}/{name}", problems) for name, content in value.items()}


def _of_union(annotation: Any, value: Any, path: str, problems: list[str]) -> Any:
    """The value as the first member of a union that takes it; one that none takes is left to pydantic to refuse."""
    members = [member for member in get_args(annotation) if member is not _NO_VALUE]
    if _plain(value) is None and len(members) < len(get_args(annotation)):
        return None
    if len(members) == 1:
        return shaped(members[0], value, path, problems)
    for member in members:
        inside: list[str] = []
        candidate = shaped(member, value, path, inside)
        try:
            taken = _adapter(member).validate_python(candidate)
        except ValidationError:
            continue
        if not inside:
            return taken
    return _plain(value)


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


def _of_choice(choices: typing.Iterable[Any], value: Any) -> Any:
    """The choice that the text stands for: 2 for ``"2"``, True for ``"true"``, an empty text for an empty element."""
    plain = _plain(value)
    text = "" if plain is None else plain
    if not isinstance(text, str):
        return plain
    return next((choice for choice in choices if _stands_for(text, choice)), plain)


def _stands_for(text: str, choice: Any) -> bool:
    return text.lower() == str(choice).lower() if isinstance(choice, bool) else text == str(choice)


def _plain(value: Any) -> Any:
    """The value of an element that holds it in its attribute ``value``."""
    return (value["@value"] or None) if isinstance(value, Mapping) and set(value) == {"@value"} else value
