"""Says what can be known of a function before it is called: reads its file, and runs nothing of it.

One JSON object comes on standard input and one goes to standard output. A parent package of a module is imported, because
Python finds its modules in no other way; the module itself is not.
"""

import sys

# What lies in the current folder must not stand for the standard library.
sys.path[:] = [folder for folder in sys.path if folder]

import ast
import difflib
import importlib.util
import json
import os


class Unusable(Exception):
    pass


def source_of(asked):
    """The path and the source of the module; no path where Python has no source of it."""
    file, module = asked["file"], asked["module"]
    if asked["source"] is not None:
        return module, asked["source"]
    if file is None:
        sys.path.insert(0, os.getcwd())
        # What a parent package prints when it is imported must not come between.
        said, sys.stdout = sys.stdout, sys.stderr
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError as error:
            raise Unusable(f"there is no module {error.name} for {sys.executable}; {advice_on_module(error.name)}")
        except Exception as error:
            raise Unusable(f"the module {module} cannot be found: {type(error).__name__}: {error}")
        finally:
            sys.stdout = said
            sys.path.pop(0)
        if found is None:
            raise Unusable(f"there is no module {module} for {sys.executable}; {advice_on_module(module)}")
        file = found.origin
        if file is None or not file.endswith((".py", ".pyw")):
            return None, None
    try:
        with open(file, "rb") as opened:
            return file, opened.read()
    except FileNotFoundError:
        raise Unusable(f"there is no file {file}; check its name and the folder")
    except OSError as error:
        raise Unusable(f"the file {file} cannot be read: {error.strerror}")


def advice_on_module(name):
    return "install it there, run fanlane in the folder that has it, or name another interpreter with --interpreter"


def parse(file, source):
    try:
        return ast.parse(source, file)
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise Unusable(f"{file}, line {error.lineno}: SyntaxError: {error.msg}: {line}")
    except ValueError as error:
        raise Unusable(f"{file} is no Python source: {error}")


def bound(statements, names, functions, unsure, is_nested=False):
    """Gathers the names that statements bind at the top level; None among them where any name may be.

    Which definition counts is decided when the module is imported for those in `unsure`."""
    for statement in statements:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(statement.name)
            functions[statement.name] = statement
            if is_nested:
                unsure.add(statement.name)
            else:
                unsure.discard(statement.name)
        elif isinstance(statement, ast.ClassDef):
            names.add(statement.name)
            functions.pop(statement.name, None)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                name = alias.asname or alias.name.split(".")[0]
                names.add(None if name == "*" else name)
                functions.pop(name, None)
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    names.add(node.id)
                    functions.pop(node.id, None)
            for part in ("body", "orelse", "finalbody"):
                inner = getattr(statement, part, None)
                if isinstance(inner, list):
                    bound(inner, names, functions, unsure, True)
            for inner in getattr(statement, "handlers", []) + getattr(statement, "cases", []):
                bound(inner.body, names, functions, unsure, True)
    return names, functions


def signature(function):
    try:
        return f"{function.name}({ast.unparse(function.args)})"
    except Exception:
        return f"{function.name}(…)"


def check_name(path, names, functions, where):
    first = path.split(".")[0]
    if first in names or None in names or "__getattr__" in names:
        return
    public = sorted(name for name in functions if not name.startswith("_"))
    near = difflib.get_close_matches(first, list(names), 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    if not near and public:
        hint = "; its functions are " + ", ".join(public[:12])
    raise Unusable(f"{where} has no function {first}{hint}")


def check_arguments(function, count, names):
    """Refuses a call that Python would refuse whatever the values are."""
    arguments = function.args
    positional = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    keyword_only = [argument.arg for argument in arguments.kwonlyargs]
    needed_keywords = [name for name, default in zip(keyword_only, arguments.kw_defaults) if default is None]
    shown = signature(function)
    named = [name for name in names if name is not None]
    count -= len(named)
    by_name = {argument.arg for argument in arguments.args} | set(keyword_only)
    for name in named:
        if name not in by_name and arguments.kwarg is None:
            columns = ", ".join(named)
            raise Unusable(f"{shown} has no argument {name}; columns with names are given to it by these: {columns}")
        if name in positional[:count]:
            raise Unusable(f"{shown} would be given {name} twice, by its place and by the name of a column")
    missing = [name for name in required[count:] + needed_keywords if name not in named]
    if missing and (named or missing[0] in needed_keywords):
        hint = "name a column so" if named else "give the inputs as a table (CSV, JSON) with a column of that name"
        raise Unusable(f"{shown} needs the argument {missing[0]}; {hint}")
    values = "1 value" if count == 1 else f"{count} values"
    if missing:
        arguments = "1 argument" if len(required) == 1 else f"{len(required)} arguments"
        raise Unusable(f"{shown} needs {arguments}, and the inputs give {values} a call")
    if function.args.vararg is None and count > len(positional):
        most = "1 value" if len(positional) == 1 else f"{len(positional)} values"
        raise Unusable(f"{shown} takes {most} at most, and the inputs give {values} a call")


def answer_to(asked):
    file, source = source_of(asked)
    if file is None:
        return {"functions": []}
    tree = parse(file, source)
    unsure = set()
    names, functions = bound(tree.body, set(), {}, unsure)
    where = file if asked["file"] is not None else f"the module {asked['module']}"
    listed = [
        {"name": name, "signature": signature(function), "doc": (ast.get_docstring(function) or "").split("\n")[0]}
        for name, function in functions.items()
        if not name.startswith("_")
    ]
    if asked["function"]:
        check_name(asked["function"], names, functions, where)
        function = functions.get(asked["function"])
        is_plain = function is not None and not function.decorator_list and asked["function"] not in unsure
        if is_plain and isinstance(function, ast.AsyncFunctionDef):
            advice = "a call of it would make a coroutine and run nothing; call asyncio.run in a plain function"
            raise Unusable(f"{signature(function)} is async: {advice}")
        if is_plain and asked["count"] is not None:
            check_arguments(function, asked["count"], asked["names"] or [])
    if asked["initializer"]:
        check_name(asked["initializer"], names, functions, where)
        function = functions.get(asked["initializer"])
        if function is not None and not function.decorator_list and asked["initializer"] not in unsure:
            check_arguments(function, 0, [])
    return {"functions": listed}


def environment():
    """The kind of environment that this interpreter belongs to; empty where there is none."""
    if sys.prefix != sys.base_prefix:
        return "virtual environment"
    return "conda environment" if os.path.isdir(os.path.join(sys.prefix, "conda-meta")) else ""


def clean(said):
    """The same without halves of characters, which stand for bytes that are no text, and which JSON of others does not know."""
    if isinstance(said, dict):
        executable = said.get("executable", "")
        if executable != clean(executable):
            said = {**said, "executable": ""}
        return {name: clean(value) for name, value in said.items()}
    if isinstance(said, list):
        return [clean(value) for value in said]
    return said.encode("utf-8", "replace").decode() if isinstance(said, str) else said


def main():
    asked = json.load(sys.stdin)
    version = ".".join(str(number) for number in sys.version_info[:3])
    answer = {"version": version, "executable": sys.executable, "error": None, "functions": []}
    answer["environment"] = environment()
    answer["has_gil"] = getattr(sys, "_is_gil_enabled", lambda: True)()
    if sys.version_info < (3, 9):
        answer["error"] = f"{sys.executable} is Python {version}, and Fanlane needs 3.9 or newer; name another with --interpreter"
    else:
        try:
            answer.update(answer_to(asked))
        except Unusable as error:
            answer["error"] = str(error)
    json.dump(clean(answer), sys.stdout)


main()
