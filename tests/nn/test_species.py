"""The documentation's table of species: made again, against symmetry alone, and against networks with random weights."""

import json
from pathlib import Path

import pytest

from sbs.nn.reach.species import Case, Species, all_species, cases, lost_to_gaunt, main, page, reached

DOCS = Path(__file__).resolve().parents[2] / "docs"
DATA = DOCS / "data" / "tensor_products.json"


@pytest.fixture(scope="module")
def data():
    if not DATA.exists():
        pytest.skip("the documentation's data are not part of this installation")
    return json.loads(DATA.read_text(encoding="utf-8"))


def column(data, case):
    number = [Case(**each) for each in data["columns"]].index(case)
    return {row["symbol"]: row["reached"][number] for row in data["species"]}


def test_the_page_and_the_data_belong_together(data):
    assert (DOCS / "tensor_products.md").read_text(encoding="utf-8") == page(data)
    assert [Case(**each) for each in data["columns"]] == list(cases())
    assert [row["symbol"] for row in data["species"]] == [species.symbol for species in all_species()]
    assert len(data["species"]) == 212


def test_gaunt_networks_fail_where_symmetry_says_so(data):
    """Two routes: random numbers through a network, and the action of S on the two parts of the object."""
    gaunt = column(data, Case("gaunt", 2, 2))
    for species in all_species():
        needs, always = lost_to_gaunt(species)
        assert gaunt[species.symbol] == (not needs), species.symbol
        assert needs or not always
    assert sum(gaunt.values()) == 128
    assert sum(lost_to_gaunt(species)[1] for species in all_species()) == 82


def test_more_degree_more_layers_and_more_paths_never_lose(data):
    for case in cases():
        smaller = column(data, case)
        for other in (
            Case(case.product, min(case.lmax + 1, 3), case.layers),
            Case(case.product, case.lmax, 2),
            Case("complete", case.lmax, case.layers),
        ):
            larger = column(data, other)
            assert all(larger[symbol] for symbol, yes in smaller.items() if yes)
    assert all(column(data, Case("complete", 2, 2)).values())


@pytest.mark.parametrize("symbol", ["-1F1", "-43mF23", "m-3mF4/mmm", "4/mmmFmm2(ps)"])
def test_entries_made_again(data, symbol):
    species = next(each for each in all_species() if each.symbol == symbol)
    for case in (Case("gaunt", 1, 1), Case("gaunt", 2, 2), Case("complete", 2, 2)):
        assert reached(species, case) == column(data, case)[symbol]


def test_the_command_writes_both_files(tmp_path, monkeypatch):
    few = (Species("-1F1", "Ci", "C1", "1x0o"), Species("mF1", "Cs", "C1", "1x0o"))
    monkeypatch.setattr("sbs.nn.reach.species.all_species", lambda: few)
    assert main(["--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "data" / "tensor_products.json").read_text(encoding="utf-8"))
    assert (tmp_path / "tensor_products.md").read_text(encoding="utf-8") == page(written)
    assert [row["reached"] for row in written["species"]] == [[False] * 6 + [False, True] * 3] * 2
