"""Mutation check: small faults put into the code one at a time, to see whether a test notices.

    python tests/mutate.py                                   # 40 mutants of all four parts
    python tests/mutate.py qa rewards --count 20 --seed 1
    python tests/mutate.py --only agent/qa/say.py:57         # the mutants of one line

Each mutant is one changed operator, comparison, condition or number in a copy of the checkout,
in which the tests of its part run until the first fails. A mutant that no test notices survives
and is printed with its line before and after: either a test is missing, or the change makes no
difference to a user. Not part of the suite; 40 mutants take about half an hour of one core.

Knows Python's syntax and nothing about Duchenne but which tests belong to which part.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "grounding": (("agent/grounding",), ("test_verify", "test_grounding", "test_qa_say")),
    "reading": (
        ("agent/reading",),
        (
            "test_rules",
            "test_reading",
            "test_reading_voice",
            "test_features",
            "test_qa_felt",
            "test_reading_words",
        ),
    ),
    "qa": (("agent/qa",), ("test_qa_execute", "test_qa_felt", "test_qa_say", "test_qa_queries")),
    "rewards": (
        ("finetune/rewards.py", "eval/rewards.py", "eval/alignment.py"),
        ("test_rewards", "test_world", "test_published"),
    ),
}
"""By part: its sources, and the test files that should notice a fault in them."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
}  # fmt: skip
SECONDS = 240
"""A mutant that runs longer than this loops for ever, and counts as noticed."""


@dataclass(frozen=True, slots=True)
class Mutant:
    part: str
    file: str
    line: int
    start: int
    end: int
    """Bytes of the file that `after` takes the place of."""
    after: str

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.after.encode() + source[self.end :]


def changed(node: ast.AST) -> Iterator[ast.expr]:
    """What may stand in the place of an expression or a condition: each one is a fault."""
    match node:
        case ast.Compare(left, [operator], [right]) if type(operator) in COMPARISONS:
            yield ast.Compare(left, [COMPARISONS[type(operator)]()], [right])
        case ast.BinOp(left, operator, right) if type(operator) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(operator)](), right)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Call(ast.Name("min" | "max" as name), arguments, keywords):
            other = ast.Name("max" if name == "min" else "min")
            yield ast.Call(other, arguments, keywords)


def inside(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run: no annotations, imports for types, or texts of errors."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list") or isinstance(node, ast.Raise):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            yield child
            yield from inside(child)


def mutants(part: str, path: Path) -> list[Mutant]:
    source = path.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(source)
    in_texts = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for child in ast.walk(node)
    }
    made = []
    for node in inside(tree):
        if id(node) in in_texts:  # positions inside f-strings differ between Python versions
            continue
        for one in changed(node):
            if not isinstance(node, ast.expr) or node.end_lineno is None:
                continue
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + (node.end_col_offset or 0)
            text = ast.unparse(ast.fix_missing_locations(one))
            file = path.relative_to(ROOT).as_posix()
            made.append(Mutant(part, file, node.lineno, start, end, f"({text})"))
    return made


def all_mutants(parts: list[str]) -> dict[str, list[Mutant]]:
    found: dict[str, list[Mutant]] = {}
    for part in parts:
        sources = [ROOT / one for one in PARTS[part][0]]
        files = [f for one in sources for f in (sorted(one.rglob("*.py")) or [one])]
        found[part] = [mutant for file in files for mutant in mutants(part, file)]
    return found


def copy_of_checkout(place: Path) -> Path:
    """The checkout without what it ignores; model files are shared, as they are only read."""
    ignore = shutil.ignore_patterns(".git", ".*_cache", ".test-run", ".venv", "__pycache__", "site")
    shutil.copytree(ROOT, place, ignore=ignore, symlinks=True)
    (place / ".test-run").mkdir()
    (place / ".test-run" / "models").symlink_to(ROOT / ".test-run" / "models")
    return place


def tests_pass(copy: Path, part: str) -> tuple[bool, str]:
    """Whether the part's tests pass in the copy, and the last lines of what they say."""
    files = [f"tests/{name}.py" for name in PARTS[part][1]]
    shared = os.environ.get("DUCHENNE_SHARED", str(ROOT.parent / "shared"))
    environment = os.environ | {
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DUCHENNE_SHARED": shared,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files],
            cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"no end within {SECONDS} s"
    # 1: a test failed; 2: a module could not be imported. Anything else is no verdict on a mutant.
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode == 0, done.stdout[-2000:]


def describe(mutant: Mutant) -> str:
    source = (ROOT / mutant.file).read_bytes()
    before = source[mutant.start : mutant.end].decode()
    return f"{mutant.file}:{mutant.line}\n    - {before}\n    + {mutant.after[1:-1]}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Put small faults into the code, one at a time; list those no test notices."
    )
    parser.add_argument("parts", nargs="*", default=[*PARTS], help=f"of {', '.join(PARTS)}")
    parser.add_argument("--count", type=int, default=40, help="mutants in all (default: 40)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other mutants")
    parser.add_argument("--only", help="FILE or FILE:LINE: all its mutants, none drawn")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    found = all_mutants(asked.parts)
    if asked.only:
        file, _, line = asked.only.partition(":")
        everything = (one for part in found.values() for one in part)
        drawn = [m for m in everything if m.file == file and (not line or m.line == int(line))]
    else:
        chance = random.Random(asked.seed)
        share = -(-asked.count // len(found))
        drawn = [one for part in found.values() for one in chance.sample(part, share)][
            : asked.count
        ]
    if not drawn:
        parser.error("no mutants there")

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = copy_of_checkout(Path(folder) / "checkout")
        for part in sorted({mutant.part for mutant in drawn}):
            sound, said = tests_pass(copy, part)
            if not sound:
                raise SystemExit(f"the tests of {part} fail without any mutant:\n{said}")
        survivors = []
        for number, mutant in enumerate(drawn, 1):
            begun, target = time.monotonic(), copy / mutant.file
            source = target.read_bytes()
            target.write_bytes(mutant.apply(source))
            survived, _ = tests_pass(copy, mutant.part)
            target.write_bytes(source)
            survivors += [mutant] if survived else []
            verdict = "SURVIVED" if survived else "noticed"
            took = time.monotonic() - begun
            print(f"{number}/{len(drawn)} {verdict} ({took:.0f} s) {describe(mutant)}", flush=True)
    print(f"\n{len(survivors)} of {len(drawn)} mutants survived")
    for mutant in survivors:
        print(describe(mutant))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
