"""Chemical formulas as they are written: H2O, not OH2.

Elements come in the order of table VI of the IUPAC recommendations (Nomenclature of Inorganic Chemistry, 2005, IR-4.4):
from the least to the most electronegative, along the groups of the periodic table, with hydrogen between nitrogen and
polonium.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["formula"]

_SEQUENCE = (
    "Og Rn Xe Kr Ar Ne He Fr Cs Rb K Na Li Ra Ba Sr Ca Mg Be "
    "Lr No Md Fm Es Cf Bk Cm Am Pu Np U Pa Th Ac Lu Yb Tm Er Ho Dy Tb Gd Eu Sm Pm Nd Pr Ce La Y Sc "
    "Rf Hf Zr Ti Db Ta Nb V Sg W Mo Cr Bh Re Tc Mn Hs Os Ru Fe Mt Ir Rh Co Ds Pt Pd Ni Rg Au Ag Cu Cn Hg Cd Zn "
    "Nh Tl In Ga Al B Fl Pb Sn Ge Si C Mc Bi Sb As P N H Lv Po Te Se S O Ts At I Br Cl F"
)
_RANK = {symbol: rank for rank, symbol in enumerate(_SEQUENCE.split())}


def formula(symbols: Iterable[str], as_listed: bool = False) -> str:
    """Formula of some atoms, e.g. "H2O"; marked or unknown labels stand where their element does, or last.

    Args:
        symbols: one for each atom, such as "O", or "Fe2+" for a marked one.
        as_listed: in the order of first appearance instead.
    """
    counts: dict[str, int] = {}
    for symbol in symbols:
        counts[symbol] = counts.get(symbol, 0) + 1
    ordered = (
        list(counts)
        if as_listed
        else sorted(counts, key=lambda symbol: (_RANK.get(_element(symbol), len(_RANK)), symbol))
    )
    return "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in ordered)


def _element(symbol: str) -> str:
    return next((symbol[:length] for length in (2, 1) if symbol[:length] in _RANK), symbol)
