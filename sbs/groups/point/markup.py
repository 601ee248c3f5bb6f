"""A point group as HTML, for notebooks."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["group_html"]


def group_html(group: Any) -> str:
    """Symbol, order, classes of elements, and the classes of subgroups as a table, without styles of its own.

    Args:
        group: a `sbs.groups.point.pointgroups.PointGroup`.
    """
    elements = " ".join(
        name if len(members) == 1 else f"{len(members)}{name}"
        for members, name in zip(group.element_classes, group.element_class_symbols, strict=True)
    )
    head = f"{group.symbol} ({group.hermann_mauguin}), order {group.order}: {elements}"
    rows = "".join(
        f"<tr><td>{escape(c.label)}</td><td>{escape(str(c.symbol))}</td><td>{c.order}</td><td>{c.size}</td></tr>"
        for c in group.subgroup_classes
    )
    titles = "".join(f"<th>{title}</th>" for title in ("subgroup class", "symbol", "order", "conjugates"))
    return f"<table><caption>{escape(head)}</caption><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"
