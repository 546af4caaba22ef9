"""The source of a function of musiclib, shown on the page as code from the file that it is in."""

import inspect
from collections.abc import Callable

from IPython.display import Markdown, display


def source(function: Callable) -> None:
    """Show a function's code without its docstring, which is in the reference.

    Raises
    ------
    TypeError
        If it is not a Python function or class.
    """
    lines = inspect.getsource(function).rstrip()
    if function.__doc__:
        quoted = f'"""{function.__doc__}"""'
        before, _, after = lines.partition(quoted)
        lines = before.rstrip() + after
    where = f"{function.__module__}.{function.__qualname__}"
    display(Markdown(f"```python\n# {where}\n{lines}\n```"))
