"""A `GroupTable` as a LaTeX tabular."""

from __future__ import annotations

import re

from sbs.tables.display import Shown

__all__ = ["tabular"]

_GROUPS = {"label", "normalizer", "stabilizer"}
_INTERNATIONAL = {"hermann_mauguin", "aizu"}
_HEADINGS = {"n(P)": "$n_P$", "n(ε)": r"$n_\varepsilon$"}
_PLAIN = {"σ": r"\sigma", "'": "'", "²": "^2", "³": "^3", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁷": "^7", "∞": r"\infty"}


def tabular(table: Shown) -> str:
    """The shown columns, with rules of the package booktabs; symbols are set as in print."""
    columns = table.columns
    lines = [
        f"% {table.title}".replace("∞", "inf"),
        rf"\begin{{tabular}}{{{'l' * len(columns)}}}",
        r"\toprule",
        " & ".join(_HEADINGS.get(heading, heading) for _, heading in columns) + r" \\",
        r"\midrule",
    ]
    for cells in table.cells:
        lines.append(" & ".join(_cell(name, text) for (name, _), text in zip(columns, cells, strict=True)) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _cell(name: str, text: str) -> str:
    if not text:
        return ""
    if name in _GROUPS:
        return f"${_schoenflies(text)}$"
    if name in _INTERNATIONAL:
        return f"${_international(text)}$"
    if name == "irreps":
        return "$" + re.sub(r"(\d+)x(\d+)([eo])", r"\1\\times\2\3", text) + "$"
    return f"${text.replace('∞', chr(92) + 'infty')}$" if text == "∞" else text


def _schoenflies(text: str) -> str:
    """ "C2v(C2',σh)" -> C_{2v}(C_{2}',\\sigma_{h})."""
    text = re.sub(r"([CDST])(\d+|inf)([hvdi]?)", lambda m: f"{m[1]}_{{{m[2].replace('inf', 'INF')}{m[3]}}}", text)
    text = re.sub(r"([CTOI])([hdsi])(?![a-z])", r"\1_{\2}", text)
    text = re.sub(r"σ([hvd])", r"σ_{\1}", text)
    return "".join(_PLAIN.get(character, character) for character in text).replace("INF", r"\infty ")


def _international(text: str) -> str:
    """ "m-3mF4/mmm(ps)" -> m\\bar{3}m\\,F\\,4/mmm(ps)."""
    text = re.sub(r"-(\d+|∞)", lambda m: rf"\bar{{{m[1]}}}", text).replace("F", r"\mathrm{F}")
    return text.replace("∞", r"\infty ")
