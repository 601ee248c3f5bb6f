"""How the command looks: widths, terminals without Unicode, progress, help, completion, names in JSON."""

import sys

import pytest

import sbs
from sbs.cli import main

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


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_rows_of_modes_and_isotropy_subgroups_fit_the_width(perovskites, columns, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in (["modes", perovskites[0]], ["isotropy", perovskites[0], "GM4-"]):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "") and max(len(line) for line in out.splitlines()) <= columns
    assert "P4mm" in out


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


def test_nothing_but_the_standard_library_draws(python):
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
    pytest.importorskip("argcomplete", reason="argcomplete is not installed: pip install '.[cli]'")
    code, out, _ = run("completion", shell)
    assert code == 0 and "sbs" in out


def completions(line, tmp_path, python):
    """What a shell is offered after a line."""
    target = tmp_path / "offered"
    done = python(
        "-m", "sbs", _ARGCOMPLETE="1", COMP_LINE=line, COMP_POINT=str(len(line)), _ARGCOMPLETE_STDOUT_FILENAME=str(target),
        _ARGCOMPLETE_IFS="\n",
    )  # fmt: skip
    assert done.returncode == 0
    return target.read_text(encoding="utf-8").split("\n")


def test_groups_and_targets_are_completed(tmp_path, python):
    pytest.importorskip("argcomplete", reason="argcomplete is not installed: pip install '.[cli]'")
    assert "Oh" in [text.strip() for text in completions("sbs solve O", tmp_path, python)]
    assert "D4h" in [text.strip() for text in completions("sbs solve Oh D4", tmp_path, python)]


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
    assert between["child"]["space_group_number"] == 99
    assert isinstance(between["largest_displacement"], float) and detect["ambiguous"] is False


@pytest.mark.parametrize("arguments", EVERY.values(), ids=list(EVERY))
def test_a_terminal_without_unicode_gets_text_that_can_be_typed(arguments, python):
    done = python("-m", "sbs", *arguments, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii() and "?" not in done.stdout


def test_labels_in_ascii_are_accepted_again(python):
    done = python("-m", "sbs", "table", "Oh", PYTHONIOENCODING="ascii")
    for line in done.stdout.strip().splitlines()[3:]:
        assert sbs.point_group("Oh").subgroup_class(line.split("  ")[0]).label
