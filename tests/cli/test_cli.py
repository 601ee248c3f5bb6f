"""The command ``sbs``: what it prints, the JSON it gives to programs, and how it refuses bad input."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import sbs
from sbs.cli import main
from sbs.errors import CertificateError
from sbs.sets.minimal_set import MinimalSet
from sbs.tables.catalogue import CRYSTAL_SYSTEMS


@pytest.fixture
def run(capsys):
    """Arguments -> (exit code, standard output, standard error) of the command, run in this process."""

    def call(*arguments):
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def ask(run):
    """Arguments -> parsed JSON of a command that must succeed."""

    def call(*arguments):
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return call


def python(*arguments, **environment):
    """A fresh interpreter in the installed or checked-out package."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(sbs.__file__)))
    variables = {**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", env=variables, check=False
    )


# --- solve --------------------------------------------------------------------------------------------------

QUERIES = {
    "Oh->D4h": (["Oh", "D4h"], {}),
    "m-3m->4mm": (["m-3m", "4mm"], {}),
    "C2->C1 in Oh": (["C2", "C1", "--ambient", "Oh"], {"ambient": "Oh"}),
    "Oh->D4, l<=4": (["Oh", "D4", "--lmax", "4"], {"lmax": 4}),
    "Td->C2v, not exact": (["Td", "C2v", "--not-exact"], {"exact": False}),
    "Dinfh->Cinfv": (["Dinfh", "Cinfv"], {}),
}


@pytest.mark.parametrize("name", QUERIES)
def test_solve_gives_the_answer_of_the_library(name, ask):
    arguments, keywords = QUERIES[name]
    expected = sbs.minimal_set(arguments[0], arguments[1], **keywords)
    found = ask("solve", *arguments)
    assert (found["size"], found["ideal"], found["degeneracy"], found["irreps"]) == (
        expected.size, expected.is_ideal, expected.degeneracy, expected.irreps,
    )  # fmt: skip
    assert np.array_equal(found["objects"], expected.objects)
    assert found["orbits"] == expected.orbits.tolist()
    assert found["normalizer"]["symbol"] == expected.normalizer.symbol
    assert found["exact"] is keywords.get("exact", True)


def test_the_elements_that_fix_each_object_really_do(ask):
    found = ask("solve", "Oh", "C4v")
    elements = np.array([element["matrix"] for element in ask("show", "Oh")["elements"]])
    for vector, fixers in zip(found["objects"], found["fixed_by"], strict=True):
        fixed = np.abs(elements @ vector - vector).max(axis=1) < 1e-12
        assert np.flatnonzero(fixed).tolist() == fixers


def test_an_infinite_set_is_named_so(ask, run):
    found = ask("solve", "C4", "C1")
    assert (found["size"], found["degeneracy"], found["objects"]) == ("infinite", "infinite", None)
    assert len(found["seed_object"]) == 3
    code, out, _ = run("solve", "C4", "C1")
    assert code == 0 and "∞" in out and "one of its objects" in out


def test_objects_are_drawn_from_infinite_sets(ask, run):
    found = ask("solve", "C4", "C1", "--sample", "3", "--seed", "5")
    np.testing.assert_array_equal(found["sample"], sbs.minimal_set("C4", "C1").sample(3, seed=5))
    assert "sample" not in ask("solve", "C4", "C1")
    code, out, _ = run("solve", "C4", "C1", "--sample", "2")
    assert code == 0 and "2 objects drawn with seed 0" in out
    code, _, err = run("solve", "C4", "C1", "--sample", "-1")
    assert code == 2 and "non-negative" in err


def test_long_work_shows_how_far_it_is_on_a_terminal(run, monkeypatch):
    from sbs import progress

    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    assert run("solve", "D37h", "C1")[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    sbs.groups.point.pointgroups._standard_group.cache_clear()
    code, out, err = run("solve", "D37h", "D37")
    assert code == 0 and "D37h" in out and "classes of subgroups" in err


def test_solve_prints_the_set_and_why(run):
    code, out, err = run("solve", "Oh", "D4h")
    assert (code, err) == (0, "")
    assert "Oh -> D4h in O(3)" in out and "1x2e" in out and "fewer cannot be" in out
    assert out.count("0.866025") == 2


def test_a_label_is_accepted_and_shown(run):
    code, out, _ = run("solve", "Oh", "C2v(C2')")
    assert code == 0 and "Oh -> C2v(C2')" in out


def test_long_lists_point_to_json(run, ask):
    _, out, _ = run("solve", "D100h", "C1")
    assert "280 more objects: see --json" in out
    assert len(ask("solve", "D100h", "C1")["objects"]) == 400


# --- show, groups, table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["C1", "D3", "Oh", "Ih", "D13"])  # D13 is not stored
def test_show_holds_a_whole_group(symbol, ask):
    found = ask("show", symbol)
    group = sbs.point_group(symbol)
    assert found["order"] == group.order == len(found["elements"])
    assert sum(len(c["elements"]) for c in found["element_classes"]) == group.order
    matrices = np.array([element["matrix"] for element in found["elements"]])
    assert np.abs(matrices - group.matrices).max() < 1e-15
    assert [c["label"] for c in found["subgroup_classes"]] == [c.label for c in group.subgroup_classes]
    assert [c["conjugates"] for c in found["subgroup_classes"]] == [c.size for c in group.subgroup_classes]
    norms = sum(row["dimension"] ** 2 // (2 if len(row["complex"]) == 2 else 1) for row in found["irreps"])
    assert norms == group.order


def test_show_prints_every_list(run):
    code, out, _ = run("show", "D3")
    assert code == 0
    for words in ("D3 (32)", "elements (6)", "element classes (3)", "irreps, real (3)", "subgroup classes (4)", "√3/2"):
        assert words in out


def test_show_of_an_infinite_group(ask, run):
    assert ask("show", "Dinfh")["order"] == "infinite"
    assert "σh" in run("show", "Dinfh")[1]


@pytest.mark.parametrize(
    ("typed", "symbol"), [("-43m", "Td"), ("-3", "S6"), ("-1", "Ci"), ("-6m2", "D3h"), ("-4m2", "D2d")]
)
def test_symbols_with_a_bar_are_no_options(typed, symbol, ask):
    assert ask("show", typed)["symbol"] == symbol


def test_groups_lists_the_32_and_the_icosahedral(ask, run):
    found = ask("groups")
    assert {row["symbol"] for row in found["crystallographic"]} == {s for m in CRYSTAL_SYSTEMS.values() for s in m}
    assert [row["symbol"] for row in found["icosahedral"]] == ["I", "Ih"]
    for row in found["crystallographic"] + found["icosahedral"]:
        assert sbs.point_group(row["hermann_mauguin"]).symbol == row["symbol"]
        assert sbs.point_group(row["symbol"]).order == row["order"]
    for row in found["families"]:
        assert sbs.point_group(row["example"]).family.family == row["family"]
    for row in found["infinite"]:
        assert sbs.point_group(row["symbol"]).order == float("inf")
    code, out, _ = run("groups")
    assert code == 0 and "m-3m" in out and "SO(3)" in out


def test_table_selects_and_sorts(ask, run):
    rows = ask("table", "C4v", "--sort", "size", "--reverse")["rows"]
    sizes = [row["size"] for row in rows]
    assert sizes == sorted(sizes, reverse=True) and len(rows) == len(sbs.table("C4v"))
    assert all(row["ideal"] for row in ask("table", "C3h", "--ideal")["rows"])
    code, out, _ = run("table", "C4v")
    assert code == 0 and "C4v (4mm), order 8" in out


# --- verify -------------------------------------------------------------------------------------------------


def test_verify_one_target_and_all(ask, run):
    assert ask("verify", "Oh", "D4h")["sound"] is True
    found = ask("verify", "D3")
    assert [row["target"] for row in found["targets"]] == ["C1", "C2", "C3", "D3"]
    code, out, err = run("verify", "D3")
    assert (code, err) == (0, "") and "4 of 4 certificates hold" in out


def test_a_certificate_that_fails_is_reported(run, monkeypatch):
    def broken(self):
        if self.target.order == 3:
            raise CertificateError("object 1 is not\nfixed by K")

    monkeypatch.setattr(MinimalSet, "verify", broken)
    code, out, err = run("verify", "D3")
    assert code == 1 and "3 of 4 certificates hold" in out
    assert err.startswith("sbs: D3 -> C3: object 1 is not") and "C2" not in err
    code, out, _ = run("verify", "D3", "--json")
    assert code == 1 and json.loads(out)["sound"] is False


# --- structures, explorer -----------------------------------------------------------------------------------

CUBIC = """cubic BaTiO3
1.0
4.0077 0.0 0.0
0.0 4.0077 0.0
0.0 0.0 4.0077
Ba Ti O
1 1 3
Direct
0.5 0.5 0.5
0.0 0.0 0.0
0.5 0.0 0.0
0.0 0.5 0.0
0.0 0.0 0.5
"""
TETRAGONAL = """tetragonal BaTiO3
1.0
3.9904 0.0 0.0
0.0 3.9904 0.0
0.0 0.0 4.1027
Ba Ti O
1 1 3
Direct
0.5 0.5 0.5825
0.0 0.0 0.1000
0.0 0.5 0.0642
0.5 0.0 0.0642
0.0 0.0 0.5490
"""


@pytest.fixture
def perovskites(tmp_path):
    """Files with cubic and tetragonal BaTiO3."""
    pytest.importorskip("ase", reason="files are read by ASE")
    paths = tmp_path / "cubic.vasp", tmp_path / "tetragonal.vasp"
    for path, text in zip(paths, (CUBIC, TETRAGONAL), strict=True):
        path.write_text(text)
    return [str(path) for path in paths]


def test_detect_names_the_symmetry_of_a_file(perovskites, ask, run):
    found = ask("detect", perovskites[0])
    assert (found["point_group"], found["space_group"]) == ("Oh", {"symbol": "Pm-3m", "number": 221})
    assert ask("detect", perovskites[1], "--tolerance", "0.01")["point_group"] == "C4v"
    code, out, _ = run("detect", perovskites[0])
    assert code == 0 and "Pm-3m" in out


def test_between_writes_the_domain_states(perovskites, ask, run, tmp_path):
    folder = tmp_path / "domains"
    found = ask("between", *perovskites, "--write", str(folder))
    assert found["domain_states"] == found["objects"] == 6
    assert sorted(found["written"]) == sorted(str(path) for path in folder.iterdir())
    assert len(found["written"]) == 6
    code, out, _ = run("between", *perovskites, "--write", str(folder))
    assert code == 0 and out.count("wrote ") == 6


def test_browse_writes_the_page(tmp_path, run):
    pytest.importorskip("plotly", reason="the explorer draws with plotly")
    target = tmp_path / "page.html"
    code, out, _ = run("browse", "--no-open", "--output", str(target))
    assert code == 0 and out.strip() == str(target)
    assert target.stat().st_size > 100_000


# --- bad input ----------------------------------------------------------------------------------------------

REFUSED = {
    "unknown group": (["solve", "D4hh", "C1"], "D4h"),
    "no subgroup": (["solve", "D4h", "Td"], "no subgroup"),
    "ambiguous target": (["solve", "Oh", "C2v"], "C2v(2σd)"),
    "not in the ambient": (["solve", "Oh", "C1", "--ambient", "D4h"], "D4h"),
    "negative lmax": (["solve", "Oh", "D4h", "--lmax", "-1"], "lmax"),
    "lmax is no number": (["solve", "Oh", "D4h", "--lmax", "two"], "--lmax"),
    "no set with lmax": (["solve", "Oh", "C1", "--lmax", "0"], "0"),
    "group is missing": (["solve"], "GROUP"),
    "unknown command": (["sovle"], "solve"),
    "unknown option": (["show", "Oh", "--jsn"], "--jsn"),
    "all targets of an infinite group": (["verify", "Dinfh"], "TARGET"),
    "table of an infinite group": (["table", "Dinfh"], "minimal_set"),
    "unknown column": (["table", "D3", "--sort", "colour"], "columns are"),
    "no such file": (["detect", "no-such-file.cif"], "no-such-file.cif"),
    "folder for the page is missing": (["browse", "--no-open", "--output", "no-such-folder/x.html"], "no-such-folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_gives_one_line_and_exit_code_2(case, run):
    if "browse" in REFUSED[case][0]:
        pytest.importorskip("plotly", reason="the explorer draws with plotly")
    arguments, expected = REFUSED[case]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("sbs: error: ") and expected in err


@pytest.mark.parametrize("arguments", [["--help"], ["solve", "--help"], ["--version"]], ids=" ".join)
def test_help_and_version_succeed(arguments, run):
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert (sbs.__version__ in out) if arguments == ["--version"] else ("usage: sbs" in out)


# --- how it looks -------------------------------------------------------------------------------------------

EVERY = {
    "help": [],
    "solve": ["solve", "Oh", "D4h"],
    "solve, infinite": ["solve", "C4", "C1", "--sample", "2"],
    "show": ["show", "D4h"],
    "show, infinite": ["show", "Dinfh"],
    "groups": ["groups"],
    "verify": ["verify", "C3v"],
    "table": ["table", "Oh"],
}


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("name", EVERY)
def test_every_command_fits_the_width(name, columns, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = run(*EVERY[name])
    assert (code, err) == (0, "") and out
    assert "…" not in out and "\x1b" not in out
    assert max(len(line) for line in out.splitlines()) <= columns


@pytest.mark.parametrize("columns", [60, 200])
def test_structures_fit_the_width(perovskites, columns, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = run("detect", perovskites[0])
    assert code == 0 and max(len(line) for line in out.splitlines() if "  " not in line.strip()) <= columns


def test_less_important_columns_go_first_and_are_named(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    narrow = run("table", "Oh")[1]
    heads = narrow.splitlines()[1].split()
    assert {"target", "size", "M", "H"} <= set(heads) and "species" not in heads
    assert "no room for species, n(P), n(ε)" in narrow
    monkeypatch.setenv("COLUMNS", "200")
    assert "species" in run("table", "Oh")[1].splitlines()[1] and "no room" not in run("table", "Oh")[1]


def test_character_tables_go_on_in_blocks(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    out = run("show", "D4h")[1]
    lines = out[out.index("irreps, real") : out.index("subgroup classes")].splitlines()
    assert sum(line.startswith("irrep ") for line in lines) >= 2
    assert sum(line.startswith("A1g ") for line in lines) == sum(line.startswith("irrep ") for line in lines)
    heading = next(line.split() for line in lines if line.startswith("irrep "))
    assert heading[2:7] == ["E", "2C4", "C2", "2C2'", "2C2''"]


def test_what_is_piped_is_not_folded(run, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    out = run("table", "Oh")[1]
    assert "species" in out and "no room" not in out


def test_a_terminal_gets_bold_titles_unless_colour_is_not_wanted(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "\x1b[1mC3v (3m)" in run("table", "C3v")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("table", "C3v")[1]


def test_progress_is_gone_before_anything_is_printed(run, monkeypatch):
    from sbs import progress

    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    written = []

    class Terminal:
        encoding = "utf-8"

        def __init__(self, name):
            self.name = name

        def write(self, text):
            written.append((self.name, text))

        def flush(self):
            pass

        def isatty(self):
            return self.name == "err"

    monkeypatch.setattr(sys, "stderr", Terminal("err"))
    monkeypatch.setattr(sys, "stdout", Terminal("out"))
    sbs.groups.point.pointgroups._standard_group.cache_clear()
    assert main(["solve", "D37h", "D37"]) == 0
    first = next(i for i, (name, _) in enumerate(written) if name == "out")
    assert first > 1 and written[first - 1] == ("err", "\r\x1b[2K")


def test_nothing_but_the_standard_library_draws():
    done = python(
        "-c", "import sys; from sbs.cli import main; main(['table', 'Oh']); print({'rich', 'tqdm'} & set(sys.modules))"
    )
    assert done.returncode == 0 and done.stdout.strip().endswith("set()")


def test_the_name_alone_prints_help(run):
    code, out, err = run()
    assert (code, err) == (0, "") and out.startswith("usage: sbs") and "completion" in out


@pytest.mark.parametrize(
    "heading", ["target", "HM", "order", "conj.", "conj", "size", "deg.", "irreps", "species", "n(P)", "M"]
)
def test_columns_are_sorted_by_the_names_in_their_headings(heading, run):
    code, out, err = run("table", "D4h", "--sort", heading)
    assert (code, err) == (0, "") and heading in out


def test_help_is_in_whole_sentences(run):
    for command in ("solve", "show", "groups", "verify", "table", "detect", "between", "browse", "completion"):
        text = " ".join(run(command, "--help")[1].split())
        assert "Print derive" not in text and "\\'" not in text
    assert '"C2v(C2\')"' in run("solve", "--help")[1]


def test_near_misses_are_helped():
    def refusal(text):
        with pytest.raises(sbs.errors.UnknownGroupError) as caught:
            sbs.point_group(text)
        return str(caught.value)

    assert "Dinf," not in refusal("Foo").partition("Expected")[0]
    assert "D4h" in refusal("D4hh")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_what_they_complete_with(shell, run):
    pytest.importorskip("argcomplete", reason="argcomplete is not installed: pip install 'sbs[cli]'")
    code, out, _ = run("completion", shell)
    assert code == 0 and "sbs" in out


def completions(line, tmp_path):
    """What a shell is offered after a line."""
    target = tmp_path / "offered"
    done = python(
        "-m", "sbs", _ARGCOMPLETE="1", COMP_LINE=line, COMP_POINT=str(len(line)), _ARGCOMPLETE_STDOUT_FILENAME=str(target),
        _ARGCOMPLETE_IFS="\n",
    )  # fmt: skip
    assert done.returncode == 0
    return target.read_text(encoding="utf-8").split("\n")


def test_groups_and_targets_are_completed(tmp_path):
    pytest.importorskip("argcomplete", reason="argcomplete is not installed: pip install 'sbs[cli]'")
    assert "Oh" in [text.strip() for text in completions("sbs solve O", tmp_path)]
    assert "D4h" in [text.strip() for text in completions("sbs solve Oh D4", tmp_path)]


def test_json_has_snake_case_and_numbers(perovskites, ask):
    def names(value):
        if isinstance(value, dict):
            for key, entry in value.items():
                yield key
                yield from names(entry)
        elif isinstance(value, list):
            for entry in value:
                yield from names(entry)

    facts = [
        ask("between", *perovskites),
        ask("detect", perovskites[0]),
        ask("solve", "Oh", "D4h"),
        ask("table", "C3v"),
    ]
    for found in facts:
        assert all(name.isidentifier() and name.lower() == name for name in names(found)), list(names(found))
    between, detect = facts[:2]
    assert between["child"] == {"point_group": "C4v", "space_group": {"symbol": "P4mm", "number": 99}}
    assert isinstance(between["largest_displacement_angstrom"], float) and detect["ambiguous"] is False


# --- as a process -------------------------------------------------------------------------------------------


def test_the_module_runs_as_a_process():
    done = python("-m", "sbs", "solve", "Oh", "D4h", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["size"] == 3


def test_bad_input_of_a_process_shows_no_traceback():
    done = python("-m", "sbs", "solve", "D4hh", "C1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_output_that_cannot_show_symbols_gets_escapes_in_json():
    done = python("-m", "sbs", "show", "C3v", "--json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "σv" in {element["symbol"] for element in json.loads(done.stdout)["elements"]}


@pytest.mark.parametrize("arguments", EVERY.values(), ids=list(EVERY))
def test_a_terminal_without_unicode_gets_text_that_can_be_typed(arguments):
    done = python("-m", "sbs", *arguments, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii() and "?" not in done.stdout


def test_labels_in_ascii_are_accepted_again():
    done = python("-m", "sbs", "table", "Oh", PYTHONIOENCODING="ascii")
    for line in done.stdout.strip().splitlines()[3:]:
        assert sbs.point_group("Oh").subgroup_class(line.split("  ")[0]).label


@pytest.mark.parametrize("arguments", [["show", "Oh", "--json"], ["show", "Oh"], ["table", "Ih"], ["groups"]])
def test_a_reader_that_stops_early_is_no_error(arguments):
    code = (
        "import os, subprocess, sys\n"
        "read, write = os.pipe()\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'sbs', *{arguments!r}], stdout=write, "
        "stderr=subprocess.PIPE)\n"
        "os.close(write)\n"
        "os.close(read)\n"
        "errors = child.communicate()[1]\n"
        "print(child.returncode, errors)\n"
    )
    assert python("-c", code).stdout.strip() == "0 b''"


@pytest.mark.skipif(os.name != "posix", reason="closes file descriptors by the shell's notation")
@pytest.mark.parametrize(
    ("command", "expected"),
    [("show Oh", 0), ("solve Oh D4h --json", 0), ("verify Oh D4h", 0), ("--help", 0), ("solve Oh nothing", 2)],
)
def test_closed_standard_output_leaves_the_exit_code(command, expected):
    root = os.path.dirname(os.path.dirname(os.path.abspath(sbs.__file__)))
    for closing in (">&-", ">&- 2>&-"):
        done = subprocess.run(
            f'"{sys.executable}" -m sbs {command} {closing}',
            shell=True,
            capture_output=True,
            text=True,
            cwd=root,
            check=False,
        )
        assert done.returncode == expected
        assert "Traceback" not in done.stderr and done.stderr.count("\n") <= 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--sample", "2", "--seed", "-1"], "seed must be"),
        (["--sample", "100000000000000"], "at a time"),
        (["--sample", "1e14"], "invalid int value"),
        (["--lmax", "-1"], "lmax"),
        (["--ambient", "D3"], "D3"),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(run, options, word):
    code, out, err = run("solve", "C4", "C1", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert word in err
