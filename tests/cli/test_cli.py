"""The command ``sbs``: what it prints, the JSON it gives to programs, and how it refuses bad input."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import sbs
from sbs.errors import CertificateError
from sbs.sets.minimal_set import MinimalSet
from sbs.tables.catalogue import CRYSTAL_SYSTEMS

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
        assert sbs.point_group(row["example"]).family.series == row["family"]
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


def test_detect_names_the_symmetry_of_a_file(perovskites, ask, run):
    found = ask("detect", perovskites[0])
    assert (found["point_group"], found["space_group"], found["space_group_number"]) == ("Oh", "Pm-3m", 221)
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


def test_between_and_distortions_in_supercells(perovskites, ask, run, tmp_path):
    """A child of twice the cell; a tilt named by its row among the isotropy subgroups."""
    doubled = tmp_path / "doubled.vasp"
    with open(perovskites[0]) as file:
        lines = file.read().splitlines()
    sites = [[float(x) for x in line.split()] for line in lines[-5:]]
    rows = [
        f"{x} {y} {(z + k) / 2 + (0.01 if (n, k) == (1, 0) else 0)}"
        for n, (x, y, z) in enumerate(sites)
        for k in (0, 1)
    ]
    cell = [lines[2], lines[3], " ".join(str(2 * float(x)) for x in lines[4].split())]
    doubled.write_text("\n".join([*lines[:2], *cell, lines[5], "2 2 6", "Direct", *rows]))
    found = ask("between", perovskites[0], str(doubled), "--tolerance", "0.005")
    assert found["supercell"] == [[2, 0, 0], [0, 2, 0], [0, 0, 2]] and found["domain_states"] == found["objects"]
    amplitudes = {row["irrep"]: row["standard"] for row in found["amplitudes"]}
    assert all(isinstance(value, float) for value in amplitudes.values()) and any(
        name.startswith("X") for name in amplitudes
    )
    assert not [key for key in found if key != key.lower() or " " in key]
    folder = tmp_path / "tilts"
    arguments = ("distortions", perovskites[0], "R4+ (a,0,0)", "--supercell", "2", "--amplitude", "0.2")
    tilts = ask(*arguments, "--write", str(folder), "--format", "extxyz")
    assert (tilts["domain_states"], tilts["displacement_patterns"]) == (6, 1)
    assert tilts["irreps"][0]["irrep"] == "R4+" and tilts["irreps"][0]["primary"] is True
    assert sorted(tilts["written"]) == sorted(str(path) for path in folder.iterdir()) and len(tilts["written"]) == 6
    assert {ask("detect", path, "--tolerance", "0.01")["space_group"] for path in tilts["written"]} == {"I4/mcm"}
    code, out, err = run(*arguments)
    assert code == 0 and "primary order parameters: R4+" in out and not err
    assert ask("detect", perovskites[0], "--supercell", "2x2x2")["order"] == 384


def test_distortions_of_the_primitive_cell(perovskites, ask):
    found = ask("distortions", perovskites[0], "C4v")
    assert (found["domain_states"], found["displacement_patterns"], found["strain_patterns"]) == (6, 3, 1)
    assert found["modes"] == [{"irrep": "T1u", "multiplicity": 3}, {"irrep": "T2u", "multiplicity": 1}]


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
    "no supercell": (["detect", "no-such-file.cif", "--supercell", "2x2"], "nine integers"),
    "unknown format": (["between", "a.cif", "b.cif", "--format", "pdb"], "--format"),
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


# --- as a process -------------------------------------------------------------------------------------------


def test_the_module_runs_as_a_process(python):
    done = python("-m", "sbs", "solve", "Oh", "D4h", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["size"] == 3


def test_bad_input_of_a_process_shows_no_traceback(python):
    done = python("-m", "sbs", "solve", "D4hh", "C1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_output_that_cannot_show_symbols_gets_escapes_in_json(python):
    done = python("-m", "sbs", "show", "C3v", "--json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "σv" in {element["symbol"] for element in json.loads(done.stdout)["elements"]}


def test_without_a_target_all_symmetry_is_broken(ask):
    found = ask("solve", "Oh")
    assert (found["size"], found["target"]["label"], found["target"]["order"]) == (48, "C1", 1)
    assert ask("solve", "Cinfv")["target"]["label"] == "C1"


def test_components_are_written_as_exact_numbers(ask, run):
    pytest.importorskip("sympy")
    found = ask("solve", "Oh", "D4h", "--symbolic")
    assert found["exact_objects"][0] == ["0", "0", "-1/2", "0", "sqrt(3)/2"]
    code, out, _ = run("solve", "Oh", "D4h", "--symbolic")
    assert code == 0 and "sqrt(3)/2" in out and "0.866025" not in out
    assert ask("solve", "C4", "C1", "--symbolic")["exact_objects"] is None
    assert "exact_objects" not in ask("solve", "Oh", "D4h")
    code, out, _ = run("solve", "D4h", "C2v(2σv)", "--symbolic")
    assert code == 0 and "0.126004" in out


@pytest.mark.parametrize("arguments", [["show", "Oh", "--json"], ["show", "Oh"], ["table", "Ih"], ["groups"]])
def test_a_reader_that_stops_early_is_no_error(arguments, python):
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
