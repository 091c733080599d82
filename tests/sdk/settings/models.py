"""Settings in every shape that a tool may want."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class Mode(Enum):
    DROP = "drop"
    MARK = "mark"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Rule(BaseModel):
    column: str = Field(alias="Column")
    above: int | None = Field(default=None, alias="Above", ge=0)


class Circle(BaseModel):
    kind: Literal["circle"] = Field(default="circle", alias="@kind")
    radius: float


class Square(BaseModel):
    kind: Literal["square"] = Field(default="square", alias="@kind")
    sides: list[float] = []


class Labelled(BaseModel):
    language: str = Field(default="en", alias="@lang")
    text: str = Field(default="", alias="#text")


class Tree(BaseModel):
    name: str
    branch: list[Tree] = []


class Everything(BaseModel):
    threshold: float = Field(default=3.0, alias="Threshold", ge=0, description="rows below it go")
    mode: Mode = Mode.DROP
    level: Level = Level.LOW
    size: Literal[1, 2] = 1
    truth: Literal[True, "auto"] = "auto"
    strict: bool = False
    since: date | None = None
    at: datetime | None = None
    daily: time = time(12)
    every: timedelta = timedelta(hours=1)
    price: Annotated[Decimal, Field(max_digits=6, decimal_places=2)] = Decimal("1.10")
    key: SecretStr = SecretStr("")
    folder: Path = Path("data")
    note: str = ""
    remark: str | None = None
    columns: list[str] = Field(default=[], alias="Column")
    numbers: tuple[int, ...] = (1, 2)
    pair: tuple[int, str] | None = None
    tags: set[str] = set()
    rules: list[Rule] = Field(default=[], alias="Rule")
    first: Rule | None = None
    shape: Circle | Square | None = None
    label: Labelled = Labelled()
    names: dict[str, int] = {}
    either: int | str = 0
    tree: Tree | None = None


class Guarded(BaseModel):
    low: int = 0
    high: int = 10
    code: str = "A1"

    @field_validator("code")
    @classmethod
    def is_short(cls, code: str) -> str:
        if len(code) > 2:
            raise ValueError("a code has two characters")
        return code

    @model_validator(mode="after")
    def are_in_order(self) -> Guarded:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


class Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)
    wanted: int = Field(default=1, alias="Wanted")


def limit_became_threshold(config: dict[str, Any]) -> dict[str, Any]:
    if "Limit" in config:
        config["Threshold"] = config.pop("Limit")
    return config


def percent_became_fraction(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "Threshold": str(float(config.get("Threshold", "300")) / 100)}


class Upgraded(BaseModel):
    """Version 3: of version 1 the element was called Limit, of version 2 it was per cent."""

    upgrades: ClassVar[tuple[Any, ...]] = (limit_became_threshold, percent_became_fraction)
    threshold: float = Field(default=3.0, alias="Threshold")
