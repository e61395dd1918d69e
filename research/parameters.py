"""The types notebook parameters are made of, and their check before a kernel starts.

A notebook's cell tagged `parameters` is its schema, one annotated assignment a parameter::

    from research.parameters import Fraction, NetworkId, Usd

    network: NetworkId = "akash"  # whose token or whose market
    capital_usd: Usd | None = None  # put to work either way; none means one card's price
    utilization: Fraction = 0.6  # share of the hours that are rented

`schema(notebook).check(values)` reads that cell without running it; inside the notebook,
`check(globals())` in the next cell applies the same types however the notebook was started.
"""

from __future__ import annotations

import ast
import datetime as dt
import difflib
import io
import json
import re
import tokenize
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from research.errors import ParameterError

NO_VALUE = "none"  # how a command line spells None


@dataclass(frozen=True)
class Accepts:
    """What a type accepts, in words, and what to say to a value that it does not."""

    words: str | Callable[[], str]
    hint: Callable[[str], str] = field(default=lambda _: "")

    def __str__(self) -> str:
        return self.words if isinstance(self.words, str) else self.words()


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise TypeError(value)  # Python counts True as 1, which nobody means
    return value


def _number_hint(text: str) -> str:
    plain = re.sub(r"[,$\s]", "", text)
    return f"write {plain}" if plain != text and re.fullmatch(r"\d+(\.\d+)?", plain) else ""


def _fraction_hint(text: str) -> str:
    percent = re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?)\s*%?\s*", text)
    if percent and 0 < float(percent[1]) <= 100:
        return f"{float(percent[1]) / 100:g} for {float(percent[1]):g} %"
    return ""


def _iso_day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
        return value.strip()
    if type(value) is dt.date:
        return value
    raise ValueError(value)  # pydantic would read 20260319 as seconds since 1970


def _iso_instant(value: object) -> object:
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value.strip())
    if isinstance(value, dt.datetime):
        return value
    raise ValueError(value)


def _utc(value: dt.datetime) -> dt.datetime:
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _whole(value: str) -> str:
    value.encode()  # half of a pair raises: a kernel could not send what it prints
    return value


def _location(value: str) -> str:
    if not value.strip():
        raise ValueError(value)
    if value == "sample" or "://" in value:
        return value
    return str(Path(value).expanduser().absolute())  # a report's kernel runs in another folder


def _entries(table: str) -> Mapping[str, Any]:
    from research import catalogue

    entries: Mapping[str, Any] = getattr(catalogue.load(), table)
    return entries


def _known(table: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in _entries(table):
            raise ValueError(value)
        return value

    return AfterValidator(check)


def _one_of(table: str) -> Accepts:
    def hint(text: str) -> str:
        spellings = {
            spelling.casefold(): identifier
            for identifier, entry in _entries(table).items()
            for spelling in (
                identifier,
                getattr(entry, "name", identifier),
                getattr(entry, "symbol", identifier),
            )
        }
        near = difflib.get_close_matches(text.casefold(), spellings, n=1)
        return f"did you mean {spellings[near[0]]}?" if near else ""

    return Accepts(lambda: f"one of {', '.join(_entries(table))}", hint)


NUMBER = BeforeValidator(_number)

Usd = Annotated[
    float,
    NUMBER,
    Field(gt=0, allow_inf_nan=False),
    Accepts("US dollars above 0, such as 2000", _number_hint),
]
UsdPerHour = Annotated[
    float,
    NUMBER,
    Field(gt=0, allow_inf_nan=False),
    Accepts("US dollars per hour above 0, such as 0.35", _number_hint),
]
UsdPerDay = Annotated[
    float,
    NUMBER,
    Field(gt=0, allow_inf_nan=False),
    Accepts("US dollars per day above 0, such as 3", _number_hint),
]
UsdPerKwh = Annotated[
    float,
    NUMBER,
    Field(ge=0, allow_inf_nan=False),
    Accepts("US dollars per kWh, 0 or above, such as 0.17"),
]
Fraction = Annotated[
    float,
    NUMBER,
    Field(ge=0, le=1, allow_inf_nan=False),
    Accepts("a fraction between 0 and 1", _fraction_hint),
]
Growth = Annotated[
    float,
    NUMBER,
    Field(gt=-1, le=10, allow_inf_nan=False),
    Accepts("a change per year above -1, such as 0.1 for 10 % more", _fraction_hint),
]
Months = Annotated[int, NUMBER, Field(ge=1, le=120), Accepts("a number of months, 1 to 120")]
Count = Annotated[int, NUMBER, Field(ge=1, le=1000), Accepts("a whole number, 1 to 1000")]
Paths = Annotated[
    int,
    NUMBER,
    Field(ge=100, le=1_000_000),
    Accepts("a number of simulated paths, 100 to 1000000", _number_hint),
]
Seed = Annotated[int, NUMBER, Field(ge=0), Accepts("a whole number, 0 or above")]
Day = Annotated[dt.date, BeforeValidator(_iso_day), Accepts("a UTC day such as 2026-03-19")]
Instant = Annotated[
    dt.datetime,
    BeforeValidator(_iso_instant),
    AfterValidator(_utc),
    Accepts("a UTC time such as 2026-03-19T12:00, where 2026-03-19 alone is 00:00"),
]
NetworkId = Annotated[str, _known("networks"), _one_of("networks")]
GpuId = Annotated[str, _known("gpus"), _one_of("gpus")]
MeasureId = Annotated[str, _known("measures"), _one_of("measures")]
TariffId = Annotated[str, _known("tariffs"), _one_of("tariffs")]
PayoutKind = Literal["usd", "usd-quoted", "token-quoted", "emission-share"]
Drift = Literal["zero", "historical", "shrunk"]
StoreLocation = Annotated[
    str,
    AfterValidator(_location),
    Accepts("a store's folder, an object store's address, or the word sample"),
]

# What an annotation in a parameters cell may name: the types above and Python's own.
VOCABULARY: dict[str, Any] = {
    name: kind for name, kind in globals().items() if get_origin(kind) in (Annotated, Literal)
} | {
    "int": Annotated[int, NUMBER, Accepts("a whole number", _number_hint)],
    "float": Annotated[
        float, NUMBER, Field(allow_inf_nan=False), Accepts("a number", _number_hint)
    ],
    "bool": Annotated[bool, Accepts("true or false")],
    "str": Annotated[str, AfterValidator(_whole), Accepts("text in whole characters (UTF-8)")],
}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One annotated assignment of a parameters cell."""

    name: str
    kind: Any  # the type, made of this module's vocabulary
    spelled: str  # the type as the notebook spells it
    default: Any  # already of that type
    description: str  # the comment beside it

    def convert(self, value: object) -> Any:
        """Return `value`, a string from a command line or any object, as this parameter's type."""
        return _convert(self.name, self.kind, value)


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What a notebook accepts, read from its parameters cell."""

    notebook: Path
    parameters: tuple[Parameter, ...]
    cell: int  # position of the parameters cell, from 1; 0 if there is none

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return every parameter by name: `values` as their types, defaults for the others.

        Raises
        ------
        ParameterError
            naming each unknown name and wrong value, and what is accepted instead
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        refused = [_unknown(name, list(known)) for name in values if name not in known]
        checked = {name: parameter.default for name, parameter in known.items()}
        for name in (name for name in values if name in known):
            try:
                checked[name] = known[name].convert(values[name])
            except ParameterError as error:
                refused.append(str(error))
        if refused:
            raise ParameterError("\n".join(f"{self.notebook.stem}: {line}" for line in refused))
        return checked

    def changed(self, checked: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of `checked` that differ from the notebook's own value."""
        return {p.name: checked[p.name] for p in self.parameters if checked[p.name] != p.default}


def schema(notebook: Path) -> Schema:
    """Read what `notebook` accepts from its cell tagged `parameters`, without running anything."""
    try:
        cells = [
            ("".join(cell["source"]), cell["metadata"].get("tags", []))
            for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{notebook}: not a notebook that can be read ({error})") from error
    for position, (source, tags) in enumerate(cells, start=1):
        if "parameters" in tags:
            found = tuple(_read_cell(source, f"{notebook}, parameters cell"))
            return Schema(notebook=notebook, parameters=found, cell=position)
    return Schema(notebook=notebook, parameters=(), cell=0)


def check(namespace: Mapping[str, Any]) -> Any:
    """Return the parameters of the running notebook, checked, as a frozen named tuple.

    Parameters
    ----------
    namespace : the notebook's `globals()`; whatever was annotated so far is a parameter
    """
    declared = _declared(namespace)
    if not declared:
        raise ParameterError("no annotated parameter above this cell; see research.parameters")
    checked, refused = {}, []
    for name, kind in declared.items():
        try:
            checked[name] = _convert(name, kind, namespace[name])
        except ParameterError as error:
            refused.append(str(error))
    if refused:
        raise ParameterError("\n".join(refused))
    return namedtuple("Parameters", checked)(**checked)


def _declared(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotated names of a notebook's namespace and their types."""
    annotations = namespace.get("__annotations__")
    if annotations is not None:
        return {
            name: _resolve(ast.parse(kind, mode="eval").body)
            if isinstance(kind, str)
            else _ours(kind)
            for name, kind in annotations.items()
        }
    # Since Python 3.14 a namespace keeps no annotations, but IPython keeps the text of each cell.
    cells = (cell for cell in namespace.get("In", ()) if "research.parameters import" in cell)
    return {p.name: p.kind for cell in cells for p in _read_cell(cell, "parameters cell")}


def _read_cell(source: str, where: str) -> Iterable[Parameter]:
    """Read the annotated assignments of a parameters cell."""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(f"{where}, line {error.lineno}: {error.msg}") from error
    comments = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    for statement in statements:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue
        here = f"{where}, line {statement.lineno}: {ast.unparse(statement)}"
        if not (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.value is not None
        ):
            raise ParameterError(f"{here}: a parameter is written `name: Type = value`")
        try:
            kind = _resolve(statement.annotation)
            default = _convert(statement.target.id, kind, ast.literal_eval(statement.value))
        except (ParameterError, ValueError) as error:
            raise ParameterError(f"{here}: {error}") from error
        yield Parameter(
            name=statement.target.id,
            kind=kind,
            spelled=ast.unparse(statement.annotation),
            default=default,
            description=comments.get(statement.end_lineno or statement.lineno, ""),
        )


def _resolve(annotation: ast.expr) -> Any:
    """Return the type that an annotation's syntax tree names."""
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in VOCABULARY:
            return VOCABULARY[name]
        case ast.Constant(value=None):
            return None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _resolve(left) | _resolve(right)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=choices):
            options = ast.literal_eval(choices)
            return Literal.__getitem__(options)
    raise ParameterError(
        f"{ast.unparse(annotation)} is not a parameter type; those are {', '.join(VOCABULARY)}"
    )


def _ours(kind: Any) -> Any:
    """Return the type of our vocabulary that an annotation in a namespace stands for."""
    if get_origin(kind) in (Union, UnionType):
        return Union[tuple(_ours(option) for option in get_args(kind))]  # noqa: UP007 - made here
    if kind in (int, float, bool, str):
        return VOCABULARY[kind.__name__]
    if kind is NoneType or get_origin(kind) in (Annotated, Literal):
        return kind
    raise ParameterError(f"{kind} is not a parameter type; those are {', '.join(VOCABULARY)}")


def _convert(name: str, kind: Any, value: object) -> Any:
    """Return `value` as `kind`, or say what is accepted."""
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    optional = NoneType in options
    if optional and (value is None or str(value).strip().casefold() == NO_VALUE):
        return None
    try:
        return TypeAdapter(kind).validate_python(value)
    except (ValidationError, TypeError, OverflowError, RuntimeError):
        accepted = [_accepts(option) for option in options if option is not NoneType]
    words = " or ".join([str(each) for each in accepted] + [NO_VALUE] * optional)
    hints = [hint for each in accepted if (hint := each.hint(str(value)))]
    raise ParameterError("; ".join([f"{name}={value!s:.80}: accepted is {words}", *hints]))


def _accepts(kind: Any) -> Accepts:
    if get_origin(kind) is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        return Accepts(f"one of {', '.join(choices)}", lambda text: _near(text, choices))
    return next(each for each in kind.__metadata__ if isinstance(each, Accepts))


def _unknown(name: str, known: Sequence[str]) -> str:
    accepted = f"accepted are {', '.join(known)}" if known else "it accepts none"
    return "; ".join(filter(None, [f"no parameter {name}", _near(name, known), accepted]))


def _near(text: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(text, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""
