"""random_templates.py COUNT SEED FILE: random small templates, and what Jinja makes of them set up as transformers
sets it up.

Expressions are put together from values of all kinds, operators, filters, tests, methods and subscripts, statements
around them from the language's blocks: whatever comes out, refusals too, must come out here. Left out is what no
template needs and we have not: attributes of numbers, `encode` and `translate`, and the filters filesizeformat,
pprint, random, striptags, urlencode, urlize, wordwrap and xmlattr.
"""
import copy
import datetime
import json
import pathlib
import random
import signal
import sys
import warnings

from transformers.utils import chat_template_utils

count, seed, target = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
chance = random.Random(seed)
variables = json.loads((pathlib.Path(__file__).parent.parent / "Cases/variables.json").read_text())

VALUES = [
    *variables, "undefined_name", "1", "0", "-2", "2.5", "1e3", "true", "none", "''", "'a'", "'b,c d'", "' x\\n'",
    "\"it's\"", "'%s-%d'", "'{}{:>4}'", "[]", "[1, 2]", "[2, 1, 2]", "('a', 'b')", "{}", "{'a': 1, 'b': [2]}",
    "range(4)", "messages[0]", "messages[-1].content", "object.items()", "letters[1:]", "tree[0].children",
    "namespace(a=1)", "dict(a=1)", "'<b>'", "loop", "ns", "ns.a", "x", "y", "lipsum", "3 is odd",
]
OPERATORS = [
    "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or",
]
NAMES = ["'role'", "'content'", "'n'", "'a'", "'upper'", "'string'", "'odd'", "'name'"]
FILTERS = [
    "abs", "attr('get')", "batch(2)", "batch(3, 'z')", "capitalize", "center(7)", "count", "default('d')",
    "default('d', true)", "d(1)", "dictsort", "dictsort(by='value')", "dictsort(reverse=true)", "e", "escape",
    "first", "float", "float(2)", "forceescape", "format(1)", "format('q', 2)", "groupby('role')",
    "groupby('n', default=0)", "indent", "indent(2)", "indent('> ', first=true)", "int", "int(3)", "int(base=16)",
    "items", "join", "join(', ')", "join('-', attribute='role')", "last", "length", "list", "lower", "map('upper')",
    "map(attribute='role')", "map(attribute='content', default='?')", "map('default', 'w')", "map('length')", "max",
    "max(attribute='n')", "min", "reject('none')", "reject", "rejectattr('content')",
    "rejectattr('role', 'eq', 'user')", "rejectattr('role', 'in', ['user'])", "replace('a', 'b')",
    "replace('l', '', 1)", "reverse", "round", "round(1)", "round(0, 'ceil')", "round(-1)", "safe", "select('string')",
    "select('in', [1, 2])", "select('gt', 1)", "select", "selectattr('role', 'equalto', 'user')",
    "selectattr('content', 'defined')", "selectattr('n', 'gt', 1)", "slice(2)", "slice(3, 'z')", "sort",
    "sort(reverse=true)", "sort(attribute='n')", "sort(attribute='role,n')", "string", "sum",
    "sum(attribute='n')", "title", "tojson", "tojson(indent=2)", "tojson(ensure_ascii=true)", "trim", "trim('ab')",
    "truncate(5)", "truncate(8, true, '!')", "unique", "unique(attribute='role')", "upper", "wordcount",
    "list | length", "list | tojson", "list | string", "string | length",
]
TESTS = [
    "defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence",
    "iterable", "callable", "true", "false", "odd", "even", "divisibleby(2)", "divisibleby 3", "eq 1", "equalto('a')",
    "ne(2)", "lt 3", "ge(1)", "in [1, 2, 'a']", "in('abc')", "sameas(none)", "lower", "upper", "escaped",
    "filter", "test", "greaterthan(0)", "lessthan 5", "== 1", "!= 'a'",
]
METHODS = [
    "upper()", "lower()", "strip()", "strip('ab ')", "lstrip()", "rstrip('\\n')", "split()", "split(',')",
    "split(' ', 1)", "rsplit(None, 1)", "splitlines()", "splitlines(keepends=true)", "startswith('a')",
    "endswith(('n', 'd'))", "replace('a', 'c')", "replace('l', 'L', count=1)", "find('l')", "count('l')", "index('a')",
    "title()", "capitalize()", "swapcase()", "casefold()", "zfill(5)", "center(9, '*')", "ljust(4)", "rjust(4, '.')",
    "join(['p', 'q'])", "join(letters)", "isdigit()", "isalpha()", "isupper()", "islower()", "isspace()", "istitle()",
    "isidentifier()", "isascii()", "isprintable()", "partition(',')", "rpartition(' ')", "removeprefix('a')",
    "removesuffix('d')", "expandtabs(4)", "format(1, 2)", "format(a=1)", "items()", "keys()", "values()", "get('a')",
    "get('zz', 4)", "copy()", "count(1)", "index(2)", "append(1)", "pop()",
    "a", "role", "content",
]
SUBSCRIPTS = [
    "[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", "[::2]", "[1:3]", "[9]", "['a']", "['role']", "[none]", "[1.0]", "[true]",
    "[-2:9]", "[3:1:-1]", "[:0]", "[x]", "['b'][0]", "[0].role", "[0]['n']", "[0][0]",
]


def works(text):
    """Whether an expression gives anything where names have no surprising values."""
    try:
        compiled = chat_template_utils._compile_jinja_template("{{ " + text + " }}")
        return len(compiled.render(**copy.deepcopy(variables), x=1, y="b", ns={"a": 2})) < 2000
    except Exception:
        return False


def expression(depth):
    """Mostly one that works: of those that do not few are tried."""
    text = attempt(depth)
    for _ in range(0 if chance.random() < 0.07 else 6):
        if depth <= 0 or works(text):
            break
        text = attempt(depth)
    return text


def attempt(depth):
    kind = chance.random()
    if depth <= 0 or kind < 0.18:
        return chance.choice(VALUES)
    if kind < 0.40:
        return f"{expression(depth - 1)} | {chance.choice(FILTERS)}"
    if kind < 0.52:
        return f"{expression(depth - 1)} {chance.choice(OPERATORS)} {expression(depth - 1)}"
    if kind < 0.60:
        return f"({expression(depth - 1)}) {chance.choice(OPERATORS)} {expression(depth - 1)}"
    if kind < 0.70:
        return f"({expression(depth - 1)}).{chance.choice(METHODS)}"
    if kind < 0.76:
        subscript = chance.choice(SUBSCRIPTS)
        # Of slices of what is known beforehand Jinja makes something else than of others.
        value = chance.choice(list(variables)) if ":" in subscript else expression(depth - 1)
        return f"({value}){subscript}"
    if kind < 0.84:
        return f"{expression(depth - 1)} is {chance.choice(['', 'not '])}{chance.choice(TESTS)}"
    if kind < 0.88:
        return f"{expression(depth - 1)} if {expression(depth - 1)} else {expression(depth - 1)}"
    if kind < 0.90:
        return f"{expression(depth - 1)} if {expression(depth - 1)}"
    if kind < 0.92:
        return f"not {expression(depth - 1)}"
    if kind < 0.94:
        return f"-{expression(depth - 1)}"
    if kind < 0.96:
        return f"[{expression(depth - 1)}, {expression(depth - 1)}]"
    if kind < 0.98:
        return f"{{'k': {expression(depth - 1)}, {expression(0)}: 1}}"
    return f"({expression(depth - 1)}, {expression(depth - 1)})"


def tag(text):
    left, right = chance.choice(["", "", "", "-", "+"]), chance.choice(["", "", "", "-", "+"])
    return f"{{%{left} {text} {right}%}}"


def space():
    return chance.choice(["", "", " ", "\n", "  \n", "\n  ", "a", " b "])


def statement(depth):
    kind = chance.random()
    if depth <= 0 or kind < 0.35:
        left, right = chance.choice(["", "", "-"]), chance.choice(["", "", "-"])
        return f"{space()}{{{{{left} {expression(chance.randint(0, 3))} {right}}}}}{space()}"
    body = lambda: "".join(statement(depth - 1) for _ in range(chance.randint(1, 2)))
    value = lambda: expression(chance.randint(0, 2))
    if kind < 0.50:
        tail = chance.choice(["", tag("else") + body(), tag(f"elif {value()}") + body() + tag("else") + body()])
        return tag(f"if {value()}") + body() + tail + tag("endif")
    if kind < 0.68:
        names = chance.choice(["x", "x", "y", "x, y", "(x, y)"])
        keep = chance.choice(["", "", "", f" if {value()}"])
        inner = chance.choice(["", "", tag("break"), tag("continue"), "{{ loop.index }}", "{{ loop.last }}"])
        other = chance.choice(["", "", tag("else") + body()])
        return tag(f"for {names} in {value()}{keep}") + body() + inner + body() + other + tag("endfor")
    if kind < 0.78:
        return tag(f"set {chance.choice(['x', 'y', 'x, y', 'ns.a', 'seven'])} = {value()}")
    if kind < 0.82:
        return tag(chance.choice(["set x", "set y | trim", "set ns.a"])) + body() + tag("endset")
    if kind < 0.86:
        return tag("macro m(x, y=1)") + body() + tag("endmacro") + chance.choice([
            "{{ m(1) }}", "{{ m(y=2, x='q') }}", "{{ m() }}", "{{ m(*[1, 2]) }}", "{{ m('a') | upper }}"])
    if kind < 0.89:
        return (
            tag("macro c(x)") + "{{ caller() }}" + body() + tag("endmacro") + tag(f"call c({value()})") + body()
            + tag("endcall"))
    if kind < 0.92:
        return tag(f"filter {chance.choice(FILTERS)}") + body() + tag("endfilter")
    if kind < 0.95:
        return tag(f"with x = {value()}") + body() + tag("endwith")
    if kind < 0.97:
        return tag("generation") + body() + tag("endgeneration")
    if kind < 0.98:
        return "{#" + chance.choice(["", "-", "+"]) + " note {{ x }} #}"
    return tag("raw") + "{{ x }}" + tag("endraw")


class Noon(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 12)


def late(*_):
    raise TimeoutError


warnings.simplefilter("ignore")
chat_template_utils.datetime = Noon
signal.signal(signal.SIGALRM, late)
cases = []
while len(cases) < count:
    template = "{% set ns = namespace(a=2) %}" * chance.randint(0, 1)
    template += "".join(statement(chance.randint(0, 3)) for _ in range(chance.randint(1, 3)))
    signal.alarm(5)
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        rendered = compiled.render(**copy.deepcopy(variables))
    except TimeoutError:
        continue
    except Exception:
        rendered = None
    finally:
        signal.alarm(0)
    # Addresses are nobody's to repeat.
    if "lipsum" in template or rendered and (" at 0x" in rendered.lower() or "<class" in rendered):
        continue
    if rendered and len(rendered) > 20000:
        continue
    cases.append(dict(template=template, rendered=rendered))
with open(target, "w") as file:
    json.dump(dict(variables=variables, cases=cases), file)
