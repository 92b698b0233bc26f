"""Sixteen int32 side by side, which kernels add, compare and choose from at once.

A row of a C-contiguous int32 array (n, 16) is loaded and stored whole. What is compared gives a
mask, of which one asks whether any lane is set. Kernels write
``store(a, i, lowest(load(a, i), load(b, j) + 5))``, a few instructions where a loop over the
lanes would be a hundred; a processor with shorter registers takes them in parts.

Python computes the functions below with NumPy; numba compiles what `_register` tells it of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import lower_builtin, models, register_model, type_callable

LANES = 16

_INT32 = ir.IntType(32)
_ROW = ir.VectorType(_INT32, LANES)
_BITS = ir.VectorType(ir.IntType(1), LANES)


def load(rows: Any, row: Any) -> Any:
    """Return row ``row`` of ``rows``, int32[n, 16]."""
    return rows[row].copy()


def store(rows: Any, row: Any, value: Any) -> Any:
    """Write ``value`` to row ``row`` of ``rows``, int32[n, 16]."""
    rows[row] = value


def spread(number: Any) -> Any:
    """Return a row of one number."""
    return np.full(LANES, number, np.int32)


def lowest(one: Any, other: Any) -> Any:
    """Return the lesser of two rows, lane by lane."""
    return np.minimum(one, other)


def highest(one: Any, other: Any) -> Any:
    """Return the greater of two rows, lane by lane."""
    return np.maximum(one, other)


def where(mask: Any, one: Any, other: Any) -> Any:
    """Return ``one`` in the lanes of ``mask``, ``other`` elsewhere."""
    return np.where(mask, one, other)


def any_of(mask: Any) -> Any:
    """Return whether any lane of a mask is set."""
    return mask.any()


def least_of(value: Any) -> Any:
    """Return the least of a row's numbers."""
    return value.min()


class _RowType(types.Type):
    """Sixteen numbers."""

    def __init__(self) -> None:
        super().__init__(name="lanes.Row")


class _MaskType(types.Type):
    """Sixteen truths."""

    def __init__(self) -> None:
        super().__init__(name="lanes.Mask")


@register_model(_RowType)
class _RowModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _ROW)  # type: ignore[no-untyped-call]


@register_model(_MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _BITS)  # type: ignore[no-untyped-call]


_row, _mask = _RowType(), _MaskType()


def _register(
    function: Any, kinds: tuple[type, ...], result: types.Type, emit: Callable[..., Any]
) -> None:
    """Tell numba what a function gives of what kinds of arguments, and how it is computed.

    ``emit`` gets the builder, the kinds and the arguments: integers as int32 in operators and
    `spread`, as they are elsewhere.
    """

    def typer(*args: Any) -> Any:
        alike = len(args) == len(kinds) and all(map(isinstance, args, kinds))
        return result(*args) if alike else None

    def lowered(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        found = emit(context, builder, sig.args, args)
        return context.get_dummy_value() if found is None else found

    # One parameter for each argument, where ``typer`` itself takes any.
    places = [Parameter(f"argument_{k}", Parameter.POSITIONAL_ONLY) for k in range(len(kinds))]
    typer.pysig = Signature(places)  # type: ignore[attr-defined]
    type_callable(function)(lambda _: typer)
    lower_builtin(function, *kinds)(lowered)  # type: ignore[no-untyped-call]


def _spread(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
    """Return sixteen times a number."""
    number = context.cast(builder, args[0], kinds[0], types.int32)
    unknown = ir.Constant(_ROW, ir.Undefined)
    first = builder.insert_element(unknown, number, _INT32(0))
    return builder.shuffle_vector(first, unknown, ir.Constant(_ROW, [0] * LANES))


def _address(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
    """Return where a row of an array begins."""
    begin = context.make_array(kinds[0])(context, builder, args[0]).data
    row = context.cast(builder, args[1], kinds[1], types.intp)
    return builder.bitcast(
        builder.gep(begin, [builder.mul(row, row.type(LANES))]), _ROW.as_pointer()
    )


def _load(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
    return builder.load(_address(context, builder, kinds, args), align=4)


def _store(context: Any, builder: Any, kinds: Any, args: Any) -> None:
    builder.store(args[2], _address(context, builder, kinds, args), align=4)


def _any_of(_context: Any, builder: Any, _kinds: Any, args: Any) -> Any:
    bits = builder.bitcast(args[0], ir.IntType(LANES))
    return builder.icmp_unsigned("!=", bits, bits.type(0))


def _least_of(_context: Any, builder: Any, _kinds: Any, args: Any) -> Any:
    name, kind = f"llvm.vector.reduce.smin.v{LANES}i32", ir.FunctionType(_INT32, [_ROW])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)  # type: ignore[no-untyped-call]


def _where(_context: Any, builder: Any, _kinds: Any, args: Any) -> Any:
    return builder.select(*args)


def _chosen(sign: str) -> Callable[..., Any]:
    """Return what takes of two rows the number that compares so with the other."""
    return lambda _, builder, __, args: builder.select(builder.icmp_signed(sign, *args), *args)


def _operated(emit: Callable[..., Any]) -> Callable[..., Any]:
    """Return what spreads a number that a row is added to, or compared with."""

    def both(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
        left, right = args
        if isinstance(kinds[1], types.Integer):
            right = _spread(context, builder, kinds[1:], args[1:])
        return emit(builder, left, right)

    return both


def _compared(sign: str) -> Callable[..., Any]:
    return lambda builder, left, right: builder.icmp_signed(sign, left, right)


_register(load, (types.Array, types.Integer), _row, _load)
_register(store, (types.Array, types.Integer, _RowType), types.void, _store)
_register(spread, (types.Integer,), _row, _spread)
_register(lowest, (_RowType, _RowType), _row, _chosen("<"))
_register(highest, (_RowType, _RowType), _row, _chosen(">"))
_register(where, (_MaskType, _RowType, _RowType), _row, _where)
_register(any_of, (_MaskType,), types.boolean, _any_of)
_register(least_of, (_RowType,), types.int32, _least_of)
for _kind in (_RowType, types.Integer):
    for _symbol, _name in ((operator.add, "add"), (operator.sub, "sub"), (operator.and_, "and_")):
        _register(_symbol, (_RowType, _kind), _row, _operated(getattr(ir.IRBuilder, _name)))
    for _symbol, _sign in (
        (operator.lt, "<"),
        (operator.le, "<="),
        (operator.gt, ">"),
        (operator.eq, "=="),
    ):
        _register(_symbol, (_RowType, _kind), _mask, _operated(_compared(_sign)))
for _symbol, _name in ((operator.and_, "and_"), (operator.or_, "or_")):
    _register(_symbol, (_MaskType, _MaskType), _mask, _operated(getattr(ir.IRBuilder, _name)))
