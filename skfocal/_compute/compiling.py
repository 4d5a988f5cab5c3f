"""How the kernels are compiled, and when their cached machine code is out of date."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.core.caching import FunctionCache
from numba.extending import intrinsic

__all__ = ["FASTMATH", "fast_njit", "kernel", "use_wide_vectors"]

# `reassoc` would cancel (x + ROUND) - ROUND to x; `nnan` and `ninf` would drop the
# selects that guard the ends of the domain. These two keep every result as written.
FASTMATH = {"contract", "nsz"}


def fast_njit(function: Callable[..., Any]) -> Any:
    """Compile for inlining into a kernel, with NumPy's rules for division by zero."""
    options = {"fastmath": FASTMATH, "error_model": "numpy", "forceinline": True}
    # Entries for Python and C, which nobody takes, would be a third of the work.
    entries = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return njit(**options, **entries)(function)


def kernel(function: Callable[..., Any] | None = None, *, sums: bool = False) -> Any:
    """Compile a loop that releases the GIL, and keep its machine code on disk.

    Parameters
    ----------
    function : callable
        The loop.
    sums : bool, default=False
        Whether sums may be taken in any order, so that several terms are in flight.
        Not for what calls the functions of ``fastmath``.
    """
    if function is None:
        return lambda loop: kernel(loop, sums=sums)
    flags = FASTMATH | {"reassoc"} if sums else FASTMATH
    options = {"nogil": True, "fastmath": flags, "error_model": "numpy"}
    options |= {"no_cfunc_wrapper": True}
    # The cache looks at the loop's own file only. Its files are named by the function,
    # so that another name is a new entry.
    function.__qualname__ += _digest(Path(function.__code__.co_filename).parent)
    compiled = njit(**options)(function)
    # Where no folder for a cache is writable, as in some containers, there is none.
    with suppress(RuntimeError):
        compiled._cache = _DispensableCache(function)
    return compiled


class _DispensableCache(FunctionCache):
    """numba's cache on disk, whose faults cost time and no more.

    numba's own raises where the disk is full, and where a file is cut off.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the machine code of a signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        # What a damaged pickle raises, nothing limits.
        except Exception:
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write machine code, if that can be."""
        with suppress(OSError):
            super().save_overload(sig, data)


def _digest(folder: Path) -> str:
    """Return a hash of the files whose code is inlined into the kernels of a folder."""
    files = [*Path(__file__).parent.glob("*.py"), *folder.glob("*kernel*.py")]
    content = hashlib.sha256()
    for file in sorted(files):
        content.update(file.read_bytes())
    return f"_{content.hexdigest()[:12]}" if files else ""


@intrinsic
def use_wide_vectors(typing_context: Any) -> Any:
    """Let LLVM use 512-bit registers in the function that calls it, where it can.

    LLVM keeps to 256 bits on many processors that have 512, for the sake of code that
    uses them now and then. A kernel that does nothing else is 1.4 times faster so.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        attributes = builder.function.attributes
        # llvmlite's own add() knows no attribute with a value.
        if isinstance(attributes, set):
            set.add(attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen
