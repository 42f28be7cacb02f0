"""Which cells of a notebook have to run, so that every check gives what it would give if all cells ran.

The cells are read in order, and never run. Of each name is remembered which cells its value comes from,
which objects it may share, which functions of the notebook it may call, and what was imported under it.
Functions of the notebook are followed into their bodies where they are called. What is not known to leave its
arguments as they are may change them: a cell too many costs time, one too few would cost a student the grade.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, reduce

from IPython.core.inputtransformer2 import TransformerManager

from labutils.exercises.registry import all_exercises

_STEPS = 60_000  # expressions looked at, before a notebook is held for too entangled to be cut
_TOP_LEVEL = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

# States that no variable holds; names with a dash cannot be those of variables.
_NUMPY, _PYTHON, _KERAS = "random-numpy", "random-python", "random-keras"
_SETTINGS, _FILES, _FIGURES = "settings-keras", "files-folder-environment", "figures-pyplot"
_RANDOM = frozenset({_NUMPY, _PYTHON, _KERAS})

# What could do anything: nothing can be said of a notebook that uses it.
_ANYTHING = """
eval exec compile globals locals vars dir __import__ breakpoint exit quit delattr memoryview input
""".split()
_MODULES_FOR_ANYTHING = """
builtins importlib inspect gc ctypes runpy code codeop threading multiprocessing concurrent asyncio atexit
signal pickle dill cloudpickle marshal sys IPython ipykernel __main__ weakref dis types unittest
faulthandler traceback tracemalloc
""".split()
_HARMLESS_MAGICS = """
matplotlib config autoreload load_ext precision pinfo pinfo2 psearch pdoc psource pwd who whos lsmagic
""".split()
_TIMING_MAGICS = "time timeit prun capture".split()
# Modules whose functions leave their arguments as they are, but for those named below.
_KNOWN = """
builtins numpy pandas scipy sklearn statsmodels math cmath statistics itertools functools collections time
datetime calendar re string textwrap copy typing dataclasses operator fractions decimal labutils keras
matplotlib seaborn ipywidgets contextlib abc enum numbers json csv bisect heapq random pprint warnings os
pathlib shutil glob tempfile io zipfile urllib platform __future__ uuid hashlib
""".split()
_OF_FILES = "os pathlib shutil glob tempfile io zipfile urllib".split()
_CHANGING_FUNCTIONS = """
shuffle fill_diagonal copyto put place putmask put_along_axis heappush heappop heapify heapreplace
heappushpop insort insort_left insort_right dump setattr next
""".split()
_SETTING_FUNCTIONS = """
seterr seterrcall setbufsize set_printoptions filterwarnings simplefilter set_option reset_option
setlocale setcontext getcontext
""".split()
_VALUES = """
len int float str bool abs round hash ord chr isinstance issubclass repr id format callable hasattr print
any all pow divmod range bin hex oct ascii complex bytes display help
""".split()
_ITERATORS = "zip map filter enumerate reversed iter".split()
_CONSTANTS = "nan inf pi e newaxis".split()
_VIEWS = """
asarray asanyarray ascontiguousarray reshape ravel squeeze transpose swapaxes moveaxis atleast_1d
atleast_2d atleast_3d broadcast_to broadcast_arrays split array_split hsplit vsplit expand_dims
sliding_window_view as_strided diagonal rollaxis flip fliplr flipud rot90 nditer ndenumerate
frombuffer
""".split()
_NOT_RANDOM = """
LinearRegression Ridge RidgeCV Lasso LassoCV LogisticRegression KNeighborsClassifier KNeighborsRegressor
NearestNeighbors StandardScaler MinMaxScaler PolynomialFeatures CountVectorizer TfidfVectorizer
TfidfTransformer OneHotEncoder LabelEncoder Pipeline make_pipeline GaussianNB MultinomialNB BernoulliNB
make_column_transformer ColumnTransformer FunctionTransformer SimpleImputer TimeSeriesSplit
""".split()
_KERAS_WITHOUT_DRAWS = (
    "keras.utils. keras.ops. keras.callbacks. keras.optimizers. keras.metrics. keras.losses. \
keras.activations. keras.regularizers. keras.layers.Input keras.Input keras.tree. keras.constraints. \
keras.config. keras.backend. keras.mixed_precision. keras.datasets.".split()
)
# Methods that leave their object and their arguments as they are; the first give something new.
_NEW_FROM = """
mean std var sum min max argmin argmax argsort prod cumsum cumprod all any item tolist astype dot nonzero
searchsorted repeat round clip predict predict_proba predict_on_batch predict_log_proba decision_function
score evaluate test_on_batch count_params get_weights get_config kneighbors transform inverse_transform
numpy split rsplit join strip lstrip rstrip lower upper title capitalize replace format startswith
endswith encode decode find rfind count index splitlines zfill ljust rjust center isdigit isalpha isalnum
isspace islower isupper partition rpartition removeprefix removesuffix translate casefold swapcase
isnumeric isdecimal median quantile mode nunique unique value_counts idxmin idxmax isin isna notna isnull
notnull abs corr between get_feature_names_out bit_length is_integer as_integer_ratio group groups start
end span match fullmatch search findall sub strftime isoformat total_seconds to_bytes hex conj trace
tobytes get_params
""".split()
_LISTS_FROM = """
get_weights split rsplit splitlines tolist groups findall partition rpartition get_config get_params
""".split()
_SHARING = """
reshape ravel flatten transpose squeeze swapaxes view items keys values get head tail query groupby pivot
pivot_table agg aggregate apply map rename rename_axis reset_index set_index sort_values sort_index drop
dropna fillna merge assign describe to_frame to_numpy to_dict to_list unstack stack melt sample rolling
shift diff pct_change rank first last nth filter get_layer summary at_kept_epoch copy diagonal union
intersection difference symmetric_difference issubset issuperset isdisjoint droplevel add_prefix
add_suffix nlargest nsmallest eq ne lt le gt ge size cummax cummin expanding where mask explode
convert_dtypes duplicated drop_duplicates concat info
""".split()
_FITTING = """
fit partial_fit fit_transform fit_predict train_on_batch compile build set_weights load_weights adapt
set_params
""".split()
_CONTAINER_CHANGES = """
append extend insert remove pop popitem clear update setdefault add discard sort reverse appendleft
popleft extendleft rotate intersection_update difference_update symmetric_difference_update
""".split()
_WRITING = """
write writelines write_text write_bytes mkdir rmdir unlink touch rename to_csv to_pickle to_excel to_json
to_parquet to_hdf savefig save save_weights export tofile close
""".split()
_READING = "read readline readlines read_text read_bytes exists is_file is_dir iterdir rglob load".split()
_NAMES_OF_IPYTHON = re.compile(r"_+|_i+|_i?\d+|_[odi]h|In|Out|_exit_code|get_ipython")
_PLAIN_DUNDERS = {"__name__", "__doc__", "__version__", "__init__", "__file__", "__len__", "__post_init__"}


class _CannotTell(Exception):
    """Something whose consequences cannot be read off the code."""


@dataclass(eq=False)
class _Token:
    """The objects that a place in the code makes while a cell runs.

    Their kind is "container" (list, dictionary …), "array", "function", "iterator", "generator" (of random
    numbers, or an open file), "library" (made by a known one), "data" (of labutils), or "thing" (unknown).
    """

    kind: str


@dataclass(frozen=True)
class _Value:
    """What is known of a value: the objects it may be (a state is one, too), those it may hold, the functions
    of the notebook and what was imported that may be in it; of a variable also the cells that made it."""

    objects: frozenset[_Token | str] = frozenset()
    held: frozenset[_Token | str] = frozenset()
    code: frozenset[_Closure] = frozenset()
    paths: frozenset[str] = frozenset()
    cells: frozenset[int] = frozenset()

    def __or__(self, other: _Value) -> _Value:
        if other is _NOTHING or (
            other.objects <= self.objects
            and other.held <= self.held
            and other.code <= self.code
            and other.paths <= self.paths
            and other.cells <= self.cells
        ):
            return self
        return _Value(
            self.objects | other.objects,
            self.held | other.held,
            self.code | other.code,
            self.paths | other.paths,
            self.cells | other.cells,
        )

    @property
    def all(self) -> frozenset[_Token | str]:
        return self.objects | self.held

    @property
    def value(self) -> _Value:
        """Without the cells, as a value that is passed on."""
        return replace(self, cells=frozenset()) if self.cells else self

    @property
    def inside(self) -> _Value:
        """What is in it, as a value that holds this."""
        return _Value(frozenset(), self.all, self.code, self.paths)

    @property
    def elements(self) -> _Value:
        """What comes of it by an index or in a loop."""
        parts = {t for t in self.objects if isinstance(t, str) or t.kind not in ("container", "iterator")}
        code = frozenset(closure for closure in self.code if not closure.is_lazy)
        return _Value(self.held | parts, self.held, code, self.paths)


_NOTHING = _Value()


class _Scope(dict):
    """Names and their values: of the notebook (without a parent), of a function, a class, a comprehension."""

    __hash__ = object.__hash__

    def __init__(
        self, parent: _Scope | None = None, own: frozenset[str] = frozenset(), kind: str = "function"
    ):
        super().__init__()
        self.parent, self.own, self.kind = parent, own, kind
        self.outer: set[str] = set()  # declared global or nonlocal
        self.returned = _NOTHING


@dataclass(frozen=True, eq=False)
class _Closure:
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp
    scope: _Scope
    defaults: _Value = _NOTHING
    is_method: bool = False
    is_lazy: bool = False  # the code of a generator, which what comes out of it does not call


@cache
def _yields(node: ast.AST) -> bool:
    return any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in ast.walk(node))


def _union(values: Iterator[_Value] | Sequence[_Value]) -> _Value:
    return reduce(_Value.__or__, values, _NOTHING)


def _kinds(value: _Value) -> set[str]:
    return {"library" if isinstance(t, str) else t.kind for t in value.objects}


def _is_own(value: _Value) -> bool:
    """Whether it may be an object of a class of the notebook, whose operators can do anything."""
    return any(closure.is_method for closure in value.code)


def _lasting(value: _Value) -> _Value:
    """Return a value without what is consumed: what a library makes of it has read it to its end."""
    kept = [
        frozenset(t for t in part if isinstance(t, str) or t.kind not in ("iterator", "generator"))
        for part in (value.objects, value.held)
    ]
    return _Value(*kept, value.elements.code, value.paths)


@cache
def _own_names(node: ast.AST) -> frozenset[str]:
    """Return the names that a function binds, those of functions within it left out."""
    names: set[str] = set()
    outer: set[str] = set()
    if not isinstance(node, ast.GeneratorExp):
        names |= {inner.arg for inner in ast.walk(node.args) if isinstance(inner, ast.arg)}
    body = node.body if isinstance(getattr(node, "body", None), list) else []
    waiting = list(body)
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(inner.name)
            continue
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            names.add(inner.id)
        elif isinstance(inner, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in inner.names}
        elif isinstance(inner, (ast.Global, ast.Nonlocal)):
            outer |= set(inner.names)
        elif name := getattr(inner, "name", None) or getattr(inner, "rest", None):
            names |= {name} if isinstance(name, str) else set()  # except … as name, case … as name
        if not isinstance(inner, ast.Lambda):
            waiting += ast.iter_child_nodes(inner)
    return frozenset(names - outer)


@dataclass
class _Reader(ast.NodeVisitor):
    """Reads cells in order. `reads`: for each cell those whose results it uses; `always`: those to run."""

    training: bool = True  # whether a fit changes its model, and draws random numbers
    reads: dict[int, set[int]] = field(default_factory=dict)
    always: set[int] = field(default_factory=set)

    def __post_init__(self):
        self.top = _Scope(kind="notebook")
        self.scopes: list[_Scope] = [self.top]
        self.captured: list[_Scope] = []
        self.frames: dict[tuple, _Scope] = {}  # of functions, one for all calls in a cell
        self.done: set[tuple] = (
            set()
        )  # those followed in this statement of the cell with what they were given
        self.closures: dict[tuple, _Closure] = {}
        self.active: set[_Scope] = set()
        self.again: set[_Scope] = set()  # those of active functions that have called themselves with more
        self.steps = 0
        self.place: ast.AST = ast.Pass()
        self.tokens: dict[tuple[str, int, ast.AST], _Token] = {}

    def read_cell(self, number: int, source: str) -> None:
        """Follow what a cell does to names and values; one that is no Python never runs."""
        self.cell = number
        self.reads[number] = set()
        statements = _parsed(source)
        if statements and all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in statements):
            self.always.add(number)
        self.statements(statements)

    def read_end(self, number: int, names: set[str]) -> None:
        """Count the values that these names have at the end, and what they give when they are called."""
        self.cell = number
        self.reads[number] = set()
        self.always.add(number)
        self.done.clear()
        for name in names & self.top.keys():
            self.name(name)

    def behind(self, cells: set[int]) -> set[int]:
        """Return these cells and all whose results they use."""
        found, waiting = set(), list(cells)
        while waiting:
            if (cell := waiting.pop()) not in found:
                found.add(cell)
                waiting += self.reads[cell]
        return found

    # ------------------------------------------------------------------ names and states

    def new(self, kind: str = "thing", *of: _Value) -> _Value:
        token = self.tokens.setdefault((kind, self.cell, self.place), _Token(kind))
        return _union([_Value(frozenset({token})), *of])

    @property
    def scope(self) -> _Scope:
        return self.scopes[-1]

    def name(self, name: str, called: bool = False) -> _Value:
        """Return the value of a name; what it holds may be called, but for a function that is called here."""
        scope: _Scope | None = self.scope
        while scope.parent is not None and (name in scope.outer or name not in scope.own):
            scope = scope.parent
        value = scope.get(name)
        if value is None:
            if scope is self.top and _NAMES_OF_IPYTHON.fullmatch(name):
                raise _CannotTell(f"{name} is what a cell has shown")
            known = hasattr(builtins, name) or name == "display"
            return _Value(paths=frozenset({f"builtins.{name}"})) if known else self.new()
        if scope is self.top:
            self.reads[self.cell] |= value.cells - {self.cell}
        if consumed := {
            t for t in value.objects if isinstance(t, _Token) and t.kind in ("iterator", "generator")
        }:
            self.change(frozenset(consumed))
        if not called:
            self.call_all(value.code, _NOTHING)
        return value.value

    def bind(self, name: str, value: _Value) -> None:
        scope: _Scope | None = self.scope
        while scope.parent is not None and (name in scope.outer or name not in scope.own):
            scope = scope.parent
        if scope is self.top:
            scope[name] = replace(value, cells=frozenset({self.cell}))
        else:
            scope[name] = scope.get(name, _NOTHING) | value

    def use(self, *states: str) -> None:
        for state in states if self.training else ():
            self.reads[self.cell] |= self.top.get(state, _NOTHING).cells - {self.cell}

    def touch(self, *states: str) -> None:
        self.use(*states)
        for state in states:
            self.top[state] = self.top.get(state, _NOTHING) | _Value(cells=frozenset({self.cell}))

    def settle(self, *states: str) -> None:
        for state in states:
            self.top[state] = _Value(cells=frozenset({self.cell}))

    def change(
        self,
        objects: frozenset[_Token | str],
        gained: _Value = _NOTHING,
        fixed: Sequence[str] = ("data", "function"),
    ) -> None:
        """Every name that has to do with these objects may have changed, and hold what is gained."""
        self.touch(*(t for t in objects if isinstance(t, str)))
        changed = {t for t in objects if isinstance(t, _Token) and t.kind not in fixed}
        more = replace(gained.inside, cells=frozenset({self.cell}))
        for scope in [*self.scopes, *self.captured] if changed else ():
            for name, old in scope.items():
                if not (changed.isdisjoint(old.objects) and changed.isdisjoint(old.held)):
                    scope[name] = old | more

    @contextlib.contextmanager
    def perhaps(self) -> Iterator[None]:
        """What happens within may happen or not."""
        before = dict(self.top)
        yield
        for name, value in before.items():
            if (now := self.top.get(name, value)) is not value:
                self.top[name] = now | value

    # ------------------------------------------------------------------ statements

    def statements(self, nodes: Sequence[ast.stmt]) -> None:
        for node in nodes:
            if self.scope is self.top:
                self.done.clear()
            self.visit(node)

    def generic_visit(self, node: ast.AST) -> _Value:
        return _union([self.visit(child) for child in ast.iter_child_nodes(node)])

    def visit(self, node: ast.AST) -> _Value:
        self.steps += 1
        if self.steps > _STEPS:
            raise _CannotTell("too entangled")
        outside, self.place = self.place, node
        value = super().visit(node) or _NOTHING
        self.place = outside
        return value

    def visit_Assign(self, node: ast.Assign) -> None:
        first = node.targets[0]
        if (
            isinstance(node.value, ast.Tuple)
            and isinstance(first, ast.Tuple)
            and len(node.targets) == 1
            and len(first.elts) == len(node.value.elts)
            and not any(isinstance(part, ast.Starred) for part in [*first.elts, *node.value.elts])
        ):
            values = [self.visit(part) for part in node.value.elts]
            for target, value in zip(first.elts, values):
                self.assign(target, value)
            return
        value = self.visit(node.value)
        for target in node.targets:
            self.assign(target, value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.visit(node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> _Value:
        value = self.visit(node.value)
        self.assign(node.target, value)
        return value

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        value = self.visit(node.value)
        if isinstance(node.target, ast.Name):
            old = self.name(node.target.id)
            value = _NOTHING if _kinds(old) == {"array"} else value
            self.change(old.objects, value, fixed=("function",))
            self.bind(node.target.id, old | value)
            if self.scope is self.top:
                self.top[node.target.id] |= old
        else:
            self.assign(node.target, value)

    def assign(self, target: ast.AST, value: _Value) -> None:
        if isinstance(target, ast.Name):
            self.bind(target.id, value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self.call_all(value.code, _NOTHING)
            for part in target.elts:
                self.assign(part, value.elements)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, self.new("container", value.inside))
        else:
            owner = self.visit(target.value)
            if isinstance(target, ast.Subscript):
                self.visit(target.slice)
            self.change_owner(target, owner, value)

    def change_owner(self, target: ast.AST, owner: _Value, value: _Value) -> None:
        # what is put into an array is copied
        self.change(owner.objects, _NOTHING if _kinds(owner) == {"array"} else value, fixed=())
        if _is_own(owner):
            self.call_all(owner.code, owner | value)
        for path in owner.paths if not owner.objects else ():
            if path.startswith(("matplotlib", "seaborn")):
                self.touch(_FIGURES)
            elif path.startswith("os.environ"):
                self.touch(_FILES)
            else:
                raise _CannotTell(f"{path} is changed")

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                old = self.name(target.id)
                self.bind(target.id, old)
            elif isinstance(target, (ast.Attribute, ast.Subscript)):
                self.change_owner(target, self.visit(target.value), _NOTHING)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            path = alias.name if alias.asname else alias.name.split(".")[0]
            self.imported(alias.asname or path, alias.name, path)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                raise _CannotTell("import *")
            path = f"{'.' * node.level}{node.module or ''}.{alias.name}"
            self.imported(alias.asname or alias.name, path, path)

    def imported(self, name: str, module: str, path: str) -> None:
        if module.split(".")[0] not in _KNOWN:
            self.always.add(self.cell)  # what it does when it is loaded is not known
        self.bind(name, _Value(paths=frozenset({path})))

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        with self.perhaps():
            self.statements(node.body)
        with self.perhaps():
            self.statements(node.orelse)

    def visit_While(self, node: ast.While) -> None:
        with self.perhaps():
            for _ in range(2):
                self.visit(node.test)
                self.statements(node.body)
        with self.perhaps():
            self.statements(node.orelse)
        self.visit(node.test)

    def visit_For(self, node: ast.For) -> None:
        items = self.elements(node.iter)
        with self.perhaps():
            for _ in range(2):
                self.assign(node.target, items)
                self.statements(node.body)
        with self.perhaps():
            self.statements(node.orelse)

    visit_AsyncFor = visit_For

    def elements(self, node: ast.AST) -> _Value:
        value = self.visit(node)
        self.call_all(value.code, _NOTHING)
        return value.elements

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            value = self.visit(item.context_expr)
            self.call_all(value.code, value)
            self.change(value.objects)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        with self.perhaps():
            self.statements(node.body)

    visit_AsyncWith = visit_With

    def visit_Try(self, node: ast.Try) -> None:
        with self.perhaps():
            self.statements(node.body)
        for handler in node.handlers:
            with self.perhaps():
                if handler.type is not None:
                    self.visit(handler.type)
                if handler.name:
                    self.bind(handler.name, self.new())
                self.statements(handler.body)
        with self.perhaps():
            self.statements(node.orelse)
        self.statements(node.finalbody)

    visit_TryStar = visit_Try

    def visit_Match(self, node: ast.Match) -> None:
        subject = self.visit(node.subject)
        for case in node.cases:
            with self.perhaps():
                for inner in ast.walk(case.pattern):
                    if name := getattr(inner, "name", None) or getattr(inner, "rest", None):
                        self.bind(name, subject)
                self.generic_visit(case.pattern)
                if case.guard is not None:
                    self.visit(case.guard)
                self.statements(case.body)

    def visit_Global(self, node: ast.Global) -> None:
        self.scope.outer |= set(node.names)

    visit_Nonlocal = visit_Global

    def visit_Return(self, node: ast.Return | ast.Yield) -> _Value:
        if node.value is not None:
            self.scope_of_function.returned |= self.visit(node.value)
        return _NOTHING

    visit_Yield = visit_YieldFrom = visit_Return

    @property
    def scope_of_function(self) -> _Scope:
        return next((s for s in reversed(self.scopes) if s.kind == "function"), self.top)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        value = self.function(node)
        for decorator in reversed(node.decorator_list):
            value = self.called(self.callee(decorator), None, "", [value], {})
        self.bind(node.name, value)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> _Value:
        return self.function(node)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> _Value:
        scope, is_method = self.scope, self.scope.kind == "class"
        if is_method:
            scope = scope.parent
        defaults = _union(
            [self.visit(d) for d in [*node.args.defaults, *node.args.kw_defaults] if d is not None]
        )
        if scope is not self.top and not any(scope is old for old in self.captured):
            self.captured.append(scope)
        return self.new("function", self.closure(node, scope, defaults, is_method), defaults.inside)

    def closure(
        self, node: ast.AST, scope: _Scope, defaults: _Value = _NOTHING, is_method=False, is_lazy=False
    ) -> _Value:
        key = (node, id(scope), is_lazy)
        old = self.closures.get(key)
        if old is None or old.defaults != defaults:
            self.closures[key] = old = _Closure(node, scope, defaults, is_method, is_lazy)
        return _Value(code=frozenset({old}))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = _union([self.visit(base) for base in [*node.bases, *(k.value for k in node.keywords)]])
        body = _Scope(self.scope, kind="class")
        body.own = _own_names(
            ast.FunctionDef("", ast.arguments([], [], None, [], [], None, []), node.body, [])
        )
        self.scopes.append(body)
        self.statements(node.body)
        self.scopes.pop()
        value = _union([self.new("function", bases), *(part.inside for part in body.values())])
        for decorator in reversed(node.decorator_list):
            value |= self.called(self.callee(decorator), None, "", [value], {})
        self.bind(node.name, value)

    # ------------------------------------------------------------------ expressions

    def visit_Name(self, node: ast.Name) -> _Value:
        return self.name(node.id)

    def visit_Constant(self, node: ast.Constant) -> _Value:
        return _NOTHING

    def visit_JoinedStr(self, node: ast.JoinedStr) -> _Value:
        self.generic_visit(node)
        return _NOTHING

    def visit_Compare(self, node: ast.Compare | ast.UnaryOp) -> _Value:
        return self.new("array") if self.generic_visit(node).objects else _NOTHING

    visit_UnaryOp = visit_Compare

    def visit_BinOp(self, node: ast.BinOp) -> _Value:
        value = self.visit(node.left) | self.visit(node.right)
        if not value.objects:
            return _NOTHING
        kinds = _kinds(value)
        shares = isinstance(node.op, (ast.Add, ast.Mult, ast.BitOr)) or _is_own(value)
        held = _Value(held=value.held, code=value.code) if shares else _NOTHING
        known = (kind for kind in ("thing", "container", "library") if kind in kinds)
        return self.new("thing" if _is_own(value) else next(known, "array"), held)

    def visit_List(self, node: ast.List | ast.Tuple | ast.Set | ast.Dict) -> _Value:
        return self.new("container", self.generic_visit(node).inside)

    visit_Tuple = visit_Set = visit_Dict = visit_List

    def visit_Attribute(self, node: ast.Attribute) -> _Value:
        return self.attribute(self.visit(node.value), node.attr)

    def attribute(self, owner: _Value, name: str) -> _Value:
        if name == "check":
            self.always.add(self.cell)
        if name.startswith("__") and name not in _PLAIN_DUNDERS:
            raise _CannotTell(f"{name} leads anywhere")
        longer = (path if path.count(".") > 5 else f"{path}.{name}" for path in owner.paths)
        paths = () if name in _CONSTANTS else longer
        return _Value(owner.all, owner.held, owner.code, frozenset(paths))

    def visit_Subscript(self, node: ast.Subscript) -> _Value:
        self.visit(node.slice)
        value = self.visit(node.value)
        if isinstance(node.slice, ast.Constant) or "container" not in _kinds(value):
            return value.elements
        return value.elements | self.new("container", value.elements.inside)  # it may be a slice

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> _Value:
        value = self.comprehension(node, [node.elt])
        if self.scope is not self.top:
            self.captured.append(self.scope)
        return self.new("iterator", value.inside, self.closure(node, self.scope, is_lazy=True))

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> _Value:
        return self.new("container", self.comprehension(node, [node.elt]).inside)

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> _Value:
        return self.new("container", self.comprehension(node, [node.key, node.value]).inside)

    def comprehension(self, node: ast.AST, results: list[ast.expr]) -> _Value:
        inner = [n for part in node.generators for n in ast.walk(part.target) if isinstance(n, ast.Name)]
        own = frozenset(n.id for n in inner if isinstance(n.ctx, ast.Store))
        self.scopes.append(_Scope(self.scope, own, "comprehension"))
        value = _NOTHING
        with self.perhaps():
            for _ in range(2):
                for part in node.generators:
                    self.assign(part.target, self.elements(part.iter))
                    for condition in part.ifs:
                        self.visit(condition)
                value |= _union([self.visit(result) for result in results])
        self.scopes.pop()
        return value

    # ------------------------------------------------------------------ calls

    def callee(self, node: ast.AST) -> _Value:
        return self.name(node.id, called=True) if isinstance(node, ast.Name) else self.visit(node)

    def visit_Call(self, node: ast.Call) -> _Value:
        if magic := _magic_of(node):
            return self.magic(*magic)
        owner, method = None, ""
        if isinstance(node.func, ast.Attribute):
            owner, method = self.visit(node.func.value), node.func.attr
            callee = self.attribute(owner, method)
        else:
            callee = self.callee(node.func)
        arguments = [self.visit(argument) for argument in node.args]
        spread = any(isinstance(argument, ast.Starred) for argument in node.args)
        keywords = {keyword.arg or "**": self.visit(keyword.value) for keyword in node.keywords}
        if "builtins.getattr" in callee.paths and len(node.args) > 1:
            return self.get_attribute(arguments, node.args[1])
        return self.called(callee, owner, method, arguments, keywords, spread)

    def get_attribute(self, arguments: list[_Value], name: ast.expr) -> _Value:
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            return self.attribute(arguments[0], name.value) | _union(arguments[2:])
        paths = arguments[0].paths
        if arguments[0].all or not paths or any(path.startswith("labutils.ex") for path in paths):
            raise _CannotTell("getattr with a name that is computed")
        return self.attribute(arguments[0], "computed") | _union(arguments[2:])

    def called(
        self,
        callee: _Value,
        owner: _Value | None,
        method: str,
        arguments: list[_Value],
        keywords: dict[str, _Value],
        spread: bool = False,
    ) -> _Value:
        """Return what a call may return, after what it may do."""
        given = _union([*arguments, *keywords.values()])
        result = _NOTHING
        for closure in sorted(callee.code, key=lambda c: (c.node.lineno, c.node.col_offset)):
            everything = given | (owner or callee if closure.is_method or owner is not None else _NOTHING)
            if closure.is_method or spread or "**" in keywords or (owner and owner.all):
                result |= self.call(closure, [], {}, everything)
            else:
                result |= self.call(closure, arguments, keywords, _NOTHING)
            if closure.is_method:
                result |= self.new("thing", everything.inside, _Value(code=callee.code))
        data = [value for value in [*arguments, *keywords.values()] if "function" not in _kinds(value)]
        self.call_all(given.code, _union(data))
        for path in sorted(callee.paths):
            result |= self.call_path(path, arguments, keywords, given)
        things = _kinds(callee) - {"container", "function", "array", "data"}
        if owner is not None and owner.all:
            result |= self.call_method(owner, method, keywords, given)
        elif things:
            unknown = "thing" in things
            self.change(callee.all | given.all if unknown else callee.all, given if unknown else _NOTHING)
            self.use(_SETTINGS)
            result |= self.new("thing", callee.inside, given.inside, given, callee)
        return result

    def call_all(self, code: frozenset[_Closure], given: _Value) -> None:
        """Follow functions that may be called or not, with something that each argument may be."""
        with self.perhaps() if code else contextlib.nullcontext():
            for closure in sorted(code, key=lambda c: (c.node.lineno, c.node.col_offset)):
                self.call(closure, [], {}, given)

    def call(
        self, closure: _Closure, arguments: list[_Value], keywords: dict[str, _Value], everywhere: _Value
    ) -> _Value:
        """Follow a function of the notebook with its arguments, or with something that each may be."""
        node = closure.node
        given = _union([*arguments, *keywords.values(), everywhere])
        scope = self.frames.setdefault(
            (node, id(closure.scope), self.cell), _Scope(closure.scope, _own_names(node))
        )
        before = dict(scope)
        if not isinstance(node, ast.GeneratorExp):
            self.bind_arguments(node.args, scope, arguments, keywords, everywhere | closure.defaults)
        if scope in self.active:  # it calls itself: the call outside goes on with these arguments, too
            self.again |= {scope} if before != scope else set()
            return scope.returned
        if (scope, closure.is_lazy) in self.done and before == scope:
            return scope.returned
        self.done.add((scope, closure.is_lazy))
        caller, self.scopes = self.scopes, [*self.scopes, scope]
        self.active.add(scope)
        returned = None
        while scope in self.again or scope.returned != returned:
            self.again.discard(scope)
            returned = scope.returned
            self.follow(node, scope)
        self.active.discard(scope)
        self.scopes = caller
        if not closure.is_lazy and _yields(node):
            again = self.closure(node, closure.scope, closure.defaults | given, is_lazy=True)
            scope.returned = self.new("iterator", scope.returned.inside, given.inside, again)
        return scope.returned

    def follow(self, node: ast.AST, scope: _Scope) -> None:
        if isinstance(node, ast.GeneratorExp):
            scope.returned |= self.comprehension(node, [node.elt])
        elif isinstance(node, ast.Lambda):
            scope.returned |= self.visit(node.body)
        else:
            returns = sum(isinstance(inner, (ast.Return, ast.Raise)) for inner in ast.walk(node))
            ends_early = returns > isinstance(node.body[-1], ast.Return)
            with self.perhaps() if ends_early else contextlib.nullcontext():
                self.statements(node.body)

    def bind_arguments(
        self,
        names: ast.arguments,
        scope: _Scope,
        arguments: list[_Value],
        keywords: dict[str, _Value],
        everywhere: _Value,
    ) -> None:
        positional = [argument.arg for argument in [*names.posonlyargs, *names.args]]
        for name in [*positional, *(argument.arg for argument in names.kwonlyargs)]:
            scope[name] = scope.get(name, _NOTHING) | keywords.get(name, _NOTHING) | everywhere
        for name, value in zip(positional, arguments):
            scope[name] |= value
        if names.vararg:
            scope[names.vararg.arg] = self.new(
                "container", *(a.inside for a in [*arguments[len(positional) :], everywhere])
            )
        if names.kwarg:
            scope[names.kwarg.arg] = self.new(
                "container", *(a.inside for a in [*keywords.values(), everywhere])
            )

    def call_path(
        self, path: str, arguments: list[_Value], keywords: dict[str, _Value], given: _Value
    ) -> _Value:
        """Return what a call of something imported, or built in, may return, after what it may do."""
        root, last = path.split(".")[0], path.split(".")[-1]
        first = arguments[0] if arguments else _NOTHING
        if root in _MODULES_FOR_ANYTHING and root != "builtins" and not path.startswith("IPython.display"):
            raise _CannotTell(f"{path} may do anything")
        if root not in _KNOWN and root != "IPython":
            self.always.add(self.cell)
            self.touch(*_RANDOM, _SETTINGS, _FILES, _FIGURES)
            self.change(given.all, given)
            return self.new("thing", given, given.inside, _Value(_RANDOM, paths=frozenset({f"{path}()"})))
        if {"out", "inplace"} & keywords.keys():
            self.change(given.all)
        if last in _CHANGING_FUNCTIONS:
            self.change(first.objects, given)
        if last in _SETTING_FUNCTIONS:
            self.always.add(self.cell)
        if root == "builtins" and path.count(".") == 1:
            return self.call_builtin(last, arguments, keywords, given)
        if root == "labutils":
            return self.call_labutils(path, first, keywords, given)
        shared = _lasting(given)
        if root in ("itertools",):
            return self.new("iterator", given.inside)
        if root in _OF_FILES:
            self.touch(_FILES)
        elif root == "pandas" and last.startswith(("read_", "to_")):
            self.touch(_FILES) if last.startswith("to_") else self.use(_FILES)
        elif root == "numpy":
            return self.call_numpy(path, last, arguments, keywords, shared)
        elif root in ("matplotlib", "seaborn"):
            self.touch(_FIGURES, _FILES)
        elif root == "random":
            if last == "Random":
                return self.new("generator")
            self.settle(_PYTHON) if last == "seed" else self.touch(_PYTHON)
        elif root == "keras":
            return self.call_keras(path, shared)
        elif root == "sklearn" and "random_state" not in keywords and last not in _NOT_RANDOM:
            if last[0].isupper():
                return self.new("library", shared.inside, _Value(frozenset({_NUMPY})))
            if not path.startswith("sklearn.metrics"):
                self.touch(_NUMPY)
        elif root in ("scipy", "statsmodels") and last in ("rvs", "differential_evolution", "dual_annealing"):
            self.touch(_NUMPY)
        elif root == "json" and last == "load":
            self.change(first.objects)
        paths = shared.paths if root in ("functools", "copy", "operator", "contextlib", "dataclasses") else ()
        return self.new("library", _Value(frozenset(), shared.all, given.code, frozenset(paths)))

    def call_builtin(
        self, name: str, arguments: list[_Value], keywords: dict[str, _Value], given: _Value
    ) -> _Value:
        if name in _ANYTHING or (name in ("getattr", "type") and len(arguments) != 1):
            raise _CannotTell(f"{name} may do anything")
        if name == "open":
            self.touch(_FILES)
            return self.new("generator")
        if name in ("setattr",):
            self.change_owner(ast.Attribute(), arguments[0] if arguments else _NOTHING, given)
        if name in _VALUES:
            if name == "print" and "file" in keywords:
                self.change(keywords["file"].objects)
            return _NOTHING
        if name in _ITERATORS:
            return self.new("iterator", given.inside)
        if name in ("list", "set", "sorted", "tuple", "frozenset"):
            return self.new("container", given.elements.inside)
        if name in ("max", "min", "next"):
            return given | given.elements
        return self.new("container" if name == "dict" else "thing", given.inside, given.elements.inside)

    def call_labutils(self, path: str, first: _Value, keywords: dict[str, _Value], given: _Value) -> _Value:
        _, *names = path.split(".")
        if names[0] == "exercises":
            if names[-1] == "check":
                self.always.add(self.cell)
            return _Value(paths=frozenset({f"{path}()"}))
        if names[0] == "backend":
            self.touch(_SETTINGS)
            return _Value(paths=frozenset({"keras"})) if names[-1] == "load_keras" else self.new()
        shared = _lasting(given)
        self.use(_FILES, _SETTINGS)
        if path in ("labutils.training.fit", "labutils.recall.train"):
            if self.training:
                changed = [first, *(keywords.get(name, _NOTHING) for name in ("model", "callbacks"))]
                self.change(_union(changed).all)
                if names[0] == "training":
                    self.touch(*_RANDOM)
            return self.new("library", first.inside, _Value(code=given.code))
        if names[0] in ("data", "plots", "claims", "training"):
            return self.new("data") | _Value(code=given.code)
        return self.new("library", _Value(held=shared.all, code=shared.code))

    def call_numpy(
        self, path: str, last: str, arguments: list[_Value], keywords: dict[str, _Value], shared: _Value
    ) -> _Value:
        if path.startswith("numpy.random."):
            if last in ("default_rng", "Generator", "RandomState", "SeedSequence", "PCG64", "MT19937"):
                given = _union([*arguments, *keywords.values()]).objects
                same = {t for t in given if isinstance(t, _Token) and t.kind == "generator"}
                return self.new("generator", _Value(frozenset(same)))
            if last == "seed" and arguments:
                self.settle(_NUMPY)
            else:
                self.touch(_NUMPY)
        if last.startswith(("save", "load", "genfromtxt", "fromfile", "memmap")):
            self.touch(_FILES) if last.startswith("save") else self.use(_FILES)
        shares = last in _VIEWS or "dtype" in keywords or _is_own(shared)
        return self.new("array", replace(shared, paths=frozenset()) if shares else _NOTHING)

    def call_keras(self, path: str, shared: _Value) -> _Value:
        self.use(_SETTINGS)
        if path == "keras.utils.set_random_seed":
            self.settle(*_RANDOM)
            return _NOTHING
        if path.split(".")[-1].startswith(("set_", "enable", "disable", "clear")):
            self.touch(_SETTINGS)
        draws = not path.startswith(tuple(_KERAS_WITHOUT_DRAWS))
        if draws:
            self.touch(*_RANDOM)
        if path.startswith(("keras.saving", "keras.models.load")):
            self.use(_FILES)
        fresh = path.startswith(("keras.ops.", "keras.utils."))
        objects = _Value(held=frozenset() if fresh else shared.all, code=shared.code)
        return self.new("array" if fresh else "library", objects, _Value(_RANDOM if draws else frozenset()))

    def call_method(self, owner: _Value, method: str, keywords: dict[str, _Value], given: _Value) -> _Value:
        """Return what a method of an object may return, after what it may do."""
        kinds = _kinds(owner)
        plain = kinds <= {"container", "data", "function", "array"}
        if not plain:
            self.call_all(owner.code, owner | given)
        if "inplace" in keywords or "out" in keywords:
            self.change(owner.all | given.all)
        own_kind = "array" if kinds <= {"array"} else "library" if "thing" not in kinds else "thing"
        shared = self.new(own_kind, owner if not plain else _NOTHING, owner.elements, given.inside)
        if method in _FITTING:
            if self.training or method in ("compile", "build"):
                changed = [owner, *(keywords.get(name, _NOTHING) for name in ("callbacks", "optimizer"))]
                self.use(_SETTINGS, _FILES)
                self.change(_union(changed).all, given if method == "compile" else _NOTHING)
            return self.new(own_kind, owner, owner.inside)
        if method in _CONTAINER_CHANGES:
            self.change(
                owner.objects, given, fixed=("function", "data", *(["array"] if method != "sort" else []))
            )
        elif method in _WRITING:
            self.touch(_FILES, _FIGURES)
            self.change(owner.objects)
        elif method in _READING:
            self.use(_FILES)
            self.change(owner.objects)
        elif method in _NEW_FROM or (method == "copy" and not kinds & {"container", "thing"}):
            self.use(_SETTINGS)
            kind = "container" if method in _LISTS_FROM else "array"
            return self.new(kind, _Value(code=owner.code | given.code) if _is_own(owner) else _NOTHING)
        elif method == "plot":
            self.touch(_FIGURES)
        elif method not in _SHARING and kinds & {"thing", "iterator"}:
            self.change(owner.all | given.all, owner | given)
            return shared | given
        elif method not in _SHARING and not kinds <= {"container", "data", "function"}:
            self.change(owner.all if "library" in kinds else owner.objects)
            if "generator" in kinds and method in _CHANGING_FUNCTIONS:
                self.change(given.all)
        return shared

    # ------------------------------------------------------------------ magics

    def magic(self, kind: str, name: str, line: str, body: str) -> _Value:
        """Follow the code that a magic runs; only some are known."""
        if kind == "run_line_magic" and name in _HARMLESS_MAGICS:
            return _NOTHING
        if name not in _TIMING_MAGICS or (name == "capture" and kind == "run_line_magic"):
            raise _CannotTell(f"%{name} may do anything")
        if name == "capture":
            names = [word for word in line.split() if not word.startswith("-")]
            for variable in names[:1]:
                self.bind(variable, self.new())
        elif line:
            body = f"{_without_options(line)}\n{body}"
        statements = _parsed(body)
        if name == "timeit":
            with self.perhaps():
                for _ in range(2):
                    self.statements(statements)
        else:
            self.statements(statements)
        return self.new()


def _without_options(line: str) -> str:
    """Return the code in the line of %time or %timeit, behind options such as -n 3 -r 2 -o."""
    return re.sub(r"^\s*(?:-(?:[nrp]\s*\d+|\w+|-\w+)\s+)*", "", line + " ").strip()


def _magic_of(node: ast.Call) -> tuple[str, str, str, str] | None:
    """Return of a magic, as IPython writes it in Python, its kind, name, line and body."""
    match node:
        case ast.Call(func=ast.Attribute(ast.Call(ast.Name("get_ipython"), []), kind), args=arguments):
            texts = [argument.value for argument in arguments if isinstance(argument, ast.Constant)]
            if len(texts) != len(arguments) or kind not in ("run_line_magic", "run_cell_magic"):
                raise _CannotTell(f"get_ipython().{kind}")
            name, line, body, *_ = [*map(str, texts), "", "", ""]
            return kind, name, line, body
    return None


def _parsed(source: str) -> list[ast.stmt]:
    """Return the statements of a cell, magics as calls; none where it is no Python and would not run."""
    try:
        code = TransformerManager().transform_cell(source)
        compile(code, "cell", "exec", flags=_TOP_LEVEL, dont_inherit=True)
        return ast.parse(code).body
    except (SyntaxError, ValueError):
        return []


def needed_cells(sources: Sequence[str]) -> list[int]:
    """Return the indices of the code cells that must run, so that each check gives what it would if all ran.

    Cells that check an answer, or may, and what they need; what answers that are never checked need; imports.
    Where the consequences of something cannot be known, such as ``exec`` or ``%run``, these are all cells.
    """
    reader = _Reader()
    try:
        for number, source in enumerate(sources):
            reader.read_cell(number, source)
        reader.read_end(len(sources), {exercise.answer_name for exercise in all_exercises()})
    except (_CannotTell, RecursionError):
        return list(range(len(sources)))
    return sorted(reader.behind(reader.always) - {len(sources)})


def cells_behind(sources: Sequence[str], cell: int) -> list[int]:
    """Return the indices of this cell and of those that make what it uses, less those that only train it."""
    reader = _Reader(training=False)
    for number, source in enumerate(sources[: cell + 1]):
        reader.read_cell(number, source)
    return sorted(reader.behind({cell}))
