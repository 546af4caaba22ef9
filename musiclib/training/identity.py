"""What something is, whole, as a short string: the same in another process, another if any part of it is another.

Arrays stand for their values, functions for what they do: their code, the values that they close over, their defaults,
and the globals that they name. What belongs to an installed package stands for its name and version.
"""

import dis
import hashlib
import inspect
import mmap
import os
import re
import sys
from functools import partial
from pathlib import Path, PurePath
from types import CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import keras
import numpy as np
import pandas as pd

from musiclib import files

_CHUNK = 1 << 24  # bytes
_mapped: dict[tuple, bytes] = {}  # digests of mapped arrays, by the stamp of their file


class Nameless(TypeError):
    """Something whose content cannot be told. The message says what."""


def identity(value: Any) -> str:
    """A string of 64 characters that stands for the content of ``value``.

    Raises
    ------
    Nameless
        If it holds something that has no content to tell, such as a lock or an open file, naming it.
    """
    return _Reader().digest(value).hex()


def array_digest(array: np.ndarray) -> bytes:
    """Of all its values, in parts, so that a mapped array is never read whole; of a file that has not changed, once."""
    stamp = _stamp(array)
    if stamp in _mapped:
        return _mapped[stamp]
    found = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    step = max(1, _CHUNK // max(1, array.nbytes // max(1, len(array)))) if array.ndim else 1
    for first in range(0, len(array), step) if array.ndim else [0]:
        some = array[first : first + step] if array.ndim else array
        found.update(np.ascontiguousarray(some).reshape(-1).view(np.uint8).data)
    if stamp is not None:
        _mapped[stamp] = found.digest()
    return found.digest()


def _stamp(array: np.ndarray) -> tuple | None:
    """Which part of which state of a file this is; None for an array that is not only read from one."""
    mapped = getattr(array, "_mmap", None)
    if not isinstance(array, np.memmap) or mapped is None or array.filename is None:
        return None
    if array.mode != "r" or not array.size:
        return None
    facts = os.stat(array.filename)
    start = array.__array_interface__["data"][0] - np.frombuffer(mapped, np.uint8).ctypes.data
    start += array.offset - array.offset % mmap.ALLOCATIONGRANULARITY  # views keep the offset of the whole
    file = (os.fspath(array.filename), facts.st_size, facts.st_mtime_ns)
    return *file, start, array.dtype.str, array.shape, array.strides


class _Reader:
    """Goes through a value and what it refers to, each once."""

    def __init__(self) -> None:
        self.done: dict[int, tuple[bytes, Any]] = {}  # with the value, so that no other one gets its id
        self.open: list[int] = []

    def digest(self, value: Any, where: str = "") -> bytes:
        if id(value) in self.done:
            return self.done[id(value)][0]
        if id(value) in self.open:  # it refers to itself
            return f"again {len(self.open) - self.open.index(id(value))}".encode()
        self.open.append(id(value))
        try:
            kind, parts = self._parts(value, where)
        finally:
            self.open.pop()
        found = hashlib.sha256(kind.encode() + b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
        self.done[id(value)] = (found, value)
        return found

    def _all(self, values: Any, where: str) -> list[bytes]:
        return [self.digest(value, where) for value in values]

    def _parts(self, value: Any, where: str) -> tuple[str, list[bytes]]:
        """What kind of thing it is, and the digests of its parts."""
        kind = type(value).__name__
        if value is None or isinstance(value, bool | int | float | complex | str | bytes | PurePath | range):
            return kind, [repr(value).encode()]
        if isinstance(value, np.ndarray) and value.dtype != object:
            return "array", [array_digest(value)]
        if isinstance(value, np.generic):
            return "array", [array_digest(np.asarray(value))]
        if isinstance(value, dict | MappingProxyType):
            pairs = [self.digest(k, where) + self.digest(v, f"{where} {k!r}") for k, v in value.items()]
            return kind, sorted(pairs)
        if isinstance(value, set | frozenset):
            return kind, sorted(self._all(value, where))
        if isinstance(value, list | tuple):
            return kind, self._all(value, where)
        if isinstance(value, np.ndarray):
            return "array of objects", self._all([value.shape, *value.flat], where)
        return self._code(value, where) or self._data(value, where) or self._object(value, where)

    def _code(self, value: Any, where: str) -> tuple[str, list[bytes]] | None:
        """Of what can be called, and of what holds it."""
        if isinstance(value, ModuleType):
            return "module", self._all([value.__name__, *_version(value)], where)
        if isinstance(value, type):
            return "class", self._class(value)
        if isinstance(value, FunctionType):
            return "function", self._function(value)
        if isinstance(value, CodeType):
            parts = (value.co_code, value.co_names, value.co_argcount, value.co_kwonlyargcount, list(value.co_consts))
            return "code", self._all(parts, where)
        if isinstance(value, MethodType):
            return "method", self._all([value.__func__, value.__self__], where)
        if isinstance(value, partial):
            return "partial", self._all([value.func, value.args, value.keywords], where)
        if isinstance(value, staticmethod | classmethod):
            return type(value).__name__, self._all([value.__func__], where)
        if isinstance(value, property):
            return "property", self._all([value.fget, value.fset], where)
        if hasattr(value, "py_func"):  # compiled by numba
            return "compiled", self._all([value.py_func], where)
        if hasattr(value, "__wrapped__") and callable(value.__wrapped__):  # such as by functools.cache
            return "wrapped", self._all([type(value), value.__wrapped__], where)
        if inspect.isroutine(value) or inspect.isdatadescriptor(value) or isinstance(value, np.ufunc):  # written in C
            owner = getattr(value, "__self__", None)
            owner = None if isinstance(owner, ModuleType) else owner
            return "routine", self._all([getattr(value, k, None) for k in ("__module__", "__name__")] + [owner], where)
        return None

    def _function(self, function: FunctionType) -> list[bytes]:
        name = function.__qualname__
        closed = {
            k: _value(cell) for k, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        }
        parts = [self.digest([function.__defaults__, function.__kwdefaults__], f"a default of {name},")]
        parts += [self.digest(v, f"{k}, which {name} closes over,") for k, v in closed.items()]
        if _installed(function.__module__):
            return [*parts, *self._all([function.__module__, name, _release(function.__module__)], name)]
        found = {k: function.__globals__[k] for k in _globals(function.__code__) if k in function.__globals__}
        parts += [self.digest(k) + self.digest(v, f"{k}, which {name} names,") for k, v in sorted(found.items())]
        return [*parts, self.digest(function.__code__, name)]

    def _class(self, made: type) -> list[bytes]:
        name = f"{made.__module__}.{made.__qualname__}"
        if _installed(made.__module__):
            return self._all([name, _release(made.__module__)], name)
        left = {"__dict__", "__weakref__", "__doc__", "__module__", "__firstlineno__", "__static_attributes__"}
        left |= {"__annotations__", "__annotate_func__", "__abstractmethods__", "_abc_impl", "__match_args__"}
        left |= {"__dataclass_fields__", "__dataclass_params__"}  # what they say is in __init__ too
        own = {k: v for k, v in vars(made).items() if k not in left}
        parts = [self.digest(k) + self.digest(v, f"{k} of {name}") for k, v in sorted(own.items())]
        return [self.digest(made.__qualname__), *parts, *self._all(made.__bases__, name)]

    def _data(self, value: Any, where: str) -> tuple[str, list[bytes]] | None:
        """Of tables, tensors and what Keras makes."""
        if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
            names = list(value.columns) if isinstance(value, pd.DataFrame) else value.name
            types = [str(t) for t in value.dtypes] if isinstance(value, pd.DataFrame) else str(value.dtype)
            try:
                rows = pd.util.hash_pandas_object(value).to_numpy()
            except TypeError as error:
                raise Nameless(f"{where or 'a table'} holds objects whose content cannot be told.") from error
            return "table", self._all([names, types, rows], where)
        if isinstance(value, keras.Variable) or keras.ops.is_tensor(value):
            return "array", [array_digest(keras.ops.convert_to_numpy(value))]
        if isinstance(value, keras.Model):
            return "model", self._model(value, where)
        if isinstance(value, keras.layers.Layer):
            return "layer", self._all([type(value), _unnumbered(value.get_config()), value.get_weights()], where)
        if isinstance(value, keras.losses.Loss | keras.metrics.Metric | keras.initializers.Initializer):
            own = {} if _installed(type(value).__module__) else _own(value, vars(keras.metrics.Mean()))
            return "setting", self._all([type(value), _unnumbered(value.get_config()), own], where)
        return None

    def _model(self, model: keras.Model, where: str) -> list[bytes]:
        """Architecture and weights, and the code of what does not come from Keras."""
        try:
            config = _unnumbered(model.get_config())
        except NotImplementedError as error:
            raise Nameless(f"{where or 'the model'} has no get_config(), which says how it was made.") from error
        parts = self._all([config, model.get_weights()], where)
        for part in _layers(model):
            if not _installed(type(part).__module__):
                own = _own(part, vars(keras.Model()) | vars(keras.layers.Layer()))
                parts += self._all([type(part), own], where)
        return parts

    def _object(self, value: Any, where: str) -> tuple[str, list[bytes]]:
        """Of any other object: its class, and what it holds."""
        made = type(value)
        slots = [s for c in made.__mro__ for s in _names(vars(c).get("__slots__", ())) if hasattr(value, s)]
        state: Any = dict(getattr(value, "__dict__", {})) | {s: getattr(value, s) for s in slots}
        state.pop("__weakref__", None)
        if isinstance(value, keras.utils.PyDataset):  # how many threads make the batches does not change them
            state = {k: v for k, v in state.items() if k not in vars(keras.utils.PyDataset())}
            return "object", [self.digest(made, where), self.digest(state, f"{where or made.__name__}:")]
        try:
            reduced = value.__reduce_ex__(4)  # how it would be made again
        except TypeError as error:
            raise Nameless(f"{where or 'it'} is of type {made.__name__}, whose content cannot be told.") from error
        hidden = made.__reduce__ is not object.__reduce__ or not (slots or hasattr(value, "__dict__"))
        if hidden and not isinstance(reduced, str):
            state = [*reduced[1:3], *(list(items) for items in reduced[3:5] if items)]
        return "object", [self.digest(made, where), self.digest(state, f"{where or made.__name__}:")]


def _unnumbered(config: Any) -> Any:
    """A configuration without the numbers that Keras gives to the names of all that a program has made."""
    text = keras.saving.serialize_keras_object(config)
    return re.sub(r"_\d+\b", "", repr(text)) if not isinstance(text, str) else text


def _layers(model: keras.Model) -> list:
    """The model and all that it is made of."""
    inner = [part for layer in model.layers for part in (_layers(layer) if hasattr(layer, "layers") else [layer])]
    return [model, *inner, *(part.layer for part in inner if hasattr(part, "layer"))]


def _own(value: Any, usual: dict) -> dict:
    """The plain attributes that a class of one's own has beside the usual ones."""
    found = vars(value).items()
    return {k: v for k, v in found if k not in usual and isinstance(v, bool | int | float | str | np.ndarray)}


def _names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _value(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None


def _globals(code: CodeType) -> set[str]:
    """The names of globals that a function's code uses, also in functions inside it."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return found.union(*(_globals(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def _installed(module: str | None) -> bool:
    """Whether a module belongs to Python or to a package, and its version stands for it."""
    top = (module or "").partition(".")[0]
    if top in ("__main__", "musiclib", ""):
        return False
    where = Path(getattr(sys.modules.get(top), "__file__", None) or "")
    return top in sys.stdlib_module_names or bool({"site-packages", "dist-packages"} & {*where.parts})


def _release(module: str) -> str:
    top = sys.modules.get(module.partition(".")[0])
    return str(getattr(top, "__version__", ""))


def _version(module: ModuleType) -> list[str]:
    """What a module does: its version, or the text of its files."""
    file = getattr(module, "__file__", None)
    if _installed(module.__name__) or not file:
        return [_release(module.__name__)]
    path = Path(file)
    paths = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return [files.sha256(path) for path in paths]
